"""edgedigits beside its peers: every peer gives a row, with figures or the reason why not; the table hides none."""

from __future__ import annotations

import copy
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.harness.child import ChildError
from benchmarks.peers.peer import EDGEDIGITS, PEERS
from benchmarks.peers.peers import Attempt, measure_peers, peers_table
from benchmarks.peers.workers.peer_worker import LOADERS
from edgedigits.datasets.own import read_npz

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
FIGURES = ("cold_ms", "p50_us", "p99_us", "peak_mb", "threads_running")
INSTALLED = ("onnxruntime-int8", "litert-int8", "edgedigits")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The least that can be measured: peers that development needs anyway, in this Python, one process each."""
    if missing := [name for name in ("ai_edge_litert", "onnxruntime") if find_spec(name) is None]:
        pytest.skip(f"{missing[0]} is not installed here")
    digits = read_npz(DIGITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGEDIGITS_CACHE", str(tmp_path_factory.mktemp("cache")))
        peers = [peer for peer in PEERS if peer.name in {*INSTALLED, "tract-int8"}]
        return measure_peers(peers, digits, digits, smallest=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", INSTALLED)
def test_a_peer_answers_real_digits_and_gives_every_figure(measured, name):
    (row,) = (row for row in measured["rows"] if row["name"] == name)
    assert row["reason"] is None
    assert row["accuracy"] >= 0.95
    assert 50_000 < row["model_bytes"] < 70_000
    assert row["versions"]["numpy"] == np.__version__
    for figure in FIGURES[: None if sys.platform == "linux" else 3]:
        assert 0 < row[figure]["min"] <= row[figure]["median"] <= row[figure]["max"]
    assert row["p50_us"]["median"] <= row["p99_us"]["median"]
    assert row["installed"] is None, "this Python has everything mixed"


@pytest.mark.slow
def test_the_result_says_what_it_is_of(measured, shipped):
    assert measured["bundle"] == shipped.id
    assert (measured["digits"], measured["rounds"], measured["own_venvs"]) == (20, 1, False)
    assert measured["machine"]["cores"] >= 1
    assert [row["name"] for row in measured["rows"]] == ["onnxruntime-int8", "litert-int8", "tract-int8", "edgedigits"]


@pytest.mark.skipif(find_spec("tract") is not None, reason="tract is installed here")
def test_a_peer_that_is_not_installed_has_a_row_with_the_reason(measured):
    (row,) = (row for row in measured["rows"] if row["name"] == "tract-int8")
    assert row["reason"] == "tract is not installed here"
    assert {row[figure] for figure in (*FIGURES, "accuracy", "model_bytes")} == {None}


def test_a_worker_that_fails_is_a_reason_in_its_own_words(tmp_path, digits):
    pytest.importorskip("onnxruntime")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    np.save(tmp_path / "digits.npy", digits.images[..., 0])
    (asked,) = (one for one in PEERS if one.name == "onnxruntime-int8")
    with pytest.raises(ChildError, match=r"broken\.onnx"):
        Attempt(asked, sys.executable, [broken]).run(tmp_path / "digits.npy", None)


def test_every_peer_has_a_worker_a_name_of_its_own_and_says_how_it_keeps_to_one_thread():
    assert len({one.name for one in PEERS}) == len(PEERS)
    for one in PEERS:
        assert one.load in LOADERS
        assert one.threads
    assert EDGEDIGITS in PEERS


def spread(value):
    return {"median": value, "min": 0.9 * value, "max": 1.1 * value}


def row(name, p50, **changes):
    return {
        "name": name, "title": name.upper(), "precision": "int8", "note": "", "versions": {name: "1.0", "numpy": "2.4"},
        "threads": "one", "reason": None, "accuracy": 0.9942, "model_bytes": 59_312,
        "installed": {"bytes": 120_600_000, "packages": [name, "numpy"]}, "cold_ms": spread(80.0),
        "p50_us": spread(p50), "p99_us": spread(2 * p50), "peak_mb": spread(44.0), "threads_running": spread(1),
        **changes,
    }  # fmt: skip


def failed(name, reason):
    return row(name, 1.0, reason=reason, **dict.fromkeys((*FIGURES, "accuracy", "model_bytes", "installed")))


RESULT = {
    "machine": {"board": None, "cpu": "A processor", "cores": 2, "architecture": "x86_64", "python": "3.11.7"},
    "bundle": "06cbd3c26ea172cc", "data": "mnist:test", "digits": 10_000, "rounds": 5, "seconds": 0.3,
    "processor": 1, "own_venvs": True,
    "rows": [
        row("slow", 30_000.0), failed("broken", "no wheel for this Python."), row("edgedigits", 12.0), row("fast", 6.0),
    ],
}  # fmt: skip


def cells(text):
    rows = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in rows]


def test_the_table_puts_the_fastest_first_even_when_that_is_another():
    head, _, *rows = cells(peers_table(RESULT))
    assert [line[0] for line in rows] == ["FAST", "**EDGEDIGITS**", "SLOW", "BROKEN"]
    assert {len(line) for line in rows} == {len(head)}
    ratio = head.index("p50 × edgedigits")
    assert [line[ratio] for line in rows] == ["0.50", "1.00", "2,500", "–"]


def test_the_table_gives_each_figure_its_unit():
    _, _, fast, *_ = cells(peers_table(RESULT))
    assert fast[1:] == ["int8", "99.42 %", "0.50", "59.3", "121", "44", "80", "6.0 (5.4–6.6)", "12.0"]


def test_a_peer_without_figures_stays_in_the_table_and_says_why():
    text = peers_table(RESULT)
    assert "BROKEN, int8, has no figures: no wheel for this Python. " in text
    assert set(cells(text)[-1][2:]) == {"–"}


def test_the_sentence_names_machine_versions_bundle_and_command():
    origin = peers_table(RESULT).splitlines()[-1]
    told = (
        "A processor (2 cores, x86_64)",
        "Python 3.11.7",
        "fast 1.0",
        "numpy 2.4",
        "`06cbd3c26ea1`",
        "`make figures`",
    )
    assert all(word in origin for word in told)
    assert origin.count("numpy 2.4") == 1


def test_what_the_machine_could_not_tell_is_left_open():
    result = copy.deepcopy(RESULT)
    result["processor"] = None
    result["rows"] = [row("fast", 6.0, installed=None, peak_mb=None)]
    (line,) = cells(peers_table(result))[2:]
    assert (line[3], line[5], line[6]) == ("–", "–", "–")
    assert "kept on one processor" not in peers_table(result)
