from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.errors import GoldenMismatch
from edgedigits.manifest import PRECISIONS
from edgedigits.model import lone_model, model_of_bundle
from edgedigits.trust.golden import AT_LOAD, TOLERANCE, check_at_load, check_golden


@pytest.fixture
def file(shipped):
    return shipped.pick("int8.tflite", ["tflite"])


def recorded(bundle, file, change=lambda answers: answers):
    """A model that answers what was recorded, changed."""
    golden = bundle.golden()

    def answer(images):
        assert np.array_equal(images, golden.images[: len(images)])
        return change(golden.expected[file.path][: len(images)].copy())

    return answer


def at(row, value):
    def change(answers):
        if row < len(answers):
            answers[row, 3] += value
        return answers

    return change


def test_a_model_that_answers_as_recorded_passes(shipped, file):
    result = check_golden(shipped, file, recorded(shipped, file))
    assert result.passed
    assert (result.count, result.wrong, result.max_abs_difference) == (shipped.manifest.golden.file.count, (), 0)
    assert result.tolerance == shipped.manifest.golden.tolerance["int8"]
    assert result.pictures == len(shipped.golden().pictures) > 0
    assert result.pictures_off == ()


@pytest.mark.parametrize("sign", [1, -1])
def test_an_answer_is_right_up_to_the_tolerance_and_wrong_beyond(shipped, file, sign):
    tolerance = shipped.manifest.golden.tolerance["int8"]
    below = check_golden(shipped, file, recorded(shipped, file, at(2, sign * tolerance * 0.99)))
    assert below.passed
    assert below.max_abs_difference == pytest.approx(tolerance * 0.99, rel=1e-4)
    beyond = check_golden(shipped, file, recorded(shipped, file, at(2, sign * tolerance * 1.01)))
    assert not beyond.passed
    assert beyond.wrong == (2,)
    assert beyond.pictures_off == ()


def test_an_answer_of_nothing_but_nan_is_wrong(shipped, file):
    result = check_golden(shipped, file, recorded(shipped, file, at(0, np.float32("nan"))))
    assert result.wrong == (0,)
    assert not result.passed


def test_each_precision_has_its_own_tolerance_and_reason(shipped):
    assert tuple(TOLERANCE) == PRECISIONS
    limits = {name: limit for name, (limit, _) in TOLERANCE.items()}
    assert 0 < limits["float32"] <= limits["float16"] <= limits["int16x8"] <= limits["int8"] < 0.5
    assert all(len(reason) > 20 for _, reason in TOLERANCE.values())
    exact = shipped.pick("float32.tflite", ["tflite"])
    result = check_golden(shipped, exact, recorded(shipped, exact, at(1, 2 * result_tolerance(shipped, "float32"))))
    assert result.wrong == (1,)


def result_tolerance(bundle, precision):
    return bundle.manifest.golden.tolerance[precision]


def test_at_load_a_few_inputs_are_asked_and_no_picture(shipped, file):
    result = check_golden(shipped, file, recorded(shipped, file), limit=2)
    assert (result.count, result.pictures, result.pictures_off) == (2, 0, ())
    assert AT_LOAD == 3


def test_a_wrong_model_is_refused_at_load_with_the_numbers(shipped, file):
    model = model_of_bundle(shipped, file)
    check_at_load(model, recorded(shipped, file), "fake 1.0")
    check_at_load(model, recorded(shipped, file, at(AT_LOAD, 1)), "fake 1.0")  # the self-test asks that one
    with pytest.raises(GoldenMismatch) as caught:
        check_at_load(model, recorded(shipped, file, at(1, 0.5)), "fake 1.0")
    assert str(caught.value) == (
        f"cnn int8.tflite in fake 1.0: 1 of 3 golden inputs are answered wrongly (off by 0.5, tolerance "
        f"{shipped.manifest.golden.tolerance['int8']:g}): this engine does not compute this file as it was exported; "
        "take another engine or variant"
    )


def changed_golden(folder, edit_manifest, change):
    with np.load(folder / "golden.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(folder / "golden.npz", **arrays)
    sha256 = hashlib.sha256((folder / "golden.npz").read_bytes()).hexdigest()
    return edit_manifest(folder, lambda values: values["golden"]["file"].update(sha256=sha256))


def test_pictures_that_decode_otherwise_are_told_apart_from_a_wrong_model(bundle_copy, edit_manifest):
    indices = sorted(Bundle.load(bundle_copy).golden().pictures)

    def swap(arrays):
        first, other = (f"picture/{index}" for index in indices[:2])
        arrays[first], arrays[other] = arrays[other], arrays[first]

    bundle = changed_golden(bundle_copy, edit_manifest, swap)
    file = bundle.pick("int8.tflite", ["tflite"])
    result = check_golden(bundle, file, recorded(bundle, file))
    assert result.wrong == ()
    assert result.pictures_off == tuple(indices[:2])
    assert result.pictures == len(indices)
    assert not result.passed


def test_a_picture_that_differs_by_one_pixel_is_off(bundle_copy, edit_manifest):
    index = min(Bundle.load(bundle_copy).golden().pictures)

    def change(arrays):
        arrays["images"][index, 14, 14] ^= 1

    bundle = changed_golden(bundle_copy, edit_manifest, change)
    file = bundle.manifest.files[0]
    assert check_golden(bundle, file, recorded(bundle, file)).pictures_off == (index,)


def test_a_bundle_without_digits_has_its_pictures_resized(bundle_copy, edit_manifest):
    images = Bundle.load(bundle_copy).golden().images
    index = min(Bundle.load(bundle_copy).golden().pictures)
    photo = Image.fromarray(images[0, ..., 0]).resize((56, 50))

    def change(arrays):
        for key in [key for key in arrays if key.startswith("picture/")]:
            del arrays[key]
        buffer = io.BytesIO()
        photo.save(buffer, "PNG")
        arrays[f"picture/{index}"] = np.frombuffer(buffer.getvalue(), np.uint8)
        arrays["images"][index, ..., 0] = np.asarray(photo.resize((28, 28), Image.Resampling.BILINEAR))

    changed_golden(bundle_copy, edit_manifest, change)
    bundle = edit_manifest(bundle_copy, lambda v: v.update(preprocessing={"id": "resize/1", "parameters": {}}))
    file = bundle.manifest.files[0]
    assert check_golden(bundle, file, recorded(bundle, file)).pictures_off == ()


def test_a_bundle_whose_promises_its_model_breaks_does_not_load(bundle_copy, edit_manifest, engine):
    def change(arrays):
        for key in arrays:
            if key.startswith("expected/"):
                arrays[key] = arrays[key][:, ::-1].copy()

    changed_golden(bundle_copy, edit_manifest, change)
    with pytest.raises(GoldenMismatch, match=r"cnn int8\.(tflite|onnx) in .*: 3 of 3 golden inputs"):
        DigitClassifier(bundle_copy, "int8", engine)


def test_a_lone_file_has_nothing_to_compare_with(shipped, file):
    def never(images):
        raise AssertionError("nothing to ask")

    check_at_load(lone_model(shipped.path / file.path), never, "fake 1.0")
