"""What is asked of emulated boards, of which bundle, and when committed instruction counts are said to have changed."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.boards import pi, pi_board
from benchmarks.boards.pi import drifted
from benchmarks.boards.pi_read import write_page
from edgedigits.bundle import Bundle
from edgedigits.errors import UsageError

ROOT = Path(__file__).parents[2]

ROW = {"file": "small-int8.tflite", "engine": "litert", "version": "2.3.0", "instructions": 1_000_000.0}
NANO = ROW | {"file": "nano-int8.tflite", "instructions": 100_000.0}
COMMITTED = {"members": {}, "machines": [{"board": "pi4", "os": "bookworm", "arch": "arm64", "rows": [ROW]}]}


@pytest.fixture
def member(bundle_copy: Path, edit_manifest: Any) -> Bundle:
    """The shipped bundle as a member of another name."""
    return edit_manifest(bundle_copy, lambda values: values.update(name="nano"))


def measured(**changes):
    found = copy.deepcopy(COMMITTED)
    found["machines"][0]["rows"][0].update(changes)
    return found


def with_nano(*rows, members=("nano",)):
    found = copy.deepcopy(COMMITTED)
    found["members"] = dict.fromkeys(members, "an id")
    found["machines"][0]["rows"] += rows
    return found


@pytest.mark.parametrize("count", [1_000_000.0, 1_009_000.0, 991_000.0, None])
def test_counts_within_the_tolerance_and_counts_that_could_not_be_had_pass(count):
    assert drifted(measured(instructions=count), COMMITTED) == []


@pytest.mark.parametrize("count", [1_011_000.0, 500_000.0])
def test_another_choice_of_kernels_is_noticed(count):
    (line,) = drifted(measured(instructions=count), COMMITTED)
    assert line == f"pi4 bookworm arm64 small-int8.tflite litert 2.3.0: {count:,.0f} instructions, committed 1,000,000"


def test_another_release_asks_for_a_new_baseline_rather_than_comparing():
    gone, new = drifted(measured(version="2.4.0"), COMMITTED)
    assert "2.3.0: in the committed results, not in these" in gone
    assert "2.4.0: not in pi.json; run make figures and commit it" in new


def test_committed_members_that_were_not_asked_are_not_missed():
    assert drifted(COMMITTED, with_nano(NANO)) == []


def test_boards_that_were_not_asked_are_not_missed_and_those_that_were_are():
    other = {"board": "pi5", "os": "trixie", "arch": "arm64", "rows": [ROW, NANO]}
    committed = COMMITTED | {"machines": [*COMMITTED["machines"], other]}
    assert drifted(COMMITTED, committed) == []
    (line,) = drifted(COMMITTED | {"machines": [*COMMITTED["machines"], other | {"rows": [ROW]}]}, committed)
    assert line == "pi5 trixie arm64 nano-int8.tflite litert 2.3.0: in the committed results, not in these"


def test_each_once_are_all_boards_and_all_systems():
    boards, systems = zip(*pi.EACH_ONCE, strict=True)
    assert sorted(boards) == sorted(pi.BOARDS)
    assert set(systems) == {system for _, system in pi.MACHINES}
    assert set(pi.EACH_ONCE) <= set(pi.MACHINES)


def test_a_row_of_a_bundle_that_was_asked_is_missed_members_as_well():
    committed = with_nano(NANO, NANO | {"file": "tiny-int8.tflite"}, members=("nano", "tiny"))
    (line,) = drifted(with_nano(), committed)
    assert line == "pi4 bookworm arm64 nano-int8.tflite litert 2.3.0: in the committed results, not in these"
    lost = with_nano(NANO, NANO | {"file": "tiny-int8.tflite"}, members=("nano", "tiny"))
    del lost["machines"][0]["rows"][0]
    (line,) = drifted(lost, committed)
    assert ROW["file"] in line


def test_a_member_that_was_asked_is_held_against_its_committed_count():
    (line,) = drifted(with_nano(NANO | {"instructions": 200_000.0}), with_nano(NANO))
    assert line == "pi4 bookworm arm64 nano-int8.tflite litert 2.3.0: 200,000 instructions, committed 100,000"
    (line,) = drifted(with_nano(NANO), COMMITTED)
    assert "nano-int8.tflite litert 2.3.0: not in pi.json" in line


def test_two_bundles_of_one_name_could_not_be_told_apart(shipped, member):
    assert [bundle.id for bundle in pi.load_bundles(None, [str(member.path)])] == [shipped.id, member.id]
    with pytest.raises(UsageError, match=f"different names, found {shipped.manifest.name}, {shipped.manifest.name};"):
        pi.load_bundles(None, [str(shipped.path)])


class DeadBoard:
    """On which every command fails; it keeps what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, []

    def command(self, words: list[str]) -> Any:
        self.asked.append(words)
        return subprocess.CompletedProcess(words, 1, "", "broken")

    def run(self, words: list[str]) -> Any:
        return subprocess.CompletedProcess(words, 1, "", "broken")

    def start(self, words: list[str], _log: Path) -> Any:
        self.asked.append(words)
        raise OSError("serve: broken")

    def versions(self, _packages: list[str]) -> dict[str, Any]:
        return {}


def task(bundle: Bundle, member: Bundle, folder: Path) -> Any:
    data, few, picture = ROOT / "tests" / "data" / "digits.npz", folder / "few.npz", folder / "digit.png"
    with np.load(data) as digits:
        np.savez(few, images=digits["images"][:20], labels=digits["labels"][:20], names=digits["names"])
        write_page(digits["images"].reshape(-1, 28, 28, 1), page := folder / "page.png")
        Image.fromarray(255 - digits["images"].reshape(-1, 28, 28)[0]).save(picture)
    (folder / "edgedigits").symlink_to(ROOT / "runtime" / "edgedigits")  # as of an unpacked wheel
    return pi_board.Task(bundle, (member,), folder, data, few, picture, 7, page, folder / "native", None, ())


def test_members_run_selftest_and_parity_alone_and_fail_the_gate_as_the_main_bundle_does(
    shipped, member, tmp_path, monkeypatch
):
    board = DeadBoard(tmp_path)

    @contextmanager
    def dead(*args: object, **options: object) -> Any:
        yield board

    monkeypatch.setattr(pi_board, "emulated_board", dead)
    found = pi_board.on_board(task(shipped, member, tmp_path), "pi4", "bookworm-arm64")
    asked = {
        path: {words[0] for words in board.asked if path in words} for path in map(str, (shipped.path, member.path))
    }
    assert asked[str(shipped.path)] == {"selftest", "classify", "serve", "bench", "parity"}
    assert asked[str(member.path)] == {"selftest", "parity"}
    assert ["selftest", str(tmp_path / "edgedigits" / "bundles" / "locator")] in [words[:2] for words in board.asked]
    assert "reading a page in litert ended with 1: broken" in found["failed"]
    for bundle in (shipped, member):
        for command in asked[str(member.path)]:
            assert f"{command} {bundle.path} ended with 1, not 0: broken" in found["failed"]


@pytest.mark.slow
def test_rows_of_each_bundle_come_from_its_own_files(shipped, member, tmp_path):
    """On a board that is this machine: so its answers are the native ones."""
    from edgedigits.engines import installed_engines
    from edgedigits_export.emulation.python_environment import PythonEnvironment

    asked = task(shipped, member, tmp_path)
    place = PythonEnvironment(Path(sys.executable), os.environ, tmp_path)
    board = pi_board._OneBoard(asked, place, dict.fromkeys(installed_engines(), "of here"), 0, [])
    pi.run_on_host(asked, member)
    left, lost = (member.pick(precision, ["tflite"]).path for precision in ("float32", "int8"))
    (member.path / lost).unlink()
    passed = {row["file"]: row["passed"] for row in board.selftest(member) if row["engine"] == "litert"}
    assert passed == {left: True, lost: False}
    rows = [row for row in board.rows(member) if row["engine"] == "litert"]
    assert [(row["file"], row["count"], row["flips"], row["max_abs_difference"]) for row in rows] == [(left, 20, 0, 0)]
    assert [line.split()[0] for line in board.failed] == ["selftest", "parity"]


@pytest.mark.slow
def test_a_page_has_to_be_read_as_on_the_host(shipped, member, tmp_path, monkeypatch):
    from edgedigits_export.emulation.python_environment import PythonEnvironment

    place = PythonEnvironment(Path(sys.executable), os.environ, tmp_path)
    board = pi_board._OneBoard(task(shipped, member, tmp_path), place, {"litert": "of here"}, 0, [])
    assert list(board.read()) == [{"engine": "litert", "version": "of here", "same": True, "instructions": {}}]
    assert board.failed == []
    monkeypatch.setattr(pi_board, "read_on_host", lambda *_: "7\n")
    assert [row["same"] for row in board.read()] == [False]
    assert board.failed[0].startswith("read in litert gives '")
