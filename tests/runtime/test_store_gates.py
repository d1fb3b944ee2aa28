"""The gates of `edgedigits bundle activate`: each refuses what it is there for, and what was active stays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import planted
import pytest

from edgedigits.bundle import SHIPPED, Bundle
from edgedigits.engines import installed_engines
from edgedigits.store import gates
from edgedigits.store.gates import judge_answers
from edgedigits.store.replay import Answer

pytestmark = pytest.mark.slow  # each gate starts processes
LABELS = tuple("0123456789")


@pytest.fixture
def activate(tmp_path, monkeypatch, run_here):
    """Install a bundle and try to activate it; returns the exit code and the report, by gate."""
    monkeypatch.setenv("EDGEDIGITS_STORE", str(tmp_path / "store"))

    def run(place: Path, *options: object):
        told = run_here("bundle", "install", place, "--json")
        assert told.returncode == 0, told.stderr
        done = run_here("bundle", "activate", json.loads(told.stdout)["bundle"], *options, "--json")
        report = json.loads(done.stdout) if done.stdout else {"gates": []}
        return done.returncode, {gate["gate"]: gate for gate in report["gates"]}, done.stderr

    return run


@pytest.fixture
def no_times(monkeypatch):
    """Leave out what takes seconds, in tests of other gates."""
    monkeypatch.setattr(gates, "_speed", lambda *_: iter(()))


@pytest.fixture
def board(activate, tmp_path, pictures):
    """A board where the tiny model is active, with pictures of its own, which are not named by label."""
    own = tmp_path / "store" / "pictures" / "seen"
    code, _, said = activate(SHIPPED / "tiny")
    assert code == 0, said
    own.mkdir(parents=True)
    for file in pictures:
        (own / f"{file.parent.name}-{file.name}").write_bytes(file.read_bytes())
    return own


def active() -> str:
    return Bundle.load("active").manifest.name


def test_a_good_one_passes_every_gate(board, activate, tmp_path):
    code, found, said = activate(planted.good(tmp_path / "good"), "--max-slower", "200%")
    assert code == 0, (found, said)
    assert {gate["outcome"] for gate in found.values()} <= {"passed", "undecided"}
    assert found["parity"]["found"].startswith("0 of 20 answers changed, 0 refused before, 0 now")
    assert active() == "tiny-2"


@pytest.mark.parametrize(
    ("plant", "gate", "told"),
    [
        (planted.damaged, "selftest", " of 47 golden inputs as recorded"),
        (planted.relabelled, "parity", "of 20 answers changed"),
        (planted.slow, "latency", "at most +20%"),
    ],
)
def test_each_fault_fails_its_gate_and_the_old_one_stays(
    board, request, activate, tmp_path, run_here, plant, gate, told
):
    if gate != "latency":
        request.getfixturevalue("no_times")
    code, found, _ = activate(plant(tmp_path / "bad"))
    assert code == 1
    assert [name for name, one in found.items() if one["outcome"] == "failed"] == [gate]
    assert told in found[gate]["found"]
    assert active() == "tiny"
    listed = run_here("bundle", "list").stdout.splitlines()
    assert any("refused" in line and f"{gate}: " in line for line in listed)


@pytest.mark.skipif("tflite-runtime" not in installed_engines(), reason="tflite-runtime is not installed here")
def test_one_that_crashes_the_engine_ends_only_its_process(board, activate, tmp_path):
    code, found, _ = activate(planted.crashing(tmp_path / "bad"), "--engine", "tflite-runtime")
    assert code == 1
    assert "died of SIG" in found["selftest"]["found"]
    assert active() == "tiny"


def test_a_release_of_the_engine_that_is_too_old_is_refused_by_the_manifest_alone(board, activate, tmp_path):
    def newer(values):
        for file in values["files"]:
            file["requirements"]["engines"] = dict.fromkeys(file["requirements"]["engines"], "99.1")

    code, found, _ = activate(planted.copy(tmp_path / "new", newer))
    assert code == 1
    assert list(found) == ["requirements"]
    assert "99.1, here is" in found["requirements"]["found"]


def test_where_nothing_is_known_of_the_engine_the_selftest_decides(board, no_times, activate, tmp_path):
    def unknown(values):
        for file in values["files"]:
            file["requirements"]["engines"] = {}

    code, found, _ = activate(planted.copy(tmp_path / "new", unknown))
    assert code == 0
    assert found["requirements"]["outcome"] == "undecided"


def test_the_locator_it_was_exported_with_has_to_be_here(board, activate, tmp_path):
    def other(values):
        values["preprocessing"]["locator"] = "0" * 64

    code, found, _ = activate(planted.copy(tmp_path / "new", other))
    assert code == 1
    assert "expected the locator 000000000000" in found["requirements"]["found"]


@pytest.mark.parametrize(("release", "needs", "fits"), [
    ("2.3.0", "2.3", True), ("2.3", "2.3.0", True), ("2.14.0", "2.5.0", True), ("2.5.0", "2.14.0", False),
    ("1.20.0.dev3", "1.20", True), ("2.1.0rc1", "2.1.0", True), ("2.3.0+cpu", "2.3.0", True),
])  # fmt: skip
def test_releases_compare_as_numbers(release, needs, fits):
    assert (gates._numbers(release) >= gates._numbers(needs)) == fits


# `replay` and `selftest` wait for a process, a measurement for one after the other.
@pytest.mark.parametrize("module", ["verification.inference", "store.replay", "measure.rounds"])
def test_a_gate_that_hangs_is_ended_and_its_process_too(module, board, activate, tmp_path, monkeypatch):
    def hang(*_: object) -> None:
        subprocess.run([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)], check=False)

    monkeypatch.setattr(f"edgedigits.{module}.run_isolated", hang)
    code, found, _ = activate(planted.good(tmp_path / "good"), "--timeout", "3")
    assert code == 1
    assert found["requirements"]["outcome"] == "passed"
    assert "within 3 s" in found["time"]["found"]
    assert active() == "tiny"
    assert str(tmp_path) not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("ratio", "peaks", "outcomes"),
    [
        ((0.99, 1.1), (50, 52), ("passed", "passed")), ((1.21, 1.4), (50, 50), ("failed", "passed")),
        ((1.1, 1.3), (50, 63), ("undecided", "failed")), ((0.5, 0.6), (50, None), ("passed", "skipped")),
        ((1, 1), (10, 13.9), ("passed", "passed")),  # what one file's peak differs by is no loss
    ],
)  # fmt: skip
def test_latency_fails_where_it_is_certain_and_memory_where_it_is_more(ratio, peaks, outcomes, monkeypatch):
    rows = [SimpleNamespace(error=None, summary=SimpleNamespace(peak_rss_mb=peak)) for peak in peaks]
    result = SimpleNamespace(withheld=None, rows=rows)
    monkeypatch.setattr(gates, "_configuration", lambda _: None)
    monkeypatch.setattr(gates, "measure_rounds", lambda *_: (result, 0))
    monkeypatch.setattr(gates, "compare_rows", lambda _: [SimpleNamespace(new_us=1, old_us=1, ratio_ci99=ratio)])
    found = gates._speed(None, object(), gates.Limits(0, 0.2, 0.2))
    assert tuple(one.outcome for one in found) == outcomes


def answers(*said: tuple[str, str | None, str | None]) -> list[Answer]:
    return [Answer(*one) for one in said]


def judge(before, now, allowed=0):
    return judge_answers(before, now, LABELS, allowed, Path("pictures")).outcome


def test_pictures_without_labels_are_judged_by_how_many_answers_change():
    before = answers(("a.png", "1", None), ("b.png", "2", None), ("c.png", "3", "ambiguous"))
    now = answers(("a.png", "1", None), ("b.png", "4", None), ("c.png", "8", "not_digit_like"))
    assert judge(before, now, 0) == "failed"
    assert judge(before, now, 1) == "passed"  # that it is refused for another reason is no other answer
    assert judge(before, answers(("a.png", "1", "ambiguous"), *map(tuple, before[1:])), 0) == "failed"


def test_labelled_pictures_are_judged_by_a_significant_loss():
    before = answers(*((f"7/{n}.png", "7", None) for n in range(40)), ("none/x.png", "1", "no_digit"))
    for wrong, outcome in ((5, "passed"), (6, "failed")):  # p = 0.06 and 0.03
        now = answers(*((f"7/{n}.png", "1" if n < wrong else "7", None) for n in range(40)), tuple(before[-1]))
        assert judge(before, now) == outcome
        assert judge(now, before) == "passed"  # a gain
    accepted = answers(*map(tuple, before[:-1]), ("none/x.png", "1", None))
    assert "1 right ones lost" in judge_answers(before, accepted, LABELS, 0, Path("x")).found


def test_no_pictures_or_others_in_between_tell_nothing():
    assert judge([], []) == "skipped"
    assert judge(answers(("a.png", "1", None)), answers(("b.png", "1", None))) == "skipped"
