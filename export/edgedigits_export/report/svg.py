"""Make SVG pictures whose bytes depend on the figures alone, so that they can be committed and compared."""

from __future__ import annotations

import io

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# Each engine has one colour in every picture.
ENGINE_COLOURS = {"litert": "#1b6ca8", "tflite-runtime": "#d1495b", "onnxruntime": "#2a9d5c"}


def svg_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, which needs no screen."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure


def svg_bytes(figure: Figure) -> bytes:
    """Return a figure as SVG, with a fixed salt instead of a random one and without a date."""
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "edgedigits"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
