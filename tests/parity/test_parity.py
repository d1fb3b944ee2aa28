from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import BundleError
from edgedigits.verification.gates import GATES
from edgedigits.verification.outputs import SCHEMA, Header, Outputs
from edgedigits.verification.parity import compare_bundles, compare_outputs, measure_parity, pairs
from edgedigits.verification.statistics import tango

pytestmark = pytest.mark.slow


def quiet(text):
    pass


def saved_outputs(bundle, file, data, probabilities):
    """Outputs as a board would have saved them."""
    header = Header(
        SCHEMA, bundle.id, file.path, file.sha256, "litert", "2.3.0", {"board": "a board"}, data.source,
        data.sha256(), len(data), "0.1.0",
    )  # fmt: skip
    return Outputs(header, probabilities)


def test_every_variant_in_every_installed_engine_agrees_with_its_reference(proven):
    bundle = Bundle.load(proven.path)
    progress = []
    rows = measure_parity(bundle, bundle.manifest.files, installed_engines(), proven.digits, progress.append)
    expected = pairs(bundle.manifest.files, installed_engines())
    assert [(row.file, row.engine) for row in rows] == [(file.path, engine) for file, engine in expected]
    assert progress == [f"{file.path} in {engine}" for file, engine in expected]
    for row in rows:
        assert (row.verdict.outcome, row.verdict.reasons, row.error, row.exit_code) == ("passed", (), None, 0)
        assert row.version
        assert row.machine is None
        figures = row.comparison
        assert figures.accuracy.count == len(proven.digits) >= GATES["float16"].least_images
        assert figures.agreement >= 0.999
        assert len(figures.flips) == round((1 - figures.agreement) * len(proven.digits))
        if row.precision == "float32":
            assert (figures.agreement, figures.flips, figures.drop) == (1, (), 0)
            assert figures.max_abs_difference <= GATES["float32"].max_abs_difference


def test_each_file_meets_each_engine_of_its_format(shipped):
    found = pairs(shipped.manifest.files, list(ENGINES))
    assert len(found) == 5
    assert {(file.path, engine) for file, engine in found if engine == "onnxruntime"} == {
        ("small-int8.onnx", "onnxruntime")
    }
    assert pairs(shipped.manifest.files, []) == []


@pytest.mark.parametrize("harm", ["classes", "rows"])
def test_a_reference_in_another_order_fails_every_gate(proven, give_reference, harm):
    wrong = proven.reference[:, ::-1] if harm == "classes" else proven.reference[::-1]
    data = Dataset(proven.digits.images, proven.digits.labels, proven.digits.names, str(proven.data))
    bundle = give_reference(proven.path, data, wrong.copy())
    engines = installed_engines()[:1]
    rows = measure_parity(bundle, bundle.manifest.files, engines, proven.digits, quiet)
    assert rows
    for row in rows:
        assert row.exit_code == 1
        assert row.verdict.outcome == "failed"
        assert any(reason.startswith("agreement ") for reason in row.verdict.reasons)
        assert row.comparison.flips


def test_a_file_that_was_changed_gets_a_row_with_its_error(proven):
    bundle = Bundle.load(proven.path)
    file = bundle.manifest.files[0]
    (proven.path / file.path).write_bytes(b"other")
    (row,) = measure_parity(
        bundle, [file], [name for name in installed_engines() if ENGINES[name].format == file.format][:1],
        proven.digits, quiet,
    )  # fmt: skip
    assert (row.comparison, row.version, row.verdict, row.exit_code) == (None, None, None, 2)
    assert "expected SHA-256" in row.error


def test_a_reference_of_other_data_is_refused_with_both(proven):
    bundle = Bundle.load(proven.path)
    other = Dataset(255 - proven.digits.images, proven.digits.labels, proven.digits.names, "other")
    with pytest.raises(BundleError) as caught:
        measure_parity(bundle, bundle.manifest.files, installed_engines(), other, quiet)
    reference = bundle.manifest.reference
    count = len(proven.digits)
    assert str(caught.value) == (
        f"{proven.path}: its reference belongs to {proven.data} ({count} images, {reference.dataset_sha256[:12]}), "
        f"found other ({count}, {other.sha256()[:12]}); give the data of its export (--data), "
        "or its Keras model, where the exporter is (--per-layer)"
    )


def test_a_bundle_without_a_reference_is_refused(proven, edit_manifest):
    bundle = edit_manifest(proven.path, lambda values: values["reference"].update(file=None))
    with pytest.raises(BundleError, match=r"its reference \(Keras' own outputs\) was left out; compare where the mod"):
        measure_parity(bundle, bundle.manifest.files, installed_engines(), proven.digits, quiet)


def test_a_bundle_whose_reference_was_not_copied_is_refused(proven):
    (proven.path / "reference.npz").unlink()
    bundle = Bundle.load(proven.path)
    with pytest.raises(BundleError, match=r"holds no reference.npz to compare with; copy the whole bundle or export"):
        measure_parity(bundle, bundle.manifest.files, installed_engines(), proven.digits, quiet)


def test_a_drop_planted_in_the_outputs_passes_up_to_the_gate_and_fails_beyond(proven):
    bundle = Bundle.load(proven.path)
    file = bundle.pick("int8", ["tflite"])
    count = len(proven.digits)
    right = np.flatnonzero(proven.reference.argmax(axis=1) == proven.digits.labels)
    outcomes = []
    for planted in range(6):
        probabilities = proven.reference.copy()
        probabilities[right[:planted]] = np.roll(probabilities[right[:planted]], 1, axis=1)
        outputs = saved_outputs(bundle, file, proven.digits, probabilities)
        (row,) = compare_outputs(bundle, [(proven.path, outputs)], proven.digits)
        assert row.comparison.lost == planted
        outcomes.append(row.verdict.outcome)
    allowed = sum(100 * tango(planted, 0, count)[1] <= 0.2 for planted in range(6))
    assert 1 <= allowed < 6
    assert outcomes == ["passed"] * allowed + ["failed"] * (6 - allowed)


def test_saved_outputs_compare_like_the_run_that_saved_them(proven, engine):
    bundle = Bundle.load(proven.path)
    saved = []

    def save(file, inferences):
        outputs = saved_outputs(bundle, file, proven.digits, inferences.probabilities)
        header = replace(outputs.header, engine=inferences.engine, version=inferences.version)
        saved.append((proven.path, replace(outputs, header=header)))

    rows = measure_parity(bundle, bundle.manifest.files, [engine], proven.digits, quiet, save=save)
    found = compare_outputs(bundle, saved, proven.digits)
    assert {row.machine["board"] for row in found} == {"a board"}
    assert [replace(row, machine=None) for row in found] == rows


def test_without_a_reference_outputs_are_saved_and_nothing_is_judged(proven, engine, edit_manifest):
    bundle = edit_manifest(proven.path, lambda values: values["reference"].update(file=None))
    saved = []
    files = bundle.manifest.files
    rows = measure_parity(bundle, files, [engine], proven.digits, quiet, save=lambda *run: saved.append(run))
    assert len(rows) == len(saved) > 0
    assert {(row.comparison, row.verdict, row.error, row.exit_code) for row in rows} == {(None, None, None, 0)}
    with pytest.raises(BundleError, match="was left out"):
        compare_outputs(bundle, [], proven.digits)


def test_saved_outputs_of_other_classes_are_refused(proven):
    bundle = Bundle.load(proven.path)
    outputs = saved_outputs(bundle, bundle.manifest.files[0], proven.digits, proven.reference[:, :9])
    with pytest.raises(BundleError, match="expected \\[10\\] a picture, found \\[9\\]"):
        compare_outputs(bundle, [(proven.path, outputs)], proven.digits)


def test_a_bundle_changes_no_digit_of_itself(proven, engine):
    bundle = Bundle.load(proven.path)
    before, after, found = compare_bundles(bundle, bundle, None, engine, proven.digits)
    assert before.path == after.path == f"small-int8.{ENGINES[engine].format}"
    assert (found.flips, found.max_abs_difference) == ((), 0)


def test_bundles_of_other_labels_are_not_compared(proven, edit_manifest, tmp_path):
    old = Bundle.load(proven.path)
    other = shutil.copytree(proven.path, tmp_path / "other")
    new = edit_manifest(other, lambda values: values.update(labels=list("abcdefghij")))
    with pytest.raises(BundleError, match=r"expected the labels and image size of .*, found others; compare like with"):
        compare_bundles(old, new, None, installed_engines()[0], proven.digits)


def test_the_digits_that_change_are_those_whose_outputs_differ(proven, edit_manifest, tmp_path, engine):
    if ENGINES[engine].format != "tflite":
        pytest.skip("the shipped bundle has one .onnx file alone")
    # The new bundle's int8 is the old one's float32: same digits but for those that rounding turns.
    new = shutil.copytree(proven.path, tmp_path / "new")
    data = (new / "small-float32.tflite").read_bytes()
    (new / "small-int8.tflite").write_bytes(data)
    sha256 = hashlib.sha256(data).hexdigest()

    def change(values):
        for file in values["files"]:
            if file["path"] == "small-int8.tflite":
                file.update(sha256=sha256, bytes=len(data))

    newer = edit_manifest(new, change)
    noise = np.random.default_rng(0).integers(0, 256, (300, 28, 28, 1), np.uint8)
    data = Dataset(noise, np.zeros(300, np.int64), proven.digits.names, "noise")
    _, _, found = compare_bundles(Bundle.load(proven.path), newer, "int8", engine, data)
    assert found.max_abs_difference > 0
    for flip in found.flips:
        assert flip.before != flip.after
        assert flip.margin >= 0
