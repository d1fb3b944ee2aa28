"""What scoring costs: the smallest run measures, and the table and the goals follow from its rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra [scale] is not there")

from benchmarks.scoring.score import BENCHMARK
from benchmarks.scoring.score_table import days_phrase, faults, score_table, shares
from benchmarks.scoring.ways import LOOP, ONE, SETS, WAYS

pytestmark = pytest.mark.slow


def test_the_smallest_run_measures_a_loop_and_ours(tmp_path: Path) -> None:
    output = tmp_path / "score.json"
    assert BENCHMARK.main(["--smallest", "-o", str(output)]) == 0
    result = json.loads(output.read_text())
    assert [(row["set"], row["way"]) for row in result["rows"]] == [
        (name, way.name) for name in SETS for way in WAYS[:2]
    ]
    assert all(row["rate"] > 0 and row["peak_mb"] > 20 for row in result["rows"])
    assert score_table(result).count("\n| ") >= 2 * len(SETS)


def test_shares_are_medians_over_turns_and_goals_follow_from_them() -> None:
    rates = {LOOP: [100, 200, 100], WAYS[1].name: [90, 150, 99]}
    rows = [
        {"set": "photographs", "count": 9, "way": way, "rate": rate, "start": 1.0, "seconds": 2.0, "peak_mb": 3}
        for turn in range(3)
        for way, rate in ((way, rates[way][turn]) for way in rates)
    ] + [{"set": "x", "count": 9, "way": WAYS[2].name, "rate": 1, "start": 1.0, "seconds": 2.0, "peak_mb": 3}]
    assert shares({"rows": rows}) == {("photographs", WAYS[1].name): pytest.approx(0.9)}
    assert len(faults({"rows": rows})) == 1
    rates[WAYS[1].name][:] = [96, 150, 99]
    for row in rows:
        if row["way"] == WAYS[1].name and row["rate"] == 90:
            row["rate"] = 96
    assert faults({"rows": rows}) == []


def test_pictures_a_day_are_those_of_one_process_and_of_a_board_where_they_were_counted() -> None:
    row = {"set": "photographs", "count": 9, "way": ONE, "rate": 107.3, "start": 1.0, "seconds": 2.0, "peak_mb": 3}
    counted = {"engine": "litert", "instructions": {"classify": 5e6}}
    board = {"board": "pi5", "os": "bookworm", "arch": "arm64", "read": [counted]}
    told = days_phrase({"rows": [row]}, {"machines": [board]})
    assert told.startswith("A day of one core here: 9.3 million photographs.")
    fast = days_phrase({"rows": [row | {"rate": 48_606.3}]}, {"machines": []})
    assert fast == "A day of one core here: 4,200 million photographs."
    assert "measured nowhere: a day's `classify` 41 million pictures" in told
    board["read"] = []
    assert "Raspberry" not in days_phrase({"rows": [row]}, {"machines": [board]})
