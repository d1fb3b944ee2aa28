from __future__ import annotations

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.errors import GoldenMismatchError
from edgedigits.manifest import PRECISIONS
from edgedigits.model import lone_model, model_of_bundle
from edgedigits.verification.golden import INPUTS_AT_LOAD, TOLERANCE, check_at_load, check_golden, tolerance_of


@pytest.fixture
def file(shipped):
    return shipped.pick("int8.tflite", ["tflite"])


@pytest.fixture
def exact(shipped):
    return shipped.pick("float32.tflite", ["tflite"])


def releases(bundle, file):
    """An engine release whose outputs are recorded for the file, and another release of that engine."""
    first = next(iter(bundle.golden().expected[file.path]))
    return first, first._replace(version="99")


def recorded(bundle, file):
    return next(iter(bundle.golden().expected[file.path].values())).copy()


def off(values, row, by, column=3):
    values[row, column] += by
    return values


def test_outputs_as_recorded_pass(shipped, file):
    engine, other = releases(shipped, file)
    result = check_golden(shipped, file, recorded(shipped, file), engine)
    assert result.passed
    assert (result.count, result.wrong, result.max_abs_difference) == (shipped.manifest.golden.file.count, (), 0)
    assert (result.reference_engine, result.exact) == (engine, True)
    assert result.tolerance == shipped.manifest.golden.tolerance["int8"]
    assert result.pictures == len(shipped.golden().pictures) > 0
    assert result.pictures_off == ()
    assert check_golden(shipped, file, recorded(shipped, file), other) == result._replace(exact=False)


def test_the_same_release_must_repeat_every_bit_of_integers_and_another_only_comes_close(shipped, file):
    engine, other = releases(shipped, file)
    share = shipped.manifest.golden.tolerance["int8"].exact
    for row, column in [(2, 3), (40, 9)]:
        value = recorded(shipped, file)[row, column]
        below = off(recorded(shipped, file), row, value * share * 0.9, column)
        assert check_golden(shipped, file, below, engine).passed
        beyond = off(recorded(shipped, file), row, value * share * 1.5, column)
        assert check_golden(shipped, file, beyond, engine).wrong == (row,)
        assert check_golden(shipped, file, beyond, other).passed


def test_a_recorded_release_is_compared_with_itself_and_any_other_with_the_nearest(shipped, file):
    for release, outputs in shipped.golden().expected[file.path].items():
        same = check_golden(shipped, file, outputs, release)
        assert (same.reference_engine, same.exact, same.max_abs_difference) == (release, True, 0)
        other = check_golden(shipped, file, outputs, release._replace(version="98"))
        assert (other.reference_engine, other.exact, other.max_abs_difference) == (release, False, 0)
    first, second = shipped.golden().expected[file.path].values()
    assert np.abs(first - second).max() > 1e-3  # or this test shows nothing
    assert not check_golden(shipped, file, second, releases(shipped, file)[0]).passed


@pytest.mark.parametrize("sign", [1, -1])
def test_an_output_of_another_release_is_right_up_to_the_tolerance_and_wrong_beyond(shipped, file, sign):
    _, other = releases(shipped, file)
    tolerance = shipped.manifest.golden.tolerance["int8"].largest
    below = check_golden(shipped, file, off(recorded(shipped, file), 2, sign * tolerance * 0.99), other)
    assert below.passed
    assert below.max_abs_difference == pytest.approx(tolerance * 0.99, rel=1e-4)
    beyond = check_golden(shipped, file, off(recorded(shipped, file), 2, sign * tolerance * 1.01), other)
    assert not beyond.passed
    assert beyond.wrong == (2,)
    assert beyond.pictures_off == ()


def test_many_outputs_a_little_off_are_no_rounding(shipped, file):
    _, other = releases(shipped, file)
    mean = shipped.manifest.golden.tolerance["int8"].mean
    result = check_golden(shipped, file, recorded(shipped, file) + np.float32(mean * 1.01), other)
    assert (result.wrong, result.drifted, result.passed) == ((), True, False)
    assert check_golden(shipped, file, recorded(shipped, file) + np.float32(mean * 0.99), other).passed


def test_an_output_of_nan_is_wrong(shipped, file):
    for release in releases(shipped, file):
        result = check_golden(shipped, file, off(recorded(shipped, file), 0, np.float32("nan")), release)
        assert result.wrong == (0,)
        assert not result.passed


def test_each_precision_has_its_own_tolerance_and_reason(shipped, exact):
    assert tuple(TOLERANCE) == PRECISIONS
    limits = {name: limit.largest for name, (limit, _) in TOLERANCE.items()}
    assert 0 < limits["float32"] <= limits["float16"] <= limits["int16x8"] <= limits["int8"] < 0.5
    assert all(limit.mean < limit.largest and len(reason) > 20 for limit, reason in TOLERANCE.values())
    assert [name for name, (limit, _) in TOLERANCE.items() if limit.exact] == ["int8", "int16x8"]
    for release in releases(shipped, exact):  # sums of floats may come in any order, in the same release, too
        beyond = off(recorded(shipped, exact), 1, 2 * limits["float32"])
        result = check_golden(shipped, exact, beyond, release)
        assert (result.wrong, result.exact) == ((1,), False)


def fake_inference(bundle, file, change=lambda values: values):
    """An inference function that returns the recorded outputs with a change, for the inputs at load only."""

    def infer(images):
        assert np.array_equal(images, bundle.golden().images[:INPUTS_AT_LOAD])
        return change(recorded(bundle, file))[:INPUTS_AT_LOAD]

    return infer


def test_a_wrong_model_is_refused_at_load_with_the_numbers(shipped, file):
    model = model_of_bundle(shipped, file)
    assert INPUTS_AT_LOAD == 3
    check_at_load(model, fake_inference(shipped, file), "fake 1.0")
    # An input behind those is left to the self-test.
    check_at_load(model, fake_inference(shipped, file, lambda v: off(v, INPUTS_AT_LOAD, 1)), "fake 1.0")
    with pytest.raises(GoldenMismatchError) as caught:
        check_at_load(model, fake_inference(shipped, file, lambda v: off(v, 1, 0.5)), "fake 1.0")
    assert str(caught.value) == (
        f"small int8.tflite in fake 1.0: 1 of 3 golden inputs give wrong outputs (off by 0.5, tolerance "
        f"{shipped.manifest.golden.tolerance['int8'].largest:g}): this engine does not compute this file as it was "
        "exported; take another engine or variant"
    )


def changed_golden(folder, edit_manifest, change):
    with np.load(folder / "golden.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(folder / "golden.npz", **arrays)
    sha256 = hashlib.sha256((folder / "golden.npz").read_bytes()).hexdigest()
    return edit_manifest(folder, lambda values: values["golden"]["file"].update(sha256=sha256))


def test_pictures_that_decode_otherwise_are_reported_apart_from_wrong_outputs(bundle_copy, edit_manifest):
    indices = sorted(Bundle.load(bundle_copy).golden().pictures)

    def swap(arrays):
        first, other = (f"picture/{index}" for index in indices[:2])
        arrays[first], arrays[other] = arrays[other], arrays[first]

    bundle = changed_golden(bundle_copy, edit_manifest, swap)
    file = bundle.pick("int8.tflite", ["tflite"])
    result = check_golden(bundle, file, recorded(bundle, file), releases(bundle, file)[0])
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
    assert check_golden(bundle, file, recorded(bundle, file), releases(bundle, file)[0]).pictures_off == (index,)


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
    bundle = edit_manifest(
        bundle_copy, lambda v: v.update(preprocessing={"id": "resize/1", "locator": None, "parameters": {}})
    )
    file = bundle.manifest.files[0]
    assert check_golden(bundle, file, recorded(bundle, file), releases(bundle, file)[0]).pictures_off == ()


def test_a_bundle_whose_promises_its_model_breaks_does_not_load(bundle_copy, edit_manifest, engine):
    def change(arrays):
        for key in arrays:
            if key.startswith("expected/"):
                arrays[key] = arrays[key][:, ::-1].copy()

    changed_golden(bundle_copy, edit_manifest, change)
    with pytest.raises(GoldenMismatchError, match=r"small int8\.(tflite|onnx) in .*: [1-3] of 3 golden inputs"):
        DigitClassifier(bundle_copy, variant="int8", engine=engine)
    with DigitClassifier(bundle_copy, variant="int8", engine=engine, verify=False) as unverified:
        assert unverified.classify_batch(Bundle.load(bundle_copy).golden().images).shape[1] == 10


def test_a_lone_file_has_nothing_to_compare_with(shipped, file):
    def never(images):
        raise AssertionError("a lone file has no golden inputs to run")

    check_at_load(lone_model(shipped.path / file.path), never, "fake 1.0")


@pytest.mark.parametrize("classes", [2, 3, 10, 1000])
def test_what_may_move_between_classes_does_not_depend_on_their_number(classes: int) -> None:
    found = tolerance_of("classify", "int8", classes)
    assert found.mean * classes == pytest.approx(10 * TOLERANCE["int8"][0].mean)
    assert found._replace(mean=0.0) == TOLERANCE["int8"][0]._replace(mean=0.0)
