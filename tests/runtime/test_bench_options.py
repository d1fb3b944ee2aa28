"""`edgedigits bench`: which configurations its options make, what it refuses, and what it recommends."""

from __future__ import annotations

import json

import pytest
from measured import messages, plant, sample

from edgedigits.cli.bench_matrix import _bytes
from edgedigits.cli.main import main
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import UsageError
from edgedigits.measure.result import read_result


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EDGEDIGITS_EMULATED", raising=False)


def settings(monkeypatch, capsys, *words):
    """What would be measured, by engine."""
    planted = plant(monkeypatch, lambda asked: sample())
    assert main(["bench", "--variant", "int8", "--processes", "5", *words]) == 0
    capsys.readouterr()
    rows = planted.configurations[: len(planted.configurations) // 5]
    return {engine: [one for one in rows if one.engine == engine] for engine in installed_engines()}


def test_every_combination_of_threads_options_and_batches_is_measured_where_an_engine_knows_it(monkeypatch, capsys):
    words = ["--threads", "1,2,1"]
    words += ["--delegate", "both"] if installed_engines("tflite") else []
    words += ["--batch", "1,8", "--spinning", "on"] if installed_engines("onnx") else []
    for engine, rows in settings(monkeypatch, capsys, *words).items():
        found = [(one.threads, one.options, one.batch) for one in rows]
        if ENGINES[engine].format == "onnx":
            assert found == [(n, {"spinning": True}, batch) for n in (1, 2) for batch in (1, 8)]
        else:
            assert found == [(n, {"delegate": on}, 1) for n in (1, 2) for on in (True, False)]


def test_without_options_each_engine_is_measured_as_it_comes(monkeypatch, capsys):
    for rows in settings(monkeypatch, capsys).values():
        assert [(one.threads, one.options, one.batch, one.images) for one in rows] == [(1, {}, 1, None)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "--threads: expected whole numbers of at least 1, such as 1,2,4, found '0'"),
        (["--threads", "x"], "--threads: expected whole numbers of at least 1, such as 1,2,4, found 'x'"),
        (["--threads", "1,,2"], "--threads: expected whole numbers of at least 1"),
        (["--threads", "-1,2"], "--threads"),
        (["--batch", "0", "--engine", "onnxruntime"], "--batch: expected whole numbers of at least 1"),
        (["--processes", "4"], "expected at least 5 processes of 0 seconds or more, found 4 of 0.1"),
        (["--seconds=-1"], "expected at least 5 processes of 0 seconds or more, found 10 of -1"),
        (["--seconds", "inf"], "found 10 of inf"),
        (["--seconds", "nan"], "found 10 of nan"),
        (["--images", "."], "expected a folder with images in it, found none"),
        (["--images", "nowhere"], "nowhere: expected a folder with images in it, found none"),
        (["--objective", "p90"], "--objective, --max-drop and --max-size need --recommend; add it"),
        (["--max-drop", "0"], "need --recommend; add it"),
        (["--max-size", "64KB"], "need --recommend; add it"),
        (["--recommend", "x.tflite"], "x.tflite: cannot be read"),
        (["--recommend", "small", "small"], "--recommend needs the accuracies in a manifest: expected one bundle"),
        (["--recommend", "--max-size", "large"], "--max-size: expected a size such as 64KB, 64KiB or 0.5MB, found"),
        (["--recommend", "--max-drop", "nan"], "--max-drop: expected points of accuracy from 0 to 100, found nan"),
        (["--max-size", ""], "need --recommend; add it"),
        (["--variant", "float32", "--batch", "8"], "--batch: expected an .onnx file"),
        (["--variant", "float32", "--spinning", "on"], "--spinning: none of"),
        (["nowhere.onnx"], "nowhere.onnx: cannot be read"),
        (["nowhere"], "nowhere: expected a bundle's folder, a .tflite or .onnx file, or one of the shipped bundles"),
        (["--engine", "onnx"], "engine 'onnx': expected auto or one of"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_and_2_before_anything_is_measured(monkeypatch, capsys, words, message):
    if "onnxruntime" in words and "onnxruntime" not in installed_engines():
        pytest.skip("engine onnxruntime is not installed here")
    planted = plant(monkeypatch, lambda asked: sample())
    try:
        code = main(["bench", *words])
    except SystemExit as left:  # argparse takes -1,2 for an option
        code = left.code
    captured = capsys.readouterr()
    assert (code, captured.out, planted.configurations) == (2, "", [])
    assert message in captured.err.splitlines()[-1]


def test_a_lone_file_cannot_be_recommended(monkeypatch, capsys, shipped, engine):
    plant(monkeypatch, lambda asked: sample())
    assert main(["bench", "--recommend", str(shipped.path / f"small-int8.{ENGINES[engine].format}")]) == 2
    assert (
        "--recommend needs the accuracies in a manifest: expected one bundle, found a file or several"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("words", [["--batch", "2"], ["--delegate", "off"], ["--spinning", "both"]])
def test_pictures_go_one_by_one_through_the_engine_as_it_comes(monkeypatch, capsys, pictures, words):
    planted = plant(monkeypatch, lambda asked: sample())
    assert main(["bench", "--images", str(pictures[0].parents[1]), *words]) == 2
    assert "--images measures classify, which has no --batch, --delegate or --spinning" in capsys.readouterr().err
    assert planted.configurations == []


@pytest.mark.parametrize(
    ("text", "count"),
    [("64KB", 64_000), ("64KiB", 65_536), ("0.5MB", 500_000), ("1MiB", 1_048_576), ("59312", 59_312),
     ("59312B", 59_312), (" 60 kb ", 60_000)],
)  # fmt: skip
def test_a_size_is_read_with_its_unit(text, count):
    assert _bytes(text) == count


@pytest.mark.parametrize("text", ["", "KB", "-1KB", "1GB", "64 K B", "1e3", "1.KB", "nan"])
def test_a_size_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match=r"expected a size such as 64KB, 64KiB or 0\.5MB, found "):
        _bytes(text)


def by_file(asked):
    """The float32 file is the fastest, and two threads are no faster than one."""
    return sample(10.0 if "float32" in asked.file else 20.0)


@pytest.mark.parametrize(("limit", "best"), [([], "float32"), (["--max-size", "64KB"], "int8")])
def test_a_recommendation_is_told_after_the_table_and_stored(monkeypatch, capsys, tmp_path, shipped, limit, best):
    if not installed_engines("tflite"):
        pytest.skip("the float32 file is for engines of .tflite")
    plant(monkeypatch, by_file)
    assert main(["bench", "--recommend", "--threads", "1,2", *limit, "-o", "out.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (at,) = [index for index, line in enumerate(lines) if line.startswith("candidate ")]
    assert lines[0].startswith("file ")
    assert lines[-1].startswith(f"ship small-{best}.")
    assert ", 1 thread: its p50 is " in lines[-1]
    found = read_result(tmp_path / "out.json").recommendation
    assert (found.best.file.split(".")[0], found.best.threads) == (f"small-{best}", 1)
    assert len(found.candidates) == len(lines) - at - 4
    assert any(one.against for one in found.candidates) == bool(limit)
    if limit:
        size = shipped.pick("float32.tflite", ["tflite"]).bytes / 1e3
        assert f"has {size:.1f} KB, at most 64 are allowed" in lines[at + 2]


def test_the_objective_is_the_middle_unless_another_is_said(monkeypatch, capsys):
    for words, objective in (([], "p50"), (["--objective", "p99"], "p99")):
        plant(monkeypatch, by_file)
        assert main(["bench", "--recommend", *words]) == 0
        assert f": its {objective} is " in capsys.readouterr().out


def test_where_nothing_meets_the_limits_the_code_is_1_and_the_measurement_is_kept(
    monkeypatch, capsys, tmp_path, shipped
):
    plant(monkeypatch, by_file)
    assert main(["bench", "--recommend", "--max-size", "1KB", "-o", "out.json"]) == 1
    captured = capsys.readouterr()
    assert captured.out.startswith("file ")
    found = read_result(tmp_path / "out.json")
    assert (len(found.rows[0].processes), found.recommendation) == (10, None)
    (line,) = messages(captured.err)
    assert line.startswith("edgedigits: recommend: no configuration of this bundle meets the limits (")
    sizes = [file.bytes / 1e3 for file in shipped.manifest.files]
    assert any(f", 1 thread: has {size:.1f} KB, at most 1 are allowed" in line for size in sizes)


def test_a_measurement_that_was_interrupted_recommends_nothing(monkeypatch, capsys):
    answers = iter([sample()] * 5)

    def answer(asked):
        if (found := next(answers, None)) is None:
            raise KeyboardInterrupt
        return found

    plant(monkeypatch, answer)
    assert main(["bench", "--recommend", "--json"]) == 130
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["complete"], told["recommendation"]) == (False, None)
    assert messages(captured.err) == ["edgedigits: interrupted; this is what was measured so far"]


def test_an_emulated_board_recommends_nothing(monkeypatch, capsys):
    monkeypatch.setenv("EDGEDIGITS_EMULATED", "1")
    plant(monkeypatch, by_file)
    assert main(["bench", "--recommend"]) == 4
    captured = capsys.readouterr()
    assert "ship " not in captured.out
    assert captured.err.splitlines()[-1].startswith("edgedigits: recommend: times on an emulated board say nothing")
