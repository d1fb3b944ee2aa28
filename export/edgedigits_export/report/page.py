"""Render one self-contained HTML page about a bundle, and about the training run that it was exported from."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from edgedigits.bundle import Bundle
from edgedigits.errors import InputError
from edgedigits.manifest import Manifest
from edgedigits_export.repair.words import repair_in_words, short_name
from edgedigits_export.report.choice import RULE, Choice, choose_file
from edgedigits_export.report.examples import (
    Answers,
    class_rows,
    golden_examples,
    ordinary_examples,
    read_answers,
    wrong_examples,
)
from edgedigits_export.report.latency import describe_latency, machine_name
from edgedigits_export.report.pareto import draw_pareto
from edgedigits_export.report.repair_curve import draw_repair
from edgedigits_export.report.rows import ReportRow, exported_rows, join_rows, settled

PICTURES = ("curves", "samples")


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A trainer's folder, with its pictures, and the ``train.json`` in it."""

    folder: Path
    record: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a page is rendered from.

    Attributes
    ----------
    run: the training run of the model; None where it was trained elsewhere.
    parity: the JSON of this command; None where the bundle has no reference to compare with.
    bench: the JSON of this command.

    """

    run: TrainingRun | None
    bundle: Bundle
    parity: dict[str, Any] | None
    bench: dict[str, Any]


def choice_of(report: Report) -> Choice:
    """Return the file to ship, and why."""
    manifest = report.bundle.manifest
    return choose_file(_rows(report), manifest, machine_name(report.bench), _count(report))


def render(report: Report) -> str:
    """Return the page's HTML, with every picture inside.

    Raises
    ------
    InputError: a picture of the run is missing, or figures are those of another version.

    """
    bundle, manifest = report.bundle, report.bundle.manifest
    rows = _rows(report)
    choice = choice_of(report)
    file = choice.row.file if choice.row else manifest.files[0].path
    drawn = [draw_pareto(rows, "kilobytes"), draw_pareto(rows, "p50_us")]
    golden_of, golden = golden_examples(bundle, file)
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.get_template("page.html.j2").render(
        **_tested(report, choice),
        manifest=manifest,
        run=report.run,
        rows=rows,
        count=_count(report),
        rule=RULE,
        choice=choice,
        file=file,
        latency=describe_latency(report.bench),
        pareto=[_data_url(picture, "image/svg+xml") for picture in drawn if picture],
        repairs=_repairs(manifest),
        golden=golden,
        golden_of=golden_of,
        pictures={name: _data_url(_picture(report.run.folder, name)) for name in PICTURES} if report.run else {},
    )


def _rows(report: Report) -> list[ReportRow]:
    manifest = report.bundle.manifest
    if report.parity is None:
        return exported_rows(manifest, report.bench)
    sizes = {file.path: file.bytes for file in manifest.files}
    return settled(join_rows(report.parity, report.bench, sizes), manifest)


def _count(report: Report) -> int:
    return int(report.parity["count"] if report.parity else report.bundle.manifest.reference.accuracy.count)


def _repairs(manifest: Manifest) -> list[dict[str, Any]]:
    """Return what the page says of each repair."""
    return [
        {
            "file": file.path,
            "words": repair_in_words(file.repair),
            "bound": file.repair.bound,
            "runs_on": ", ".join(file.repair.runs_on),
            "curve": _data_url(draw_repair(file.repair, manifest.gate.margin), "image/svg+xml"),
            "in_float": [short_name(name) for name in file.repair.in_float],
        }
        for file in manifest.files
        if file.repair is not None
    ]


def _tested(report: Report, choice: Choice) -> dict[str, Any]:
    """Return what the page says of the images that the chosen file was compared on, or why it says nothing."""
    nothing: dict[str, Any] = {"classes": [], "ordinary": [], "wrong": [], "why_no_images": None}
    comparison = _comparison(report.parity, choice)
    if report.parity is None or comparison is None:
        return nothing
    labels, answers = report.bundle.manifest.labels, None
    try:
        answers = read_answers(report.bundle, report.parity["data"], comparison)
    except InputError as error:
        nothing["why_no_images"] = str(error)
    return nothing | {"classes": class_rows(comparison, answers, labels)} | _shown(answers, labels)


def _comparison(parity: dict[str, Any] | None, choice: Choice) -> dict[str, Any] | None:
    """Return the comparison of the chosen file in its engine."""
    if parity is None or choice.row is None:
        return None
    engine = choice.row.engine.split()[0]
    found = (row["comparison"] for row in parity["rows"] if (row["file"], row["engine"]) == (choice.row.file, engine))
    return next(found, None)


def _shown(answers: Answers | None, labels: Sequence[str]) -> dict[str, Any]:
    if answers is None:
        return {}
    return {"ordinary": ordinary_examples(answers, labels), "wrong": wrong_examples(answers, labels)}


def _picture(run: Path, name: str) -> bytes:
    try:
        return (run / f"{name}.png").read_bytes()
    except OSError as error:
        raise InputError(f"{run / name}.png: cannot be read ({error.strerror}); train again") from error


def _data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
