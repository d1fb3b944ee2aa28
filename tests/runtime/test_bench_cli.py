"""`edgedigits bench`: what it is asked, what it answers, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from machines.recorded import pi
from measured import STEADY, messages, plant, sample

from edgedigits.cli.main import main
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import ModelRejectedError
from edgedigits.measure import rounds
from edgedigits.measure.result import read_result

pytestmark = pytest.mark.slow

FAST = ("--seconds", "0", "--processes", "5")


@pytest.fixture
def engine() -> str:
    """One that is installed: the command tells the same of each, and test_measure_worker.py measures in all."""
    return installed_engines()[0]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEDIGITS_EMULATED", raising=False)


def file_of(shipped, engine):
    return shipped.path / f"small-int8.{ENGINES[engine].format}"


def test_bundles_and_files_are_measured_beside_each_other(command, shipped, tmp_path, engine):
    file = file_of(shipped, engine)
    words = ("--engine", engine, "--variant", "int8", *FAST)
    done = command("bench", "small", file, *words, "--json", "-o", "out.json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told == json.loads((tmp_path / "out.json").read_bytes())
    assert told["schema"] == "edgedigits/bench/3"
    assert told["machine"]["cores"] >= 1
    assert (told["processes"], told["complete"], told["withheld"]) == (5, True, None)
    asked = [row["configuration"] for row in told["rows"]]
    assert [(one["file"], one["bundle"], one["variant"]) for one in asked] == [
        (file.name, shipped.id, f"int8.{ENGINES[engine].format}"), (file.name, None, None),
    ]  # fmt: skip
    for row in told["rows"]:
        assert (row["configuration"]["engine"], row["configuration"]["bytes"]) == (engine, file.stat().st_size)
        assert row["error"] is None
        assert (row["summary"]["processes"], row["summary"]["runs"]) == (5, 500)
        assert [process["version"] for process in row["processes"]] == [row["version"]] * 5
    read_result(tmp_path / "out.json")


def test_the_table_has_a_line_for_each_row_and_the_machine(monkeypatch, capsys, engine):
    plant(monkeypatch, lambda asked: sample(10 * asked.threads))
    assert main(["bench", "--threads", "1,2", "--variant", "int8", "--engine", engine]) == 0
    head, _, one, two, _, machine, then = capsys.readouterr().out.splitlines()
    assert head.split()[:4] == ["file", "setting", "load", "ms"]
    assert [line.split("1 thread" if line is one else "2 threads")[1].split()[:4] for line in (one, two)] == [
        ["0.50", "50.0", "9.0", "10.0"], ["0.50", "50.0", "18.0", "20.0"],
    ]  # fmt: skip
    assert f" {engine} 2.3.0, 1 thread " in one
    assert machine.startswith("10 processes each, in rounds; Raspberry Pi 4 Model B Rev 1.4, 4 cores, Python 3.11.2")
    assert machine.endswith("; not known on this machine: load")
    assert then == "next: edgedigits bench --recommend"


def test_progress_is_one_line_a_round_where_no_terminal_can_write_it_over(monkeypatch, capsys, engine):
    plant(monkeypatch, lambda asked: sample())
    assert main(["bench", "--threads", "1,2", "--engine", engine, "--processes", "6", "--json"]) == 0
    captured = capsys.readouterr()
    json.loads(captured.out)
    assert captured.err.splitlines() == [f"round {number} of 6" for number in range(1, 7)]


def test_pictures_are_measured_stage_by_stage(command, pictures, engine):
    done = command("bench", "--variant", "int8", "--engine", engine, "--images", pictures[0].parents[1], *FAST)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if ": decode " in line]
    assert f"in {engine}, 1 thread, from pictures: decode " in line
    assert [part.split()[0] for part in line.rpartition(": ")[2].split(", ")] == ["decode", "preprocess", "infer"]


def test_a_broken_file_does_not_keep_the_others_from_being_measured(command, shipped, tmp_path, engine):
    (tmp_path / f"broken.{ENGINES[engine].format}").write_text("text")
    words = (f"broken.{ENGINES[engine].format}", file_of(shipped, engine), "--engine", engine)
    done = command("bench", *words, *FAST, "--json")
    assert done.returncode == 3
    broken, whole = json.loads(done.stdout)["rows"]
    assert "refuses the file" in broken["error"]
    assert (broken["summary"], broken["processes"]) == (None, [])
    assert whole["summary"]["runs"] == 500
    assert done.stderr.splitlines().count(f"edgedigits: {broken['error']}") == 1


def test_a_file_is_not_replaced_and_that_is_told_before_measuring(monkeypatch, capsys, tmp_path):
    (tmp_path / "out.json").write_text("mine")
    planted = plant(monkeypatch, lambda asked: sample())
    assert main(["bench", "-o", "out.json"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert ((tmp_path / "out.json").read_text(), planted.configurations) == ("mine", [])
    assert main(["bench", "-o", "out.json", "--overwrite"]) == 0
    read_result(tmp_path / "out.json")


def test_a_changed_file_of_a_bundle_is_refused_before_anything_is_measured(monkeypatch, capsys, bundle_copy, engine):
    name = f"small-int8.{ENGINES[engine].format}"
    (bundle_copy / name).write_bytes(b"other")
    planted = plant(monkeypatch, lambda asked: sample())
    assert main(["bench", str(bundle_copy)]) == 2
    assert f"{name}: expected SHA-256" in capsys.readouterr().err
    assert planted.configurations == []


def test_strict_makes_doubtful_figures_an_error_but_tells_them(monkeypatch, capsys):
    plant(monkeypatch, lambda asked: sample())
    words = ["bench", "--variant", "int8", "--engine", installed_engines()[0]]
    assert main([*words, "--strict"]) == 0
    assert messages(capsys.readouterr().err) == []
    monkeypatch.setattr(rounds, "this_machine", pi("pi4", "bookworm").source)
    for strict, code in (([], 0), (["--strict"], 4)):
        assert main([*words, *strict, "--json"]) == code
        captured = capsys.readouterr()
        assert json.loads(captured.out)["warnings"][0].startswith("the governor is ondemand")
        assert messages(captured.err)[0].startswith("warning: the governor is ondemand")


def test_a_doubt_about_one_row_is_told_with_its_name(monkeypatch, capsys):
    medians = iter([*STEADY[:9], 15.0])
    plant(monkeypatch, lambda asked: sample(next(medians)))
    assert main(["bench", "--variant", "int8", "--engine", installed_engines()[0], "--strict"]) == 4
    (line,) = messages(capsys.readouterr().err)
    assert line.startswith("warning: small-int8.")
    assert "the medians of its processes differ by 50%" in line


def test_a_doubt_that_rows_share_is_told_once(monkeypatch, capsys):
    last = {"1": 15.0, "2": 16.0}
    medians = {threads: iter([*STEADY[:9], median]) for threads, median in last.items()}
    plant(monkeypatch, lambda asked: sample(next(medians[str(asked.threads)])))
    engine = installed_engines()[0]
    assert main(["bench", "--variant", "int8", "--engine", engine, "--threads", "1,2", "--json"]) == 0
    captured = capsys.readouterr()
    (line,) = messages(captured.err)
    assert line.startswith("warning: 2 of 2 rows, such as small-int8.")
    assert "the medians of its processes differ by 50%" in line
    assert [len(row["doubts"]) for row in json.loads(captured.out)["rows"]] == [1, 1]


def test_the_highest_code_is_the_commands(monkeypatch, capsys, engine):
    def answer(asked):
        if asked.threads == 2:
            raise ModelRejectedError("refused")
        return sample(settled=False)

    words = ["bench", "--variant", "int8", "--engine", engine]
    for threads, strict, code in (("1", [], 0), ("2", ["--strict"], 3), ("1,2", [], 3), ("1,2", ["--strict"], 4)):
        plant(monkeypatch, answer)
        assert main([*words, "--threads", threads, *strict]) == code
        assert ("edgedigits: refused" in capsys.readouterr().err.splitlines()) == ("2" in threads)


def test_the_times_of_an_emulated_board_are_neither_shown_nor_stored(command, tmp_path, engine):
    emulated = {"EDGEDIGITS_EMULATED": "1"}
    done = command("bench", "--variant", "int8", "--engine", engine, *FAST, "-o", "out.json", env=emulated)
    assert (done.returncode, messages(done.stderr)) == (0, [])
    row, _, _, withheld = done.stdout.splitlines()[2:]
    assert row.split()[-9:] == ["–"] * 9
    assert f"{engine} " in row
    assert withheld == f"times withheld: {rounds.WITHHELD}"
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["withheld"] == rounds.WITHHELD
    assert [(one["summary"], one["processes"]) for one in told["rows"]] == [(None, [])]
    assert told["rows"][0]["version"]


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_real_ctrl_c_keeps_what_was_measured_and_leaves_with_130(tmp_path, engine):
    import pty

    terminal, stderr = pty.openpty()
    # A process started in the background may have inherited that Ctrl-C is ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "from edgedigits.cli.main import main; raise SystemExit(main())"
    words = [
        "bench",
        "--variant",
        "int8",
        "--engine",
        engine,
        "--seconds",
        "0",
        "--processes",
        "9999",
        "-o",
        "out.json",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words], cwd=tmp_path, stdout=subprocess.PIPE, stderr=stderr, text=True
    )
    os.close(stderr)
    seen = b""
    while b"round 3 of 9999" not in seen:
        seen += os.read(terminal, 4096)
    process.send_signal(signal.SIGINT)
    table, _ = process.communicate()
    seen += os.read(terminal, 65_536)
    os.close(terminal)
    assert process.returncode == 130
    assert b"interrupted; this is what was measured so far" in seen
    assert b"Traceback" not in seen
    assert "small-int8" in table
    found = read_result(tmp_path / "out.json")
    assert not found.complete
    assert 2 <= len(found.rows[0].processes) < 9999
    assert found.rows[0].summary.processes == len(found.rows[0].processes)
