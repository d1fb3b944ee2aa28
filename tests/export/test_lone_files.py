"""Files that others made, with any number of inputs and outputs, through every command that takes a lone file."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lone_files
import numpy as np
import pytest
from small_files import tflite

from edgedigits.cli import bench
from edgedigits.cli.bench_matrix import matrix
from edgedigits.cli.main import main
from edgedigits.engines import ENGINES, installed_engines, load_engine
from edgedigits.input_shapes import InputShape
from edgedigits.isolation import run_isolated
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.result import read_result
from edgedigits.measure.sample import Sample
from edgedigits.model import lone_model
from edgedigits.records import from_plain, to_plain

FILES: dict[str, Callable[[], bytes]] = {
    "two_by_two.onnx": lone_files.two_by_two_onnx,
    "two_by_two.tflite": lone_files.two_by_two_tflite,
    "embedding.onnx": lone_files.embedding_onnx,
    "embedding.tflite": lone_files.embedding_tflite,
    "constant.onnx": lone_files.constant_onnx,
    "constant.tflite": lone_files.constant_tflite,
    "text.onnx": lone_files.text_onnx,
    "sequence.onnx": lone_files.sequence_onnx,
    "custom.onnx": lone_files.custom_onnx,
    "custom.tflite": lone_files.custom_tflite,
    # tflite-runtime loads this one without an error and computes it wrongly: version 1 has no weights by channel.
    "misread.tflite": lambda: tflite("FULLY_CONNECTED", "FLOAT32", 1, "INT8", 4),
}
QUICK = ["--processes", "5", "--seconds", "0"]
SHAPES = {"left": (2, 3, 7), "right": (2, 3, 7)}
SHAPE_WORDS = ["--shape", "left=2x3x7", "--shape", "right=2x3x7"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Write a file into the test's folder, where commands run."""
    monkeypatch.chdir(tmp_path)

    def write(name: str) -> Path:
        (tmp_path / name).write_bytes(FILES[name]())
        return tmp_path / name

    return write


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The command's own lines, without progress and warnings of a busy machine."""
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if not line.startswith(("round ", "warning: "))]


def needs_both() -> None:
    if len(installed_engines("tflite")) < 2:
        pytest.skip("needs both engines of .tflite")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("two_by_two.onnx", ["left float32 [free, 3, free]", "right float32 [free, 3, free]"],
         ["sum float32 [free, 3, free]", "product float32 [free, 3, free]"]),
        ("two_by_two.tflite", ["left float32 [free, 3, free]", "right float32 [free, 3, free]"],
         ["sum float32 [free, 3, free]", "product float32 [free, 3, free]"]),
        ("embedding.onnx", ["ids int64 [1, 5]", "mask bool [1, 5]"],
         ["vectors float32 [1, 5, 4]", "turned bool [1, 5]"]),
        ("embedding.tflite", ["ids int32 [1, 5]", "mask bool [1, 5]"],
         ["vectors float32 [1, 5, 4]", "turned bool [1, 5]"]),
        ("constant.onnx", [], ["y float32 [3]"]),
        ("constant.tflite", [], ["y float32 [3]"]),
        ("text.onnx", ["text string [1]"], ["same string [1]"]),
        ("sequence.onnx", ["x float32 [2]"], ["parts seq(tensor(float)) []"]),
    ],
)  # fmt: skip
def test_show_lists_every_input_and_output(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], name: str, inputs: list[str], outputs: list[str]
) -> None:
    here(name)
    assert main(["show", name]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[1:-1] == [f"in {one}" for one in inputs] + [f"out {one}" for one in outputs]
    assert main(["show", name, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in values["inputs"] + values["outputs"]] == [one.split()[0] for one in inputs + outputs]
    assert all((-1 in one["shape"]) == ("two_by_two" in name) for one in values["inputs"])


def configuration(path: Path, engine: str, shapes: dict[str, tuple[int, ...]]) -> Configuration:
    model = lone_model(path)
    found = tuple(InputShape(*item) for item in shapes.items())
    return Configuration(str(path), path.name, len(model.data), model.sha256, None, None, engine, 1, {}, 1, found, None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("two_by_two.onnx", SHAPES), ("two_by_two.tflite", SHAPES),
        ("embedding.onnx", {"ids": (1, 5), "mask": (1, 5)}), ("embedding.tflite", {"ids": (1, 5), "mask": (1, 5)}),
        ("constant.onnx", {}), ("constant.tflite", {}), ("sequence.onnx", {"x": (2,)}),
    ],
)  # fmt: skip
def test_a_process_measures_whatever_goes_in_and_comes_out(
    here: Callable[[str], Path], name: str, shapes: dict[str, tuple[int, ...]]
) -> None:
    path = here(name)
    for engine in installed_engines(lone_model(path).format):
        words = [json.dumps(to_plain(configuration(path, engine, shapes))), "0", "20"]
        sample = from_plain(Sample, run_isolated("edgedigits.measure.worker", words, name), "sample")
        assert len(sample.total()) == 20


@pytest.mark.parametrize("name", ["two_by_two.onnx", "two_by_two.tflite"])
def test_an_engine_computes_on_inputs_of_the_shapes_that_were_asked_for(
    here: Callable[[str], Path], name: str, rng: np.random.Generator
) -> None:
    path = here(name)
    for engine in installed_engines(lone_model(path).format):
        loaded = load_engine(engine, lone_model(path))
        for shape in ((2, 3, 7), (1, 3, 1), (2, 3, 7)):
            left, right = rng.random((2, *shape), np.float32)
            total, product = loaded.prepare([shape, shape])([left, right])
            assert np.array_equal(total, left + right)
            assert np.array_equal(product, left * right)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(3)


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["bench", "selftest"])
@pytest.mark.parametrize("name", ["two_by_two.onnx", "two_by_two.tflite"])
def test_a_free_dimension_is_asked_for(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], name: str, verb: str
) -> None:
    here(name)
    assert main([verb, name]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        f"edgedigits: {name}: expected the length of every dimension, found free ones in 'left' [free, 3, free], "
        "'right' [free, 3, free]; say how long they are, for example --shape left=1x3x320 --shape right=1x3x320"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["bench", "selftest"])
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--shape", "left=2x3x7"], "found free ones in 'right' [free, 3, free]; say how long they are, for example"),
        ([*SHAPE_WORDS, "--shape", "middle=1"], "--shape: expected an input out of left, right, found 'middle'"),
        (["--shape", "left=2x4x7", "--shape", "right=2x3x7"],
         "--shape: expected 'left' of two_by_two.onnx to be [free, 3, free], found [2, 4, 7]"),
        (["--shape", "left=2x3"], "--shape: expected 'left' of two_by_two.onnx to be [free, 3, free], found [2, 3]"),
        (["--shape", "left=2x3x0"], "--shape: expected an input's name and whole numbers of at least 1"),
        (["--shape", "left"], "found 'left'"),
    ],
)  # fmt: skip
def test_a_wrong_shape_is_one_line_and_2(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], verb: str, words: list[str], message: str
) -> None:
    here("two_by_two.onnx")
    assert main([verb, "two_by_two.onnx", *words]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert message in line
    assert captured.out == ""


@pytest.mark.slow
def test_bench_stores_and_prints_the_shapes(here: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = here("two_by_two.onnx")
    assert main(["bench", path.name, *SHAPE_WORDS, *QUICK, "-o", "out.json"]) == 0
    assert "two_by_two.onnx: left=2x3x7, right=2x3x7" in capsys.readouterr().out.splitlines()
    (row,) = read_result(Path("out.json")).rows
    assert row.configuration.shapes == (InputShape("left", (2, 3, 7)), InputShape("right", (2, 3, 7)))
    stored = json.loads(Path("out.json").read_text())["rows"][0]["configuration"]["shapes"]
    assert stored == [{"name": "left", "shape": [2, 3, 7]}, {"name": "right", "shape": [2, 3, 7]}]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["bench", "selftest"])
def test_strings_are_refused_in_one_line(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    here("text.onnx")
    assert main([verb, "text.onnx"]) == 2
    (line,) = told(capsys)
    assert line.startswith("edgedigits: text.onnx: expected inputs of numbers, for which random ones can stand, found ")
    assert "'text' of the type string" in line


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["show", "bench", "selftest", "check"])
@pytest.mark.parametrize(
    ("name", "quote"),
    [
        ("custom.tflite", "Encountered unresolved custom op: Landmarks"),
        ("custom.onnx", "No Op registered for Landmarks"),
    ],
)
def test_an_engine_that_refuses_a_file_is_quoted(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], verb: str, name: str, quote: str
) -> None:
    path = here(name)
    assert main([verb, name, *(QUICK if verb == "bench" else [])]) == 3
    captured = capsys.readouterr()
    said = captured.out + captured.err
    for engine in installed_engines(lone_model(path).format)[: 1 if verb == "show" else None]:
        assert any(f"{engine} " in line and f" refuses the file ({quote}" in line for line in said.splitlines())
    assert "only programs that bring this operator with them run the file" in said
    assert "is it a whole" not in said


@pytest.mark.slow
def test_what_an_engine_refuses_to_run_is_quoted_with_the_inputs(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    here("two_by_two.onnx")
    words = ["two_by_two.onnx", "--shape", "left=2x3x7", "--shape", "right=2x3x5"]
    for verb in (["bench", *words, *QUICK], ["selftest", *words]):
        assert main(verb) == 3
        captured = capsys.readouterr()
        said = captured.out + captured.err
        assert "refuses inputs left=2x3x7, right=2x3x5 (" in said
        assert "take another engine, or other shapes where dimensions are free" in said


def to_measure(*words: str) -> list[Configuration]:
    """The configurations that `bench` would measure."""
    parser = argparse.ArgumentParser()
    bench.configure(parser)
    return matrix(parser.parse_args(words))[0]


@pytest.mark.slow
def test_a_batch_is_still_the_length_of_a_free_first_dimension(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = [(name, lone_files.FLOAT, ["n", 4]) for name in "xy"]
    path = tmp_path / "rows.onnx"
    path.write_bytes(lone_files.onnx_graph(ends[:1], [("Abs", ["x"], ["y"])], ends[1:]))
    found = to_measure(str(path), "--batch", "1,8")
    assert [(one.batch, one.shapes) for one in found] == [
        (1, (InputShape("x", (1, 4)),)), (8, (InputShape("x", (8, 4)),)),
    ]  # fmt: skip
    assert main(["bench", str(path)]) == 2
    assert "for example --shape x=1x4" in told(capsys)[0]
    assert main(["bench", str(path), "--batch", "2", "--shape", "x=1x4"]) == 2
    assert "--shape and --batch both say how long an input is; take one of them" in told(capsys)[0]


@pytest.mark.slow
def test_the_files_of_this_project_need_no_shape(shipped: Any) -> None:
    for engine in installed_engines():
        file = str(shipped.path / f"small-int8.{ENGINES[engine].format}")
        for words in ([file], ["small", "--variant", "int8"]):
            (one,) = to_measure(*words, "--engine", engine)
            assert (one.batch, one.shapes) == (1, (InputShape("image", (1, 28, 28, 1)),))


@pytest.mark.slow
def test_a_shape_for_a_file_of_this_project_says_how_many_images_go_in_at_once(shipped: Any) -> None:
    for words in ([str(shipped.path / "small-int8.onnx")], ["small", "--variant", "int8.onnx"]):
        (one,) = to_measure(*words, "--shape", "image=8x28x28x1")
        assert (one.batch, one.shapes) == (8, (InputShape("image", (8, 28, 28, 1)),))


def test_the_locator_is_measured_on_a_page_unless_another_size_is_said() -> None:
    for engine in installed_engines():
        (one,) = to_measure("locator", "--variant", "int8", "--engine", engine)
        assert one.shapes == (InputShape("image", (1, 480, 640, 1)),)
        (one,) = to_measure("locator", "--variant", "int8", "--engine", engine, "--shape", "image=1x64x96x1")
        assert one.shapes == (InputShape("image", (1, 64, 96, 1)),)


@pytest.mark.slow
def test_selftest_compares_two_engines_output_by_output(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    needs_both()
    here("two_by_two.tflite")
    assert main(["selftest", "two_by_two.tflite", *SHAPE_WORDS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["file"], found["verdict"]) == ("two_by_two.tflite", "passed")
    assert [(run["engine"], run["error"]) for run in found["engines"]] == [("litert", None), ("tflite-runtime", None)]
    assert [(row["output"], row["engine"], row["passed"]) for row in found["outputs"]] == [
        ("sum", "tflite-runtime", True), ("product", "tflite-runtime", True),
    ]  # fmt: skip
    assert all(row["max_abs_difference"] <= 1e-6 < row["tolerance"] for row in found["outputs"])
    assert found["why"].startswith("allowed: 5% of the largest value")


@pytest.mark.slow
def test_selftest_finds_an_engine_that_computes_wrongly_without_an_error(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    needs_both()
    here("misread.tflite")
    assert main(["selftest", "misread.tflite"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any(line.endswith("FAILED") and "tflite-runtime - litert" in line for line in lines)
    assert main(["selftest", "misread.tflite", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    (row,) = found["outputs"]
    assert row["max_abs_difference"] > row["tolerance"]
    assert row["same_largest"] < found["inputs"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "words", "why"),
    [
        ("embedding.onnx", [], "nothing to compare with: no other engine reads .onnx files"),
        ("sequence.onnx", [], "nothing to compare with: no other engine reads .onnx files"),
        ("embedding.tflite", ["--engine", "litert"],
         "nothing to compare with: one engine was asked for; leave --engine out"),
    ],
)  # fmt: skip
def test_selftest_with_one_engine_says_that_there_is_nothing_to_compare_with(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], name: str, words: list[str], why: str
) -> None:
    needs_both()
    here(name)
    assert main(["selftest", name, *words]) == 3
    first, last = capsys.readouterr().out.splitlines()
    assert ": ran 5 random inputs (" in first
    assert last == f"UNKNOWN: {why}"
    assert main(["selftest", name, *words, "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["outputs"], found["why"]) == ("unknown", [], why)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--variant", "int8"], "--variant is for a bundle"), (["--board", "pi4"], "another board or release is for"),
        (["--engine", "litert==2.0"], "another board or release is for a bundle"),
    ],
)  # fmt: skip
def test_what_belongs_to_a_bundle_is_refused_with_a_file(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    here("constant.tflite")
    assert main(["selftest", "constant.tflite", *words]) == 2
    (line,) = told(capsys)
    assert message in line


def test_a_shape_with_a_bundle_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "small", "--shape", "image=1x28x28x1"]) == 2
    assert "--shape is for a .tflite or .onnx file" in told(capsys)[0]


@pytest.mark.slow
def test_classify_says_what_it_expects(here: Callable[[str], Path], capsys: pytest.CaptureFixture[str]) -> None:
    here("two_by_two.onnx")
    assert main(["classify", "--bundle", "two_by_two.onnx", "x.png"]) == 3
    (line,) = told(capsys)
    assert "found a model of 2 inputs (left, right) and 2 outputs (sum, product)" in line


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_check_of_a_keras_file_says_export_it_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    assert main(["check", str(tmp_path / name)]) == 2
    assert "found a Keras file; export it first: edgedigits export " in told(capsys)[0]


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["show", "check"])
@pytest.mark.parametrize("format_", ["onnx", "tflite"])
def test_a_file_cut_short_is_told_so_by_its_name(
    shipped: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str, format_: str
) -> None:
    whole = (shipped.path / f"small-int8.{format_}").read_bytes()
    (tmp_path / f"cut.{format_}").write_bytes(whole[: len(whole) // 2])
    assert main([verb, str(tmp_path / f"cut.{format_}")]) == (3 if verb == "show" else 2)
    (line,) = told(capsys)
    assert "it is no whole" in line if verb == "show" else f"cut.{format_}: expected a whole " in line


def test_check_takes_a_model_of_other_operator_sets_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from onnx import TensorProto, helper

    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3]) for name in "xy"]
    node = helper.make_node("Binarizer", ["x"], ["y"], domain="ai.onnx.ml", threshold=0.5)
    graph = helper.make_graph([node], "graph", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("ai.onnx.ml", 1)])
    model.ir_version = 7
    (tmp_path / "ml.onnx").write_bytes(model.SerializeToString())
    assert main(["check", str(tmp_path / "ml.onnx"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["files"][0]["opset"] is None
    assert values["rows"][0]["answer"] == "runs"


def test_a_whole_file_of_a_newer_schema_is_not_called_broken(
    here: Callable[[str], Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ai_edge_litert import schema_py_generated as schema

    path = here("constant.tflite")
    monkeypatch.setattr(schema.BuiltinOperator, "ABS", 9999)  # as if this schema did not know the file's operator
    assert main(["check", path.name]) == 2
    (line,) = told(capsys)
    assert line.startswith("edgedigits: constant.tflite: expected TFLite as this version knows it, found a whole file ")
