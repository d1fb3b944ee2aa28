"""Each step of export by itself: prepare, convert, evaluate, describe."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgedigits.errors import InputError
from edgedigits.manifest import Accuracy, ReferenceEngine, TensorInfo, read_manifest
from edgedigits.verification.compare import Comparison, accuracy_of, compare
from edgedigits.verification.gates import GateVerdict
from edgedigits.verification.statistics import wilson
from edgedigits_export.bundle import evaluate
from edgedigits_export.bundle.describe import describe_bundle, onnx_metadata
from edgedigits_export.bundle.evaluate import ExportEvaluation, FileEvaluation, KerasReference, evaluate_files
from edgedigits_export.bundle.golden import GoldenInputs
from edgedigits_export.bundle.job import ExportJob, ExportRequest
from edgedigits_export.bundle.prepare import default_name, prepare_job, read_training_record
from edgedigits_export.convert.variants import ConvertedFile, Variant, convert_variants
from edgedigits_export.keras_model.frozen import Scaling
from edgedigits_export.lazy_imports import quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
VARIANTS = (Variant("float32", "tflite"), Variant("float32", "onnx"), Variant("int8", "onnx"))


def silent(_line: str) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def job(cases: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ExportJob:
    file = tmp_path_factory.mktemp("steps") / "net.keras"
    with quiet():
        cases["cnn"].frozen.model.save(file)
    request = ExportRequest(
        model=file, scaling=Scaling(), data=str(DIGITS), variants=VARIANTS, opset=13, calibration_samples=20, seed=0,
        labels=None, name=None, keep_reference=True,
    )  # fmt: skip
    return prepare_job(request, silent)


def convert(job: ExportJob, *variants: Variant) -> tuple[ConvertedFile, ...]:
    return convert_variants(
        job.model.frozen,
        variants,
        opset=job.opset,
        calibration=job.calibration.images,
        onnx_metadata=onnx_metadata(job),
        progress=silent,
    )


def test_a_prepared_job_holds_the_model_that_was_read_and_its_data(job: ExportJob, cases: dict[str, Any]) -> None:
    assert (job.name, job.labels, job.variants) == ("net", tuple("0123456789"), VARIANTS)
    assert (len(job.calibration.images), len(job.golden_pool), len(job.validation), len(job.reference)) == (
        20, 80, 10, 10,
    )  # fmt: skip
    assert job.preprocessing.id == "digit/2"
    assert job.training is None
    assert job.model.confidence.temperature == 1  # ten images determine none
    np.testing.assert_allclose(
        job.model.frozen.predict(job.reference.images), cases["cnn"].frozen.predict(job.reference.images), atol=1e-6
    )


def test_the_record_beside_a_model_names_it_and_is_kept_without_its_history(tmp_path: Path) -> None:
    model = tmp_path / "run" / "model.keras"
    assert (read_training_record(model), default_name(model, None)) == (None, "run")
    model.parent.mkdir()
    record = {"config": {"model": "my net"}, "test": {"accuracy": 0.9}, "history": [1], "seconds": 2.0}
    model.with_name("train.json").write_text(json.dumps(record))
    kept = read_training_record(model)
    assert kept == {"config": {"model": "my net"}, "test": {"accuracy": 0.9}}
    assert default_name(model, kept) == "my-net"


def test_converting_starts_no_process_and_keeps_the_order(job: ExportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*words: Any, **_options: Any) -> None:
        raise AssertionError(words)

    monkeypatch.setattr(subprocess, "Popen", refuse)
    files = convert(job, *reversed(VARIANTS))
    assert [file.variant for file in files] == list(reversed(VARIANTS))
    assert files[-1].data[4:8] == b"TFL3"
    metadata = {entry.key: entry.value for entry in onnx.load_model_from_string(files[0].data).metadata_props}
    assert metadata == onnx_metadata(job) | {"precision": "int8"}


def test_evaluating_compares_a_file_with_keras(job: ExportJob) -> None:
    (file,) = convert(job, VARIANTS[0])
    evaluation = evaluate_files(job, [file], silent)
    (found,) = evaluation.files
    assert (found.name, found.engine, found.converted) == ("net-float32.tflite", "litert", file)
    assert (found.image.dtype, found.probabilities.dtype) == ("uint8", "float32")
    assert found.comparison.accuracy.count == len(job.reference)
    assert found.comparison.max_abs_difference < 1e-5
    assert found.verdict.outcome == "passed"
    np.testing.assert_array_equal(
        evaluation.keras_reference.probabilities, job.model.frozen.predict(job.reference.images)
    )
    assert evaluation.keras_validation == accuracy_of(
        job.model.frozen.predict(job.validation.images), job.validation.labels
    )
    keras_golden = job.model.frozen.predict(evaluation.golden_inputs.images)
    for outputs in found.golden.values():
        np.testing.assert_allclose(outputs, keras_golden, atol=1e-5)


def test_the_gate_judges_on_validation_and_the_reference_images_decide_nothing(
    job: ExportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[Comparison] = []
    real = evaluate.judge_variant
    monkeypatch.setattr(
        evaluate, "judge_variant", lambda name, found, task: judged.append(found) or real(name, found, task)
    )
    job = replace(job, reference=job.golden_pool)
    (found,) = evaluate_files(job, convert(job, VARIANTS[0]), silent).files
    assert [comparison.accuracy.count for comparison in judged] == [len(job.validation)]
    assert found.comparison.accuracy.count == len(job.reference) != len(job.validation)


def test_a_file_of_another_model_fails_its_gate(job: ExportJob, cases: dict[str, Any]) -> None:
    other = ConvertedFile(VARIANTS[0], cases["background"].files["float32.tflite"])
    (found,) = evaluate_files(job, [other], silent).files
    assert found.verdict.outcome == "failed"
    assert found.verdict.exit_code == 1


def test_outputs_of_keras_that_are_not_numbers_are_refused_before_any_engine_runs(
    job: ExportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.full((10,), np.nan, np.float32)
    monkeypatch.setattr(type(job.model.frozen), "predict", lambda self, images: np.tile(nothing, (len(images), 1)))
    with pytest.raises(InputError, match="net: expected probabilities, found NaN in Keras' outputs for"):
        evaluate_files(job, [ConvertedFile(VARIANTS[0], b"no model")], silent)


def evaluation_of(job: ExportJob) -> ExportEvaluation:
    """An evaluation that no engine made."""
    (file,) = convert(job, VARIANTS[0])
    keras = np.eye(10, dtype=np.float32)[job.reference.labels]
    images = job.golden_pool.images[:3]
    info = TensorInfo("image", "uint8", (1, 28, 28, 1), None, None)
    evaluated = FileEvaluation(
        name=job.file_name(file.variant), converted=file, engine="litert", version="9.9", image=info,
        probabilities=info._replace(name="probabilities", dtype="float32", shape=(1, 10)),
        comparison=compare(keras, keras, job.reference.labels), verdict=GateVerdict("passed", (), 1),
        golden={ReferenceEngine("litert", "9.9"): np.eye(10, dtype=np.float32)[:3]},
    )  # fmt: skip
    return ExportEvaluation(
        GoldenInputs(images, {2: b"a picture"}),
        (evaluated,),
        KerasReference(keras, job.reference.labels, None),
        Accuracy(9, 10, 0.9, (0.6, 1.0)),
        0.1,
    )


def test_describing_depends_on_what_was_evaluated_alone(job: ExportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    job = replace(job, variants=VARIANTS[:1])
    evaluation = evaluation_of(job)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    files = describe_bundle(job, evaluation, {"maker": "1.0"}, "2023-11-14T22:13:20Z")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2")
    assert describe_bundle(job, evaluation, {"maker": "1.0"}, "2023-11-14T22:13:20Z") == files
    assert list(files) == ["net-float32.tflite", "golden.npz", "reference.npz", "manifest.json"]
    manifest = read_manifest(files["manifest.json"], "manifest.json")
    assert (manifest.tools, manifest.created) == ({"maker": "1.0"}, "2023-11-14T22:13:20Z")
    assert manifest.files[0].parity.version == "9.9"
    assert set(manifest.golden.tolerance) == {"float32"}
    for name, sha256 in [
        (manifest.files[0].path, manifest.files[0].sha256),
        (manifest.golden.file.path, manifest.golden.file.sha256),
    ]:
        assert hashlib.sha256(files[name]).hexdigest() == sha256
    with np.load(io.BytesIO(files["golden.npz"])) as golden:
        assert set(golden) == {"images", "picture/2", "expected/0/net-float32.tflite"}


def test_a_bundle_without_reference_says_so_in_its_manifest(job: ExportJob) -> None:
    job = replace(job, variants=VARIANTS[:1], keep_reference=False)
    files = describe_bundle(job, evaluation_of(job), {}, "2023-11-14T22:13:20Z")
    assert "reference.npz" not in files
    assert read_manifest(files["manifest.json"], "manifest.json").reference.file is None


@pytest.mark.parametrize(("correct", "near"), [(95, False), (20, True)])
def test_keras_that_hardly_beats_the_commonest_label_is_near_chance(correct: int, near: bool, job: ExportJob) -> None:
    accuracy = Accuracy(correct, 100, correct / 100, wilson(correct, 100))
    evaluation = replace(evaluation_of(job), keras_validation=accuracy)
    assert evaluation.near_chance is near
    assert evaluation.exit_code == int(near)
