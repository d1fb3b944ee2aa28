"""Each step of export by itself: prepare, convert, evaluate, describe."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgedigits.datasets import Dataset, Splits
from edgedigits.errors import InputError, ModelRejectedError
from edgedigits.manifest import Accuracy, GateChoice, LeftOut, ReferenceEngine, TensorInfo, read_manifest
from edgedigits.training_record import read_training_record
from edgedigits.verification.compare import Comparison, accuracy_of, compare
from edgedigits.verification.gates import GateVerdict
from edgedigits.verification.statistics import wilson
from edgedigits_export.bundle import evaluate
from edgedigits_export.bundle.describe import describe_bundle, onnx_metadata
from edgedigits_export.bundle.evaluate import ExportEvaluation, FileEvaluation, evaluate_files
from edgedigits_export.bundle.golden import GoldenInputs
from edgedigits_export.bundle.job import ExportJob, ExportRequest
from edgedigits_export.bundle.judging import choose_judging, halve
from edgedigits_export.bundle.keras_reference import KerasReference
from edgedigits_export.bundle.naming import default_name
from edgedigits_export.bundle.prepare import prepare_job
from edgedigits_export.convert.variants import ConvertedFile, Converter, ConvertOptions, Variant, convert_variants
from edgedigits_export.keras_model.scaling import Scaling
from edgedigits_export.lazy_imports import quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
# What a converter that crashes does to its process; Python imports this module by itself when it starts.
CRASH = """
import os, signal
from edgedigits_export.convert import tflite_int8
def crashing(quantizer, recipe):
    os.kill(os.getpid(), signal.SIGSEGV)
tflite_int8.TfliteQuantizer.quantize = crashing
"""
VARIANTS = (Variant("float32", "tflite"), Variant("float32", "onnx"), Variant("int8", "onnx"))


def silent(_line: str) -> None:
    """Report nothing."""


@pytest.fixture(scope="module")
def job(cases: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> ExportJob:
    file = tmp_path_factory.mktemp("steps") / "net.keras"
    with quiet():
        cases["cnn"].frozen.model.save(file)
    request = ExportRequest(
        model=file, custom_objects=None, input_size=None, layout=None, scaling=Scaling(), scale_was_said=True,
        preprocess="digit", gate=GateChoice("shipped", 0.5), data=str(DIGITS), variants=VARIANTS,
        opset=13, calibration_samples=20, seed=0, labels=None, name=None, keep_reference=True, repair=None,
    )  # fmt: skip
    return prepare_job(request, silent)


def convert(job: ExportJob, *variants: Variant) -> tuple[ConvertedFile, ...]:
    options = ConvertOptions(job.opset, job.calibration.images, onnx_metadata(job))
    with Converter(job.model, options, contract=True) as converter:
        files, left_out = convert_variants(converter, variants, silent)
    assert not left_out
    return files


def test_a_prepared_job_holds_the_model_that_was_read_and_its_data(job: ExportJob, cases: dict[str, Any]) -> None:
    assert (job.name, job.labels, job.variants) == ("net", tuple("0123456789"), VARIANTS)
    assert (len(job.calibration.images), len(job.golden_pool), len(job.validation), len(job.reference)) == (
        20, 80, 10, 10,
    )  # fmt: skip
    assert job.preprocessing.id == "digit/2"
    assert job.training is None
    assert job.confidence.temperature == 1  # ten images determine none
    np.testing.assert_allclose(
        job.model.predict(job.reference.images), cases["cnn"].frozen.predict(job.reference.images), atol=1e-6
    )


def test_the_record_beside_a_model_names_it_and_is_kept_without_its_history(tmp_path: Path) -> None:
    model = tmp_path / "run" / "model.keras"
    assert (read_training_record(model, 7), default_name(model, None)) == (None, "run")
    model.parent.mkdir()
    record = {"config": {"model": "my net"}, "test": {"accuracy": 0.9}, "parameters": 7}
    record |= {"history": [1], "seconds": 2.0}
    model.with_name("train.json").write_text(json.dumps(record))
    kept = read_training_record(model, 7)
    assert kept == {"config": {"model": "my net"}, "test": {"accuracy": 0.9}, "parameters": 7}
    assert default_name(model, kept) == "my-net"
    assert read_training_record(model, 8) is None  # another model lies beside that record


def test_converting_keeps_the_order(job: ExportJob) -> None:
    files = convert(job, *reversed(VARIANTS))
    assert [file.variant for file in files] == list(reversed(VARIANTS))
    assert files[-1].data[4:8] == b"TFL3"
    metadata = {entry.key: entry.value for entry in onnx.load_model_from_string(files[0].data).metadata_props}
    assert metadata == onnx_metadata(job) | {"precision": "int8"}


def test_evaluating_compares_a_file_with_keras(job: ExportJob) -> None:
    (file,) = convert(job, VARIANTS[0])
    evaluation = evaluate_files(job, [file], [], silent)
    (found,) = evaluation.files
    assert (found.name, found.engine, found.converted) == ("net-float32.tflite", "litert", file)
    assert (found.image.dtype, found.probabilities.dtype) == ("uint8", "float32")
    assert found.comparison.accuracy.count == len(job.reference)
    assert found.comparison.max_abs_difference < 1e-5
    assert found.verdict.outcome == "passed"
    np.testing.assert_array_equal(evaluation.keras_reference.probabilities, job.model.predict(job.reference.images))
    assert evaluation.keras_judging == accuracy_of(job.model.predict(job.judging.images), job.judging.labels)
    keras_golden = job.model.predict(evaluation.golden_inputs.images)
    for outputs in found.golden.values():
        np.testing.assert_allclose(outputs, keras_golden, atol=1e-5)


def test_the_gate_judges_on_what_did_not_calibrate(job: ExportJob, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[Comparison] = []
    real = evaluate.judge_variant
    monkeypatch.setattr(
        evaluate, "judge_variant", lambda name, found, task, gate: judged.append(found) or real(name, found, task, gate)
    )
    (found,) = evaluate_files(job, convert(job, VARIANTS[0]), [], silent).files
    assert [comparison.accuracy.count for comparison in judged] == [len(job.judging)]
    assert found.comparison.accuracy.count == len(job.reference) == 10
    # 100 digits: 20 calibrated, 60 were left of the training part, 10 choose a temperature, 10 are reported on.
    assert len(job.judging) == 80
    calibrating = {image.tobytes() for image in job.calibration.images}
    assert not calibrating & {image.tobytes() for image in job.judging.images}
    np.testing.assert_array_equal(
        job.judging.images[:20], np.concatenate([job.validation.images, job.reference.images])
    )


def test_of_mnist_the_test_digits_decide_nothing(job: ExportJob) -> None:
    test = Dataset(job.reference.images, job.reference.labels, job.reference.names, "mnist:test")
    splits = Splits(job.golden_pool, job.validation, test)
    assert choose_judging(splits, job.calibration) is job.validation


def test_a_repair_chooses_on_other_images_than_those_that_judge_it(job: ExportJob) -> None:
    parts = [{image.tobytes() for image in data.images} for data in (job.choosing, job.confirming)]
    calibrating = {image.tobytes() for image in job.calibration.images}
    assert not parts[0] & parts[1] and not calibrating & (parts[0] | parts[1])
    assert [len(job.choosing), len(job.confirming)] == [10 + 30, 10 + 30]
    test = Dataset(job.reference.images, job.reference.labels, job.reference.names, "mnist:test")
    halves = halve(Splits(job.golden_pool, job.validation, test), job.calibration)
    np.testing.assert_array_equal(halves[0].images, job.validation.images[::2])
    np.testing.assert_array_equal(halves[1].images, job.validation.images[1::2])


def test_a_variant_whose_converter_crashes_is_left_out_and_the_others_stay(
    job: ExportJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A process goes on with what comes after it; integer files are made first, and none changes its place."""
    (tmp_path / "sitecustomize.py").write_text(CRASH)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    options = ConvertOptions(job.opset, job.calibration.images, onnx_metadata(job))
    variants = (Variant("float32", "tflite"), Variant("int8", "tflite"), Variant("float32", "onnx"))
    said: list[str] = []
    with Converter(job.model, options, contract=True) as converter:
        files, left_out = convert_variants(converter, variants, said.append)
    assert [file.variant for file in files] == [variants[0], variants[2]]
    assert [(one.variant, one.reason) for one in left_out] == [
        ("int8.tflite", "the converter died of SIGSEGV (it wrote nothing to standard error)")
    ]
    assert said == ["converting int8.tflite", "converting float32.tflite", "converting float32.onnx"]


def test_a_variant_that_its_engine_refuses_is_left_out_and_one_that_remains_is_the_bundle(job: ExportJob) -> None:
    whole = convert(job, VARIANTS[0])
    broken = ConvertedFile(Variant("int8", "tflite"), whole[0].data[:1000])
    evaluation = evaluate_files(job, [broken, *whole], [], silent)
    assert [file.converted for file in evaluation.files] == list(whole)
    assert [one.variant for one in evaluation.left_out] == ["int8.tflite"]
    assert "litert" in evaluation.left_out[0].reason
    assert evaluation.exit_code(strict=False) == 1
    with pytest.raises(ModelRejectedError, match="net: expected a variant that converts and runs, found none"):
        evaluate_files(job, [broken], [LeftOut("int8.onnx", "no such layer", "leave it out")], silent)


def test_a_file_of_another_model_fails_its_gate(job: ExportJob, cases: dict[str, Any]) -> None:
    other = ConvertedFile(VARIANTS[0], cases["separable"].files["float32.tflite"])
    (found,) = evaluate_files(job, [other], [], silent).files
    assert found.verdict.outcome == "failed"
    assert found.verdict.exit_code == 1


def test_outputs_of_keras_that_are_not_numbers_are_refused_before_any_engine_runs(
    job: ExportJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = np.full((10,), np.nan, np.float32)
    monkeypatch.setattr(type(job.model), "predict", lambda self, images: np.tile(nothing, (len(images), 1)))
    with pytest.raises(InputError, match="net: expected probabilities, found NaN in Keras' outputs for"):
        evaluate_files(job, [ConvertedFile(VARIANTS[0], b"no model")], [], silent)


def evaluation_of(job: ExportJob) -> ExportEvaluation:
    """An evaluation that no engine made."""
    (file,) = convert(job, VARIANTS[0])
    keras = np.eye(10, dtype=np.float32)[job.reference.labels]
    same = compare(keras, keras, job.reference.labels)
    images = job.golden_pool.images[:3]
    info = TensorInfo("image", "uint8", (1, 28, 28, 1), None, None)
    evaluated = FileEvaluation(
        name=job.file_name(file.variant), converted=file, engine="litert", version="9.9", image=info,
        probabilities=info._replace(name="probabilities", dtype="float32", shape=(1, 10)),
        comparison=same, judged=same, verdict=GateVerdict("passed", (), None),
        golden={ReferenceEngine("litert", "9.9"): np.eye(10, dtype=np.float32)[:3]}, differing=(),
    )  # fmt: skip
    return ExportEvaluation(
        GoldenInputs(images, {2: b"a picture"}),
        (evaluated,),
        (LeftOut("int8.onnx", "no such layer", "leave it out"),),
        KerasReference(keras, job.reference.labels, None),
        Accuracy(9, 10, 0.9, (0.6, 1.0)),
        nearly_guessed=0.28,
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
    evaluation = replace(evaluation_of(job), keras_judging=accuracy, left_out=())
    assert evaluation.near_chance is near
    assert evaluation.exit_code(strict=False) == int(near)
