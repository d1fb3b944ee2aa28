"""`make figures`: what was done stays done, another bundle begins anew, and what ships must be what is exported."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.publish import figures
from benchmarks.publish.origins import Origin
from edgedigits.bundle import SHIPPED, Bundle

pytestmark = pytest.mark.slow


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Steps that are done without measuring, and the first words of each; the exports are copies of what ships."""
    words: list[str] = []

    def run(command: str) -> int:
        if command.startswith("edgedigits export"):
            name = command.split("--name ")[1].split(maxsplit=1)[0]
            shutil.copytree(SHIPPED / name, tmp_path / name, dirs_exist_ok=True)
            return 0
        words.append(command.split(maxsplit=1)[0])
        if command == "misses":
            (tmp_path / "two.json").write_text("{}")
        return int(command in {"fails", "misses"})

    monkeypatch.setattr(figures, "_run", run)
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    monkeypatch.setattr(figures, "RESULT", tmp_path / "figures.json")
    monkeypatch.setattr(figures, "STEPS", {"one": "first", "two": "second {reading}"})
    monkeypatch.setattr(sys, "argv", ["figures"])
    return words


def test_all_steps_are_done_and_the_result_says_with_what(asked, tmp_path):
    assert figures.main() == 0
    assert asked == ["first", "second"]
    told = json.loads((tmp_path / "figures.json").read_text())
    assert set(told["seconds"]) == {"one", "two"}
    assert Bundle.load("small").id in Origin.of(told).bundles
    assert Bundle.load("tiny").id in Origin.of(told).bundles
    assert len(Origin.of(told).machines) == 1


def test_a_run_goes_on_behind_what_it_has_done(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "STEPS", {"one": "first", "two": "fails"})
    assert figures.main() == 1
    assert not (tmp_path / "figures.json").exists()
    monkeypatch.setattr(figures, "STEPS", {"one": "first", "two": "second"})
    assert figures.main() == 0
    assert asked == ["first", "fails", "second"]


def test_a_goal_that_was_missed_is_measured_and_told_at_the_end(asked, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(figures, "STEPS", {"one": "first", "two": "misses", "three": "third"})
    assert figures.main() == 1
    assert asked == ["first", "misses", "third"]
    assert set(json.loads((tmp_path / "figures.json").read_text())["seconds"]) == {"one", "two", "three"}
    assert "FAILED: measured, with a goal missed: two" in capsys.readouterr().err


def test_another_machine_begins_anew(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(figures, "STEPS", {"one": "first", "two": "fails"})
    assert figures.main() == 1
    done = json.loads((tmp_path / "done.json").read_text())
    done["machine"]["cpu"] = "another"
    (tmp_path / "done.json").write_text(json.dumps(done))
    assert figures.main() == 1
    assert asked == ["first", "fails"] * 2


def test_after_a_whole_run_all_is_measured_anew(asked):
    assert figures.main() == figures.main() == 0
    assert asked == ["first", "second"] * 2


@pytest.mark.usefixtures("asked")
def test_an_export_that_is_not_what_ships_stops(tmp_path, monkeypatch):
    run = figures._run
    monkeypatch.setattr(figures, "_run", lambda command: run(command.replace("--name tiny", "--name small")))
    shutil.copytree(SHIPPED / "small", tmp_path / "tiny")
    with pytest.raises(SystemExit, match=r"expected the shipped tiny-int8\.tflite, .*run make bundle"):
        figures.main()
