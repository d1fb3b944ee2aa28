"""`make compat`: the probe survives what it probes, verdict and reality are compared rightly, the result holds."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.compat import compat_probe, releases
from benchmarks.compat.backend_tests import read_test
from benchmarks.compat.compat import missing
from benchmarks.compat.compat_tables import by_release
from benchmarks.compat.reality import Pair, compare_case, compare_line, reference, totals
from benchmarks.harness.benchmark import read_result
from edgedigits.bundle import SHIPPED
from edgedigits.classifier import DigitClassifier
from edgedigits.datasets import Dataset

ROOT = Path(__file__).parents[2]
COMPAT = ROOT / "benchmarks" / "compat"
SURE = [0.9] + 9 * [0.1 / 9]
pytestmark = pytest.mark.tensorflow


@pytest.fixture
def result() -> dict[str, Any]:
    """The committed result."""
    return read_result("compat")


def python(code: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=COMPAT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_probe_is_python_3_8() -> None:
    ast.parse((COMPAT / "compat_probe.py").read_text(), feature_version=(3, 8))


@pytest.mark.skipif(find_spec("ai_edge_litert") is None, reason="ai-edge-litert is not installed")
def test_the_probe_answers_as_the_engine_does_and_goes_on_after_a_broken_file(tmp_path: Path, digits: Dataset) -> None:
    images = digits.images[:3]
    np.save(tmp_path / "cnn-images.npy", images)
    good = (SHIPPED / "small" / "small-int8.tflite").read_bytes()
    files = {"broken.tflite": good[:2000], "good.tflite": good, "other.onnx": b""}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    listed = {"models": [{"net": "cnn", "file": name} for name in files]}
    (tmp_path / "models.json").write_text(json.dumps(listed))
    done = subprocess.run(
        [sys.executable, COMPAT / "compat_probe.py", "ai_edge_litert", tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    broken, whole = map(json.loads, done.stdout.splitlines())
    assert broken["file"] == "broken.tflite"
    assert broken["error"]
    with DigitClassifier("small", variant="int8.tflite", engine="litert") as classifier:
        np.testing.assert_allclose(whole["outputs"], classifier.classify_batch(images), atol=1e-5)


@pytest.mark.parametrize(
    ("work", "end"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("time.sleep(60)", "killed by SIGALRM"),
        ("[][0]", "IndexError: list index out of range"),
    ],
)
def test_the_probe_outlives_a_model_that_kills_its_process(work: str, end: str) -> None:
    code = (
        "import os, signal, time, compat_probe as probe\n"
        f"works = [lambda: {{'off': 0}}, lambda: {work}, lambda: {{'off': 1}}]\n"
        "before, error, after = probe.in_children(works, 1)\n"
        "assert (before, after) == ({'off': 0}, {'off': 1})\n"
        "print(error['error'])"
    )
    assert python(code).strip() == end


def test_the_probe_honours_the_scale_of_int8_ends() -> None:
    tensor = {"quantization": (0.5, -128), "dtype": np.int8}
    pixels = np.array([0.0, 0.3, 63.7, 127.5, 255.0], np.float32)
    stored = compat_probe.quantized(pixels, tensor)
    assert stored.dtype == np.int8
    assert stored.tolist() == [-128, -127, -1, 127, 127]
    assert compat_probe.dequantized(stored, tensor).tolist() == [0.0, 0.5, 63.5, 127.5, 127.5]


def test_another_rounding_runs_and_other_answers_are_wrong() -> None:
    expected = np.array([SURE, SURE])
    for outputs, verdict in (
        ([SURE, SURE], "runs"),
        ([SURE, [0.82] + 9 * [0.02]], "runs"),
        ([10 * [0.1], 10 * [0.1]], "computes wrongly"),
        ([SURE[::-1], SURE], "computes wrongly"),
        ([SURE, 10 * [float("nan")]], "computes wrongly"),
    ):
        line = {"file": "a.tflite", "outputs": outputs}
        assert compare_line(line, expected).outcome == verdict


def test_a_message_is_kept_without_the_places_of_this_machine() -> None:
    line = {
        "file": "net--form.onnx",
        "error": "Fail: Load model from /tmp/x/zoo/net--form.onnx failed:/onnxruntime_src/onnxruntime/core/graph/"
        "model.cc:129 onnxruntime::Model::Model(onnx::ModelProto&&, const Path&) Unsupported model IR version: 11",
    }
    told = compare_line(line, np.array([SURE]))
    assert told.outcome == "cannot run"
    assert told.told == "Fail: Load model from FILE failed:Unsupported model IR version: 11"


def test_the_newest_release_is_believed_while_it_agrees_with_keras() -> None:
    keras = np.array(10 * [SURE])
    near = np.array(10 * [[0.7] + 9 * [0.3 / 9]])
    assert np.array_equal(reference({"outputs": near.tolist()}, keras), near)
    assert np.array_equal(reference({"outputs": near[:, ::-1].tolist()}, keras), keras)
    assert np.array_equal(reference({"error": "no kernel"}, keras), keras)


@pytest.mark.parametrize(
    ("verdict", "reality", "fault"),
    [
        ("runs", "runs", ""),
        ("runs", "cannot run", "false runs"),
        ("runs", "computes wrongly", "false runs"),
        ("cannot run", "runs", "false cannot run"),
        ("computes wrongly", "runs", "false cannot run"),
        ("cannot run", "computes wrongly", "refused, but for another reason"),
        ("computes wrongly", "computes wrongly", ""),
        ("unknown", "computes wrongly", ""),
    ],
)
def test_a_verdict_is_at_fault_where_it_says_other_than_reality(verdict: str, reality: str, fault: str) -> None:
    pair = Pair("a.tflite", "tflite-runtime==2.14.0", verdict, "", reality, "")
    assert pair.fault == fault
    counts = totals([pair])
    assert counts["false_runs"] == (fault == "false runs")
    assert counts["false_cannot_run"] == (fault == "false cannot run")
    assert counts["unknown"] == (verdict == "unknown")


@pytest.mark.parametrize(
    ("outputs", "expected", "distance"),
    [
        ([np.ones(4)], [np.ones(4)], 0),
        ([np.full(4, 1.1)], [np.ones(4)], 0.1),
        ([np.ones(3)], [np.ones(4)], compat_probe.NOTHING_ALIKE),
        ([np.array([np.nan, 1])], [np.array([np.nan, 1])], 0),
        ([np.array([np.nan, 1])], [np.array([1, 1])], compat_probe.NOTHING_ALIKE),
        ([np.array(["a"])], [np.array(["b"])], 1),
        ([np.array(["1.50"])], [np.array(["1.5"])], 0),
        ([[np.ones(2), np.zeros(2)]], [[np.ones(2), np.zeros(2)]], 0),
        ([None], [None], 0),
        ([1e-8 * np.ones(4)], [np.zeros(4)], 2e-5),
    ],
)
def test_outputs_of_any_file_are_compared_as_a_whole(outputs: Any, expected: Any, distance: float) -> None:
    assert compat_probe.distance(outputs, expected) == pytest.approx(distance)


@pytest.mark.parametrize(
    ("line", "outcome"),
    [
        ({"off": 0.001}, "runs"),
        ({"off": None}, "runs"),
        ({"off": 0.07}, "computes wrongly"),
        ({"error": "no kernel"}, "cannot run"),
    ],
)
def test_a_case_tells_what_is_right(line: dict[str, Any], outcome: str) -> None:
    assert compare_case({"file": "a.onnx", **line}).outcome == outcome


def test_a_backend_test_is_read_with_its_inputs_and_what_onnx_defines(tmp_path: Path) -> None:
    import onnx

    folder = tmp_path / "test_relu"
    (folder / "test_data_set_0").mkdir(parents=True)
    values = [onnx.helper.make_tensor_value_info(name, 1, [2]) for name in "xy"]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", values[:1], values[1:])
    onnx.save(onnx.helper.make_model(graph), folder / "model.onnx")
    for name, numbers in (("input_0", [-1, 2]), ("output_0", [0, 2])):
        tensor = onnx.numpy_helper.from_array(np.array(numbers, np.float32))
        (folder / "test_data_set_0" / f"{name}.pb").write_bytes(tensor.SerializeToString())
    case = read_test(folder / "model.onnx")
    assert case is not None
    assert case.names == ["x"]
    assert case.outputs is not None
    np.testing.assert_array_equal([*case.inputs, *case.outputs], [[-1, 2], [0, 2]])


def test_a_python_that_is_not_here_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(releases, "interpreters", lambda: {"3.99": "/nowhere"})
    old = next(release for release in releases.RELEASES if str(release) == "tflite-runtime==2.7.0")
    assert releases.release_venv(old, tmp_path) is None
    assert "tflite-runtime==2.7.0: needs Python 3.8 or 3.9, not found" in missing(old)


def test_the_committed_result_has_no_false_runs_and_few_false_refusals(result: dict[str, Any]) -> None:
    seen = [verdict + reality for entries in by_release(result).values() for _, verdict, reality in entries]
    running = sum(both.endswith("r") for both in seen)
    assert sum(both in {"rc", "rw"} for both in seen) == result["totals"]["false_runs"] == 0
    assert sum(both in {"cr", "wr"} for both in seen) == result["totals"]["false_cannot_run"] <= 0.005 * running
    assert sum(both.startswith("u") for both in seen) == result["totals"]["unknown"]
    assert len(seen) == result["totals"]["pairs"]


def test_the_committed_result_is_right_about_files_that_others_made(result: dict[str, Any]) -> None:
    files = {name: zoo["files"] for name, zoo in result["others"].items()}
    assert files["zoo-backend"] >= 2500
    assert files["zoo-packages"] >= 50
    for zoo in result["others"].values():
        assert zoo["totals"]["false_runs"] == 0
        assert zoo["totals"]["false_cannot_run_share"] <= 0.005
        assert zoo["totals"]["unknown_share"] <= 0.05
        assert sum(sum(counts.values()) for counts in zoo["by_release"].values()) == zoo["totals"]["pairs"]


def test_the_committed_result_is_of_a_wide_zoo_in_many_releases(result: dict[str, Any]) -> None:
    nets = {model["net"] for model in result["models"]}
    assert len(result["models"]) >= 30
    assert {"mlp", "lenet5", "cnn"} < nets
    assert {release.split("==")[0] for release in result["releases"]} == {
        "tflite-runtime", "ai-edge-litert", "onnxruntime"
    }  # fmt: skip
    tried = {str(release) for release in releases.RELEASES}
    assert set(result["releases"]) | {line.split(":")[0] for line in result["skipped"]} == tried


def test_the_silently_wrong_recipe_was_seen_and_foretold(result: dict[str, Any]) -> None:
    silent = [
        (verdict, reality)
        for model, verdict, reality in by_release(result)["tflite-runtime==2.14.0"]
        if model["how"] == "litert-quantizer dynamic_wi8_afp32" and model["net"] in {"mlp", "lenet5", "cnn"}
    ]
    assert silent == 3 * [("w", "w")]
