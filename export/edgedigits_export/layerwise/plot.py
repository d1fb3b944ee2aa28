"""The plot of signal over quantization noise, layer by layer."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from edgedigits_export.layerwise.compare import LayerReport

_COLOURS = {
    "float32": "#1b6ca8", "float16": "#2a9d5c", "dynamic-int8": "#8d5fb4", "int8": "#d1495b", "int16x8": "#b98a00",
}  # fmt: skip
_STYLES = {".tflite": ("o", "-"), ".onnx": ("s", "--")}
_DPI = 120
_MANY_LAYERS = 30


def draw_layers(names: Sequence[str], reports: Sequence[LayerReport], format_: str) -> bytes:
    """Return an image in the format ``png`` or ``svg``: a line for each file, a dotted one for each tolerance.

    A ring marks each layer at which a file first departs. Layers that no file shows are left out.
    """
    shown = sorted({row.index for report in reports for row in report.rows})
    positions = {index: position for position, index in enumerate(shown)}
    figure = Figure(figsize=(3.5 + 0.6 * min(len(shown), _MANY_LAYERS), 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for report in reports:
        colour = _COLOURS[report.precision]
        marker, line = next(style for suffix, style in _STYLES.items() if report.file.endswith(suffix))
        x, y = [positions[row.index] for row in report.rows], [row.sqnr_db for row in report.rows]
        axes.plot(x, y, marker=marker, linestyle=line, color=colour, markersize=4, linewidth=1.2, label=report.file)
    for row in {report.departs.index: report.departs for report in reports if report.departs}.values():
        point = positions[row.index], row.sqnr_db
        axes.plot(*point, "o", color="black", markersize=13, fillstyle="none")
        axes.annotate(row.layer, point, xytext=(9, 5), textcoords="offset points", fontsize=9)
    for level in sorted({report.tolerance.sqnr_db for report in reports}):
        precisions = list(dict.fromkeys(r.precision for r in reports if r.tolerance.sqnr_db == level))
        colour = _COLOURS[precisions[0]] if len(precisions) == 1 else "#555555"
        label = f"tolerance of {', '.join(precisions)}"
        axes.axhline(level, color=colour, linestyle=":", linewidth=1.2, label=label)
    axes.set_ylabel("signal over quantization noise, dB")
    axes.set_xticks(range(len(shown)), [names[index] for index in shown], **_label_style(len(shown)))
    axes.grid(alpha=0.25)
    axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    buffer = io.BytesIO()
    # With a fixed salt, without date and version, the same values give the same bytes.
    with mpl.rc_context({"svg.hashsalt": "edgedigits"}):
        metadata = {"Date": None} if format_ == "svg" else {"Software": None}
        figure.savefig(buffer, format=format_, dpi=_DPI, metadata=metadata)
    return buffer.getvalue()


def _label_style(count: int) -> dict[str, Any]:
    """Return how the names of the layers are written, which depends on their count."""
    if count > _MANY_LAYERS:
        return {"rotation": 90, "fontsize": 5}
    return {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
