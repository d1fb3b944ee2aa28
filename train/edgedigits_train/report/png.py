"""Figures as PNG bytes, without a window system."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_DPI = 120


def to_png(figure: Figure) -> bytes:
    """Draw a figure; the same one gives the same bytes."""
    buffer = io.BytesIO()
    # The Agg canvas asked for by name: no window system, no state shared with other users of matplotlib.
    FigureCanvasAgg(figure)
    # Without the software's version in it, the same run gives the same bytes.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
