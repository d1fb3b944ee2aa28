"""Rendering of matplotlib figures to PNG bytes, without a window system."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 120
# Subplots that show an image alone. Axes that are only turned off would still lay out their ticks, for as long as all
# else takes.
IMAGE_ALONE = {"xticks": (), "yticks": (), "frame_on": False}


def to_png(figure: Figure) -> bytes:
    """Return a figure as PNG bytes; equal figures give equal bytes."""
    buffer = io.BytesIO()
    figure.set_dpi(_DPI)
    # The Agg canvas needs no window system and shares no state with other users of matplotlib. Its own method draws
    # once; `Figure.savefig` would draw the figure twice, the first time only to lay it out, which drawing does anyway.
    # The software's version is left out of the file, so that equal figures give equal bytes.
    FigureCanvasAgg(figure).print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return buffer.getvalue()
