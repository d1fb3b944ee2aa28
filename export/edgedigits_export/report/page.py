"""Render one self-contained HTML page about a training run and the bundle exported from it."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.errors import InputError
from edgedigits.quiet import quiet_descriptor
from edgedigits_export.report.pareto import draw_pareto
from edgedigits_export.report.rows import join_rows

PICTURES = ("curves", "confusion", "mistakes", "samples")
_ENLARGED = 4


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a page is rendered from.

    Attributes
    ----------
    run: the trainer's folder, with its pictures.
    record: the ``train.json`` in it.
    parity, bench: the JSON of these commands.

    """

    run: Path
    record: dict[str, Any]
    bundle: Bundle
    parity: dict[str, Any]
    bench: dict[str, Any]


def render(report: Report) -> str:
    """Return the page's HTML, with every picture inside.

    Raises
    ------
    InputError: a picture of the run is missing.

    """
    rows = join_rows(report.parity, report.bench)
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("page.html.j2").render(
        report=report,
        manifest=report.bundle.manifest,
        rows=rows,
        pictures={name: _data_url(_picture(report.run, name)) for name in PICTURES},
        pareto=_data_url(draw_pareto(rows), "image/svg+xml"),
        predictions=_golden_predictions(report.bundle),
    )


def _golden_predictions(bundle: Bundle) -> list[dict[str, Any]]:
    """Classify the bundle's golden images with its default variant, on this machine."""
    with quiet_descriptor(2):
        classifier = DigitClassifier(bundle)
    shown = []
    with classifier:
        for image in bundle.golden().images:
            prediction = classifier.classify(image if image.shape[-1] == 3 else image[..., 0])
            shown.append({"picture": _enlarged(image), "prediction": prediction})
    return shown


def _enlarged(image: Any) -> str:
    pixels = Image.fromarray(np.squeeze(image))
    buffer = io.BytesIO()
    size = (pixels.width * _ENLARGED, pixels.height * _ENLARGED)
    pixels.resize(size, Image.Resampling.NEAREST).save(buffer, "PNG", optimize=True)
    return _data_url(buffer.getvalue())


def _picture(run: Path, name: str) -> bytes:
    try:
        return (run / f"{name}.png").read_bytes()
    except OSError as error:
        raise InputError(f"{run / name}.png: cannot be read ({error.strerror}); train again") from error


def _data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
