"""Quantizers side by side: a real run as small as it goes, who counts as the cheapest, and what the tables say."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from benchmarks.accuracy.own_networks import FOLDER
from benchmarks.accuracy.quantizer_candidates import PEERS
from benchmarks.accuracy.quantizers import BENCHMARK, faults
from benchmarks.accuracy.quantizers_table import goals, goals_missed, is_cheapest, quantizers_table
from benchmarks.harness.child import ChildError, run_command
from benchmarks.harness.reasons import LONGEST, reason_of

NAME = "edgedigits export"


def file(name: str, format_: str, size: int, p50: float | None, high: float = 0.3, **changes: Any) -> dict[str, Any]:
    return {
        "name": name, "format": format_, "ours": name == NAME, "seconds": 12.4, "reason": None, "bytes": size,
        "accuracy": 0.9, "drop": high - 0.2, "drop_ci95": [high - 0.4, high], "flips": 90,
        "outcome": "passed" if high <= 0.5 else "failed", "p50_us": p50, "p50_ci95_us": [p50, p50],
        "older": {"agreement": 0.998, "reason": None} if format_ == "tflite" else None,
        **changes,
    }  # fmt: skip


def no_file(name: str, format_: str, reason: str) -> dict[str, Any]:
    return {"name": name, "format": format_, "ours": False, "seconds": 3.0, "reason": reason}


def network(name: str = "ViT", peer: dict[str, Any] | None = None) -> dict[str, Any]:
    files = [file(NAME, "tflite", 100_000, 100.0), file(NAME, "onnx", 120_000, 50.0), *([peer] if peer else [])]
    return {"network": name, "epochs": 8, "parameters": 77_242, "keras": 0.89, "files": files}


def result(*rows: dict[str, Any]) -> dict[str, Any]:
    return {
        "gate": {"name": "accuracy", "margin": 0.5}, "images": 10_000, "calibrated": 500, "chosen": 5_000,
        "for_older": 1_000, "machine": {"board": None, "cpu": "a processor", "cores": 2, "python": "3.11.7"},
        "versions": {"keras": "3.15.1"}, "peers": ["nncf==3.4.0"], "rows": list(rows),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("peer", "cheapest"),
    [
        (file("equal", "tflite", 100_000, 100.0), True),
        (file("smaller", "tflite", 99_999, 500.0), False),
        (file("smaller, but outside the margin", "tflite", 99_999, 500.0, high=0.6), True),
        (file("a little faster", "tflite", 200_000, 95.3), True),
        (file("faster", "tflite", 200_000, 95.0), False),
        (file("faster, but not measured", "tflite", 200_000, None), True),
        (file("of the other format", "onnx", 1_000, 1.0), True),
        (no_file("broken", "tflite", "no such operator"), True),
    ],
)
def test_the_cheapest_file_is_no_larger_and_hardly_slower_than_any_inside_the_margin(peer, cheapest) -> None:
    assert is_cheapest(network(peer=peer), ("tflite",)) is cheapest


def test_a_file_of_ours_outside_the_margin_is_never_the_cheapest() -> None:
    row = network()
    row["files"][0]["outcome"] = "undecided"
    assert not is_cheapest(row, ("tflite",))
    assert is_cheapest(row, ("tflite", "onnx")), "the other one is"


def test_over_both_formats_one_file_has_to_beat_all() -> None:
    row = network(peer=file("between", "tflite", 110_000, 60.0))
    assert not is_cheapest(row, ("tflite", "onnx")), "one is too slow, the other too large"


def test_the_goals_count_networks_and_name_the_others() -> None:
    good, bad = network("LSTM"), network("ViT", file("smaller", "tflite", 1, 1.0))
    told = goals(result(*[good] * 5, bad))
    assert told[0] == "12 of our 12 files are inside the margin (goal: all)"
    assert told[1].startswith(".tflite alone: on 5 of 6 networks a file of ours")
    assert told[1].endswith("(goal: 5); not on ViT")
    assert told[2].endswith("(goal: 5)")
    assert goals_missed(result(*[good] * 5, bad)) == []
    missed = goals_missed(result(*[good] * 4, bad, bad))
    assert [one.partition(":")[0] for one in missed] == [".tflite alone", "both formats together"]


def test_a_file_outside_the_margin_or_a_network_that_learned_nothing_is_a_fault() -> None:
    rows = [network("LSTM") for _ in range(6)]
    assert faults(result(*rows)) == []
    rows[0]["files"][1]["outcome"] = "failed"
    rows[1]["keras"] = 0.5
    assert faults(result(*rows)) == [
        "LSTM: expected 88% of the test images right in Keras, found 50.0%",
        "11 of our 12 files are inside the margin (goal: all)",
    ]


def test_the_table_of_a_network_has_all_files_and_says_in_their_own_words_what_is_missing() -> None:
    refused = file("peer", "tflite", 90_000, 80.0, high=0.7, older={"agreement": None, "reason": "no such version"})
    row = network(peer=refused)
    row["files"].append(no_file("broken", "onnx", "no such | operator"))
    text = quantizers_table(result(row))
    assert "**ViT**: 77,242 parameters, 8 epochs, 89.00% in Keras" in text
    ours, _, peer, broken = text.split("in Keras\n\n")[1].splitlines()[2:6]
    assert ours == f"| **{NAME}** | .tflite | +0.10 (-0.10 to +0.30) | 100 | 100 | 12 | 99.8% |"
    assert peer == "| peer | .tflite | **+0.50 (+0.30 to +0.70)** | 90 | 80 | 12 | refused |"
    assert broken == "| broken | .onnx | no file | – | – | 3 | – |"
    assert "- broken, .onnx, ViT: `no such | operator`" in text
    assert "- tflite-runtime on peer, .tflite, ViT: `no such version`" in text


def test_the_table_over_all_networks_counts_and_takes_medians_of_files_inside() -> None:
    rows = [network(name, file("peer", "tflite", size, 200.0)) for name, size in (("a", 50_000), ("b", 300_000))]
    rows.append(network("c", file("peer", "tflite", 1, 1.0, high=0.9)))
    rows.append(network("d", no_file("peer", "tflite", "no")))
    peer = quantizers_table(result(*rows)).splitlines()[4]
    assert peer == "| peer | .tflite | 2 | 0 | 1 | 1 | 1.75 | 2.00 | 12 | 3 of 3, 99.8% of answers the same at least |"


def test_a_command_that_hangs_or_fails_is_told_in_its_own_words(monkeypatch, tmp_path) -> None:
    fails = [
        sys.executable,
        "-c",
        "import sys; sys.exit('expected a model in ' + sys.argv[1])",
        str(Path.home() / "net"),
    ]
    with pytest.raises(ChildError) as failed:
        run_command(fails, "fails", tmp_path)
    assert reason_of(failed.value) == "expected a model in ~/net"
    assert run_command(fails, "fails", tmp_path, done_with=(0, 1)) == ""
    monkeypatch.setattr("benchmarks.harness.child.LONGEST_SECONDS", 1)
    hangs = [sys.executable, "-c", "import sys, time; print('x ' * 999, file=sys.stderr, flush=True); time.sleep(60)"]
    with pytest.raises(ChildError) as hung:
        run_command(hangs, "hangs", tmp_path)
    assert reason_of(hung.value) == f"{'x ' * (LONGEST // 2)} … (not done after 1 seconds)"


def test_every_peer_has_a_script_and_a_name_of_its_own() -> None:
    assert len({peer.name for peer in PEERS}) == len(PEERS)
    assert all(peer.tool.script.is_file() for peer in PEERS)


# Five processes with TensorFlow, each of which takes five seconds to start.
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.skipif(not FOLDER.exists(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_smallest_run_compares_the_quantizers_that_are_installed_here(tmp_path) -> None:
    output = tmp_path / "quantizers.json"
    assert BENCHMARK.main(["--smallest", "-o", str(output)]) == 0
    (row,) = json.loads(output.read_text())["rows"]
    assert [one["name"] for one in row["files"]] == [NAME, NAME, *(peer.name for peer in PEERS)]
    for one in row["files"][:3]:
        assert one["reason"] is None
        assert one["bytes"] > 25_000
        assert one["p50_us"] > 0
        assert one["drop_ci95"][0] <= one["drop"] <= one["drop_ci95"][1]
    assert row["files"][0]["older"]["agreement"] > 0.9
    if find_spec("nncf") is None:
        missing = no_file(PEERS[-1].name, "onnx", "nncf is not installed here")
        assert {**row["files"][-1], "seconds": 3.0} == missing
