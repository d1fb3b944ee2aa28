"""The first line of a report: which file to ship and why, by the rule that stands below it."""

from __future__ import annotations

from typing import Any

import pytest

from edgedigits.bundle import Bundle
from edgedigits_export.report.choice import choose_file
from edgedigits_export.report.rows import ReportRow

GATE = "it falls by 2.00 at least, margin 0.5"


def row(file: str, engine: str = "litert", **figures: Any) -> ReportRow:
    known: dict[str, Any] = {
        "kilobytes": 100.0, "accuracy": 0.9, "ci95": (0.88, 0.92), "drop": 0.0, "drop_at_most": 0.3, "flips": 0,
        "ece_before": 0.1, "ece": 0.1, "outcome": "passed", "reasons": "", "needed": None,
        "judged_on": 1000, "p50_us": None, "p50_ci95_us": None, "p99_us": None,
    }  # fmt: skip
    if time := figures.pop("time", None):
        known |= {"p50_us": time, "p50_ci95_us": (time - 1, time + 1), "p99_us": 2 * time}
    return ReportRow(file, f"{engine} 1.0", **{**known, **figures})


def said(*rows: ReportRow, of: str = "Keras") -> str:
    manifest = Bundle.load("small").manifest
    manifest = manifest._replace(reference=manifest.reference._replace(of=of))
    return choose_file(rows, manifest, "a Pi", 1000).sentence


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (  # the fastest that passed, whatever its size
            [row("a", time=50), row("b", time=10, kilobytes=60, drop=0.1), row("c", kilobytes=1, time=30)],
            "Ship b: 60.0 KB, 60 % of the largest file, 0.10 points of accuracy lost, 10.0 µs in litert on a Pi, "
            "the fastest that passed",
        ),
        (  # intervals overlap, so that size decides
            [row("a", time=10), row("b", time=11.5, kilobytes=25)],
            "Ship b: 25.0 KB, 25 % of the largest file, no accuracy lost, 11.5 µs in litert on a Pi, which is not "
            "measurably slower than a",
        ),
        (  # one that is worse in another engine has not passed
            [row("a", time=10), row("a", "onnxruntime", outcome="failed", reasons=GATE), row("b", time=40)],
            "Ship b: 100.0 KB, no accuracy lost, 40.0 µs in litert on a Pi",
        ),
        (  # one that saw too few images says nothing against a file
            [row("a", time=10), row("a", "onnxruntime", outcome="undecided", needed=1600)],
            "Ship a: 100.0 KB, no accuracy lost, 10.0 µs in litert on a Pi",
        ),
        (  # an engine that cannot run a file says nothing of its answers
            [row("a", time=10), row("a", "onnxruntime", outcome="error", reasons="no such operator")],
            "Ship a: 100.0 KB, no accuracy lost, 10.0 µs in litert on a Pi",
        ),
        (
            [row("a"), row("b", kilobytes=25, drop=-0.2)],
            "Ship b: 25.0 KB, 25 % of the largest file, no accuracy lost, latency not measured",
        ),
        (
            [row("a", outcome="undecided", needed=1600), row("b", kilobytes=200, outcome="failed", reasons=GATE)],
            "No file is proved here: 1,000 images are too few to tell, about 1,600 would do. By the rule it would be "
            "a: 100.0 KB, 50 % of the largest file, no accuracy lost, latency not measured",
        ),
        (
            [row("a", outcome="not judged", drop=0.004)],
            "No file is proved here: no outputs were compared. By the rule it would be a: "
            "100.0 KB, no accuracy lost, latency not measured",
        ),
        (
            [row("a", drop=3.0, outcome="failed", reasons="much"), row("b", drop=2.5, outcome="failed", reasons=GATE)],
            f"Ship none of these files: all that ran failed. b loses least: {GATE}",
        ),
        ([row("a", outcome="error", accuracy=None)], "Ship none of these files: no engine here ran one"),
    ],
)
def test_the_sentence_follows_from_gates_latency_and_size(rows: list[ReportRow], sentence: str) -> None:
    assert said(*rows) == sentence


def test_of_a_wrapped_file_it_says_whether_engines_agree_and_not_that_nothing_is_lost() -> None:
    assert said(row("a", flips=3), of="litert 2.3.0") == (
        "Ship a: 100.0 KB, 90.00 % of 1,000 images right, 3 answers other than litert 2.3.0's at the export, "
        "latency not measured"
    )
