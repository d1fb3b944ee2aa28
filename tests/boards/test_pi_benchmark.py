from __future__ import annotations

import copy
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
pytestmark = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="the wheel alone has no benchmarks")

ROW = {"file": "small-int8.tflite", "engine": "litert", "version": "2.3.0", "instructions": 1_000_000.0}
COMMITTED = {"machines": [{"board": "pi4", "os": "bookworm", "arch": "arm64", "rows": [ROW]}]}


@pytest.fixture
def drifted(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import pi

    return pi.drifted


def measured(**changes):
    found = copy.deepcopy(COMMITTED)
    found["machines"][0]["rows"][0].update(changes)
    return found


@pytest.mark.parametrize("count", [1_000_000.0, 1_009_000.0, 991_000.0, None])
def test_counts_within_the_tolerance_and_counts_that_could_not_be_had_pass(drifted, count):
    assert drifted(measured(instructions=count), COMMITTED) == []


@pytest.mark.parametrize("count", [1_011_000.0, 500_000.0])
def test_another_choice_of_kernels_is_noticed(drifted, count):
    (line,) = drifted(measured(instructions=count), COMMITTED)
    assert line == f"pi4 bookworm arm64 small-int8.tflite litert 2.3.0: {count:,.0f} instructions, committed 1,000,000"


def test_another_release_asks_for_a_new_baseline_rather_than_comparing(drifted):
    gone, new = drifted(measured(version="2.4.0"), COMMITTED)
    assert "2.3.0: in the committed results, not in these" in gone
    assert "2.4.0: not in pi.json; run make pi and commit it" in new
