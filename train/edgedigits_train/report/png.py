"""Rendering of matplotlib figures to PNG bytes, without a window system."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 120


def to_png(figure: Figure) -> bytes:
    """Return a figure as PNG bytes; equal figures give equal bytes."""
    buffer = io.BytesIO()
    # The Agg canvas needs no window system and shares no state with other users of matplotlib.
    FigureCanvasAgg(figure)
    # The software's version is left out of the file, so that equal figures give equal bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
