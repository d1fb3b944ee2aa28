"""One self-contained page about a run: what it was, how it went, how good the result is and where it fails."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import jinja2

from edgedigits_train.record import TrainRecord


def render(record: TrainRecord, pictures: Mapping[str, bytes]) -> str:
    """The page's HTML with every picture inside; ``pictures`` maps names without ending to PNG bytes."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("page.html.j2").render(
        record=record,
        pictures={name: f"data:image/png;base64,{base64.b64encode(data).decode()}" for name, data in pictures.items()},
        classes=tuple(zip(record.validation.per_class, record.test.per_class, strict=True)),
        best=max(record.history, key=lambda epoch: epoch.validation_accuracy),
    )
