"""The report of a run: one self-contained HTML page with its configuration, history, scores and plots."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import jinja2

from edgedigits_train.record import TrainRecord


def render(record: TrainRecord, plots: Mapping[str, bytes]) -> str:
    """Return the page's HTML with all plots inside; ``plots`` maps file names without ending to PNG bytes."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("page.html.j2").render(
        record=record,
        plots={name: f"data:image/png;base64,{base64.b64encode(data).decode()}" for name, data in plots.items()},
        classes=tuple(zip(record.validation.per_class, record.test.per_class, strict=True)),
        best=max(record.history, key=lambda epoch: epoch.validation_accuracy),
    )
