"""`make compat`: the probe survives what it probes, verdict and reality are compared rightly, the result holds."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgedigits.bundle import SHIPPED
from edgedigits.classifier import DigitClassifier
from edgedigits.datasets import Dataset

ROOT = Path(__file__).parents[2]
COMPAT = ROOT / "benchmarks" / "compat"
SURE = [0.9] + 9 * [0.1 / 9]


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The scripts by name; they import each other as scripts in one folder do."""
    monkeypatch.syspath_prepend(str(COMPAT))
    return {name: importlib.import_module(name) for name in ("page", "probe", "reality", "releases", "run", "verdicts")}


@pytest.fixture
def result(scripts: dict[str, ModuleType]) -> dict[str, Any]:
    """The committed result."""
    return json.loads(scripts["run"].RESULT.read_text())


def python(code: str, *words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=COMPAT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_probe_is_python_3_8() -> None:
    ast.parse((COMPAT / "probe.py").read_text(), feature_version=(3, 8))


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
        [sys.executable, COMPAT / "probe.py", "ai_edge_litert", tmp_path], capture_output=True, text=True, check=True
    )
    broken, whole = map(json.loads, done.stdout.splitlines())
    assert broken["file"] == "broken.tflite"
    assert broken["error"]
    with DigitClassifier("small", variant="int8.tflite", engine="litert") as classifier:
        np.testing.assert_allclose(whole["answers"], classifier.classify_batch(images), atol=1e-5)


@pytest.mark.parametrize(
    ("work", "end"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("time.sleep(60)", "killed by SIGALRM"),
        ("[][0]", "IndexError: list index out of range"),
    ],
)
def test_the_probe_outlives_a_model_that_kills_its_process(work: str, end: str) -> None:
    code = f"import os, signal, time, probe; print(probe.in_child(lambda: {work}, 1)['error'])"
    assert python(code).strip() == end


def test_the_probe_honours_the_scale_of_int8_ends(scripts: dict[str, ModuleType]) -> None:
    tensor = {"quantization": (0.5, -128), "dtype": np.int8}
    pixels = np.array([0.0, 0.3, 63.7, 127.5, 255.0], np.float32)
    stored = scripts["probe"].quantized(pixels, tensor)
    assert stored.dtype == np.int8
    assert stored.tolist() == [-128, -127, -1, 127, 127]
    assert scripts["probe"].dequantized(stored, tensor).tolist() == [0.0, 0.5, 63.5, 127.5, 127.5]


def test_another_rounding_runs_and_other_answers_are_wrong(scripts: dict[str, ModuleType]) -> None:
    expected = np.array([SURE, SURE])
    for answers, verdict in (
        ([SURE, SURE], "runs"),
        ([SURE, [0.82] + 9 * [0.02]], "runs"),
        ([10 * [0.1], 10 * [0.1]], "computes wrongly"),
        ([SURE[::-1], SURE], "computes wrongly"),
        ([SURE, 10 * [float("nan")]], "computes wrongly"),
    ):
        line = {"file": "a.tflite", "answers": answers}
        assert scripts["reality"].judge_line(line, expected).answer == verdict


def test_a_message_is_kept_without_the_places_of_this_machine(scripts: dict[str, ModuleType]) -> None:
    line = {
        "file": "net--form.onnx",
        "error": "Fail: Load model from /tmp/x/zoo/net--form.onnx failed:/onnxruntime_src/onnxruntime/core/graph/"
        "model.cc:129 onnxruntime::Model::Model(onnx::ModelProto&&, const Path&) Unsupported model IR version: 11",
    }
    told = scripts["reality"].judge_line(line, np.array([SURE]))
    assert told.answer == "cannot run"
    assert told.told == "Fail: Load model from FILE failed:Unsupported model IR version: 11"


def test_the_newest_release_is_believed_while_it_agrees_with_keras(scripts: dict[str, ModuleType]) -> None:
    keras = np.array(10 * [SURE])
    near = np.array(10 * [[0.7] + 9 * [0.3 / 9]])
    reference = scripts["reality"].reference
    assert np.array_equal(reference({"answers": near.tolist()}, keras), near)
    assert np.array_equal(reference({"answers": near[:, ::-1].tolist()}, keras), keras)
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
def test_a_verdict_is_at_fault_where_it_says_other_than_reality(
    scripts: dict[str, ModuleType], verdict: str, reality: str, fault: str
) -> None:
    pair = scripts["verdicts"].Pair("a.tflite", "tflite-runtime==2.14.0", verdict, "", reality, "")
    assert pair.fault == fault
    counts = scripts["verdicts"].totals([pair])
    assert counts["false_runs"] == (fault == "false runs")
    assert counts["false_cannot_run"] == (fault == "false cannot run")
    assert counts["unknown"] == (verdict == "unknown")


def test_a_python_that_is_not_here_is_named(
    scripts: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    releases = scripts["releases"]
    monkeypatch.setattr(releases, "interpreters", lambda: {"3.99": "/nowhere"})
    old = next(release for release in releases.RELEASES if str(release) == "tflite-runtime==2.7.0")
    assert releases.venv(old, tmp_path) is None
    assert "tflite-runtime==2.7.0: needs Python 3.8 or 3.9, not found" in scripts["run"].missing(old)


def test_the_compact_form_is_the_same_json(scripts: dict[str, ModuleType], result: dict[str, Any]) -> None:
    text = scripts["run"].compact(result)
    assert json.loads(text) == result
    assert max(map(len, text.splitlines())) < 1000


def test_the_committed_result_has_no_false_runs_and_few_false_refusals(
    scripts: dict[str, ModuleType], result: dict[str, Any]
) -> None:
    seen = [
        verdict + reality for entries in scripts["page"].by_release(result).values() for _, verdict, reality in entries
    ]
    running = sum(both.endswith("r") for both in seen)
    assert sum(both in {"rc", "rw"} for both in seen) == result["totals"]["false_runs"] == 0
    assert sum(both in {"cr", "wr"} for both in seen) == result["totals"]["false_cannot_run"] <= 0.02 * running
    assert sum(both.startswith("u") for both in seen) == result["totals"]["unknown"]
    assert len(seen) == result["totals"]["pairs"]


def test_the_committed_result_is_of_a_wide_zoo_in_many_releases(
    scripts: dict[str, ModuleType], result: dict[str, Any]
) -> None:
    nets = {model["net"] for model in result["models"]}
    assert len(result["models"]) >= 30
    assert {"mlp", "lenet5", "cnn"} < nets
    assert {release.split("==")[0] for release in result["releases"]} == {
        "tflite-runtime", "ai-edge-litert", "onnxruntime"
    }  # fmt: skip
    tried = {str(release) for release in scripts["releases"].RELEASES}
    assert set(result["releases"]) | {line.split(":")[0] for line in result["skipped"]} == tried


def test_the_silently_wrong_recipe_was_seen_and_foretold(
    scripts: dict[str, ModuleType], result: dict[str, Any]
) -> None:
    silent = [
        (verdict, reality)
        for model, verdict, reality in scripts["page"].by_release(result)["tflite-runtime==2.14.0"]
        if model["how"] == "litert-quantizer dynamic_wi8_afp32" and model["net"] in {"mlp", "lenet5", "cnn"}
    ]
    assert silent == 3 * [("w", "w")]
