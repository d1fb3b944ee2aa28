"""`edgedigits compare`: files, verdicts and exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from measured import STEADY, result, row, store, times_by

from edgedigits.cli.main import main
from edgedigits.engines import ENGINES, installed_engines

pytestmark = pytest.mark.slow


@pytest.fixture
def engine() -> str:
    """One that is installed: what is compared are figures, wherever they come from."""
    return installed_engines()[0]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def files(tmp_path):
    """The same model on the same machine: before, a little later, half as slow again, and a third faster."""
    for name, factor in (("before", 1.0), ("same", 1.001), ("slower", 1.5), ("faster", 0.7)):
        store(tmp_path / f"{name}.json", result(row(times_by(factor))))
    return tmp_path


@pytest.mark.parametrize(
    ("new", "verdict"), [("same", "no difference seen"), ("slower", "slower"), ("faster", "faster")]
)
def test_each_configuration_gets_a_verdict(files, capsys, new, verdict):
    assert main(["compare", "before.json", f"{new}.json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    head, _, line, note = captured.out.splitlines()
    assert head.split()[-1] == "verdict"
    assert line.startswith("small-int8.tflite in litert, 1 thread ")
    assert line.endswith(f"  {verdict}")
    assert note == "one run after the other: the interval also covers the difference between runs"


def test_the_json_has_what_the_table_says(files, capsys):
    assert main(["compare", "before.json", "slower.json", "--json", "-o", "out.json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads((files / "out.json").read_text())
    assert told["schema"] == "edgedigits/compare/1"
    (change,) = told["changes"]
    assert (change["verdict"], change["interleaved"]) == ("slower", False)
    assert change["ratio"] == pytest.approx(1.5, rel=1e-3)
    assert change["ratio_ci99"][0] <= change["ratio"] <= change["ratio_ci99"][1]
    assert change["new_us"] == pytest.approx(1.5 * change["old_us"], rel=1e-3)


def test_the_rows_of_one_file_are_compared_in_turns(tmp_path, capsys):
    rows = row(), row(times_by(1.02), options={"delegate": False})
    store(tmp_path / "both.json", result(*rows))
    assert main(["compare", "both.json"]) == 0
    line, note = capsys.readouterr().out.splitlines()[2:]
    assert line.startswith("small-int8.tflite in litert, 1 thread, delegate off  ")
    assert line.endswith("  slower")
    assert note == "against small-int8.tflite in litert, 1 thread, in turns, round by round"


@pytest.mark.parametrize(
    ("new", "limit", "code", "message"),
    [
        ("same", "5%", 0, None),
        ("faster", "0", 0, None),
        ("slower", "60", 0, None),
        ("slower", "5%", 1, "expected at most 5.0% slower, found 50.0% (at least "),
        ("slower", " 5.5 % ", 1, "expected at most 5.5% slower, found 50.0%"),
        ("same", "1%", 4, "cannot tell whether it is more than 1.0% slower, it may be anything from -"),
        ("slower", "50%", 4, "cannot tell whether it is more than 50.0% slower, it may be anything from +"),
    ],
)
def test_a_gate_passes_or_fails_or_cannot_tell(files, capsys, new, limit, code, message):
    assert main(["compare", "before.json", f"{new}.json", "--fail-if-slower", limit]) == code
    captured = capsys.readouterr()
    assert "verdict" in captured.out
    if message is None:
        assert captured.err == ""
    else:
        (line,) = captured.err.splitlines()
        assert line.startswith("edgedigits: small-int8.tflite in litert, 1 thread: ")
        assert message in line


def test_one_row_that_is_slower_fails_for_all_and_the_worst_is_named(tmp_path, capsys):
    names = ("a", "b", "c")
    old = result(*(row(variant=name, file=name) for name in names))
    new = result(
        *(row(times_by(by), variant=name, file=name) for name, by in zip(names, (1.2, 1.001, 1.4), strict=True))
    )
    store(tmp_path / "old.json", old)
    store(tmp_path / "new.json", new)
    assert main(["compare", "old.json", "new.json", "--fail-if-slower", "1"]) == 1
    line = capsys.readouterr().err
    assert line.startswith("edgedigits: c in litert, 1 thread: expected at most 1.0% slower, found 40.0%")
    assert line.endswith("; 2 of 3 are slower\n")


@pytest.mark.parametrize("limit", ["five", "", "5%%", "nan", "inf", "1e3", "5 percent"])
def test_a_percentage_that_is_none_is_one_line_and_2(files, capsys, limit):
    assert main(["compare", "before.json", "slower.json", "--fail-if-slower", limit]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"edgedigits: --fail-if-slower: expected percent such as 5%, found {limit!r}\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [(None, "cannot be read"), ("{}", "found None; measure again"), ("text", "expected JSON that bench -o stored"),
     ('{"schema": "edgedigits/bench/1"}', "found 'edgedigits/bench/1'; measure again")],
)  # fmt: skip
@pytest.mark.parametrize("first", [True, False])
def test_a_file_that_is_no_measurement_is_one_line_and_2(files, capsys, data, message, first):
    if data is not None:
        (files / "other.json").write_text(data)
    words = ["other.json", "before.json"] if first else ["before.json", "other.json"]
    assert main(["compare", *words]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == ""
    assert line.startswith("edgedigits: other.json: ")
    assert message in line


def test_other_machines_and_models_are_compared_only_where_that_is_meant(files, capsys):
    new = result(row(times_by(1.5), sha256="c" * 64))
    store(files / "other.json", replace(new, machine=replace(new.machine, cpu="Cortex-A76")))
    words = ["compare", "before.json", "other.json"]
    assert main(words) == 2
    assert "cpu 'Cortex-A72' and 'Cortex-A76'; use --across machines" in capsys.readouterr().err
    assert main([*words, "--across", "machines"]) == 2
    assert "use --across models" in capsys.readouterr().err
    assert main([*words, "--across", "machines", "--across", "models"]) == 0


def test_an_emulated_board_gives_no_times_to_compare(command, tmp_path, capsys, engine):
    words = ("--variant", "int8", "--engine", engine, "--seconds", "0", "--processes", "5", "-o", "emulated.json")
    assert command("bench", *words, env={"EDGEDIGITS_EMULATED": "1"}).returncode == 0
    for names in (["emulated.json"], ["emulated.json", "emulated.json"]):
        assert main(["compare", *names]) == 4
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("edgedigits: expected times, found none: times on an emulated board say nothing")


def test_too_few_processes_are_one_line_and_4(tmp_path, capsys):
    store(tmp_path / "few.json", result(row(STEADY[:5])))
    assert main(["compare", "few.json", "few.json"]) == 4
    assert "expected at least 8 processes to compare, found 5" in capsys.readouterr().err


def test_a_single_row_alone_is_one_line_and_2(files, capsys):
    assert main(["compare", "before.json"]) == 2
    assert "expected two configurations or more to compare with each other, found 1" in capsys.readouterr().err


def test_what_was_doubtful_when_it_was_measured_is_said_again(files, capsys):
    store(files / "hot.json", result(row((*STEADY[:9], 15.0)), warnings=("it was hot",)))
    assert main(["compare", "before.json", "hot.json"]) == 0
    first, second = capsys.readouterr().err.splitlines()
    assert first == "warning: hot.json: it was hot"
    assert second.startswith(
        "warning: hot.json: small-int8.tflite in litert, 1 thread: the medians of its processes differ by 50%"
    )


def test_a_file_is_not_replaced(files, capsys):
    (files / "out.json").write_text("mine")
    assert main(["compare", "before.json", "same.json", "-o", "out.json"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert (files / "out.json").read_text() == "mine"
    assert main(["compare", "before.json", "same.json", "-o", "out.json", "--overwrite"]) == 0


def test_two_real_measurements_are_compared(command):
    engine = installed_engines()[0]
    words = ("bench", "--variant", "int8", "--engine", engine, "--seconds", "0", "--processes", "8")
    for name in ("one", "two"):
        assert command(*words, "-o", f"{name}.json").returncode == 0
    done = command("compare", "one.json", "two.json", "--json")
    assert done.returncode == 0
    (change,) = json.loads(done.stdout)["changes"]
    assert change["old"] == change["new"] == f"small-int8.{ENGINES[engine].format} in {engine}, 1 thread"
    assert change["ratio_ci99"][0] <= change["ratio"] <= change["ratio_ci99"][1]


def test_an_interrupted_measurement_is_named_and_across_belongs_to_two_files(tmp_path, capsys):
    cut = store(tmp_path / "cut.json", result(row(), row(engine="tflite-runtime"), complete=False))
    assert main(["compare", str(cut)]) == 0
    assert f"warning: {cut}: the measurement was interrupted" in capsys.readouterr().err
    assert main(["compare", str(cut), "--across", "models"]) == 2
    assert "--across is for two files" in capsys.readouterr().err
