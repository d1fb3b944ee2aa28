from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from edgedigits import classifier as module
from edgedigits.bundle import Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError, EngineMissingError, ImageError, ModelRejectedError, UsageError
from edgedigits.images.judge import PARAMETERS
from edgedigits.manifest import TensorInfo


class FakeEngine:
    """Answers what it is told to: for ties and shapes that no real file here has."""

    name, version = "fake", "1.0"

    def __init__(self, answer, image=(1, 28, 28, 1), classes=(1, 10)):
        self.answer = np.array(answer, np.float32)
        self.inputs = (TensorInfo("image", "uint8", image, None, None),)
        self.outputs = (TensorInfo("probabilities", "float32", classes, None, None),)

    def run(self, images):
        return np.repeat(self.answer[np.newaxis], len(images), axis=0)


@pytest.fixture
def fake(monkeypatch, shipped):
    """A lone file's classifier over a fake engine."""

    def make(*args, **kwargs):
        monkeypatch.setattr(module, "load_engine", lambda *_: FakeEngine(*args, **kwargs))
        return DigitClassifier(shipped.path / "small-int8.tflite")

    return make


@pytest.fixture
def fake_digits(monkeypatch):
    """The shipped bundle's classifier over a fake engine."""

    def make(*args, **kwargs):
        monkeypatch.setattr(module, "load_engine", lambda *_: FakeEngine(*args, **kwargs))
        return DigitClassifier(verify=False)

    return make


def test_real_digits_are_read_by_every_engine(engine, digits):
    with DigitClassifier(engine=engine) as classifier:
        answers = [classifier.classify(image[..., 0]) for image in digits.images]
    right = sum(answer.digit == label for answer, label in zip(answers, digits.labels, strict=True))
    assert right >= 95
    # One in a hundred is written so that it cannot be told.
    assert sum(answer.rejected is not None for answer in answers) <= 2
    assert {(answer.engine.name, answer.model.variant) for answer in answers} == {
        (engine, f"int8.{ENGINES[engine].format}")
    }


def test_a_prediction_carries_everything(classifier, digits, shipped):
    image = digits.images[0, ..., 0]
    found = classifier.classify(image)
    assert found.source == "ndarray"
    assert found.digit == found.probabilities.argmax()
    assert found.label == str(found.digit)
    assert found.confidence == found.probabilities.max() > 0.5
    assert found.probabilities.dtype == np.float32
    assert 0.9 < found.probabilities.sum() <= 1 + 1e-5  # the rest says that it is no digit
    assert np.array_equal(found.model_input, image)
    assert np.array_equal(found.pixels, image[..., np.newaxis])
    assert (found.passed_through, found.scale, found.box, found.rejection) == (True, 1, None, None)
    assert found.labels == tuple("0123456789")
    assert (found.model.name, found.model.bundle) == ("small", shipped.id)
    assert found.model.sha256 == shipped.pick(found.model.variant, ["tflite", "onnx"]).sha256
    assert min(found.timing.decode, found.timing.preprocess, found.timing.infer) >= 0
    assert found.timing.total == found.timing.decode + found.timing.preprocess + found.timing.infer


def test_one_image_gives_the_same_answer_however_it_is_handed_over(classifier, digits, tmp_path):
    array = 255 - np.asarray(Image.fromarray(digits.images[3, ..., 0]).resize((90, 90)))
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    (tmp_path / "8.png").write_bytes(buffer.getvalue())
    sources = {
        str(tmp_path / "8.png"): tmp_path / "8.png",
        "str": str(tmp_path / "8.png"),
        "bytes": buffer.getvalue(),
        "Image": Image.fromarray(array),
        "PngImageFile": Image.open(tmp_path / "8.png"),
        "ndarray": array,
        "colour": np.repeat(array[..., np.newaxis], 3, axis=2),
        "float": array / 255,
    }
    found = {name: classifier.classify(source) for name, source in sources.items()}
    assert len({(one.digit, one.probabilities.tobytes(), one.model_input.tobytes()) for one in found.values()}) == 1
    named = {name: one.source for name, one in found.items() if name not in {"str", "colour", "float"}}
    assert all(name == source for name, source in named.items())
    assert found["str"].source == str(tmp_path / "8.png")


def test_a_digit_on_paper_is_answered_as_from_mnist(classifier, digits):
    same = 0
    for image in digits.images[:40, ..., 0]:
        paper = 255 - np.asarray(Image.fromarray(image).resize((140, 140), Image.Resampling.BICUBIC))
        same += classifier.classify(paper).digit == classifier.classify(image).digit
    assert same >= 36


def test_mnist_says_that_an_image_is_fed_as_it_is(classifier, digits):
    dark_on_white = 255 - digits.images[0, ..., 0]
    assert np.array_equal(classifier.classify(dark_on_white, mnist=True).model_input, dark_on_white)
    assert not np.array_equal(classifier.classify(dark_on_white).model_input, dark_on_white)


def test_a_batch_is_answered_as_its_images_one_by_one(classifier, digits):
    found = classifier.classify_batch(digits.images)
    assert found.shape == (100, 10)
    assert found.dtype == np.float32
    assert np.array_equal(found, classifier.classify_batch(digits.images[..., 0]))
    for row in range(0, 100, 20):
        assert np.array_equal(found[row], classifier.classify(digits.images[row, ..., 0]).probabilities)
    assert classifier.classify_batch(digits.images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 28, 28)), "batch: expected uint8 pixels, found float64"),
        ([[0]], "batch: expected uint8 pixels, found list"),
        (None, "batch: expected uint8 pixels, found NoneType"),
        (np.zeros((2, 28, 27), np.uint8), "batch: expected [N, 28, 28, 1], found [2, 28, 27, 1]"),
        (np.zeros((28, 28), np.uint8), "batch: expected [N, 28, 28, 1], found [28, 28]"),
        (np.zeros((2, 28, 28, 3), np.uint8), "batch: expected [N, 28, 28, 1], found [2, 28, 28, 3]"),
        (np.zeros(3, np.uint8), "batch: expected [N, 28, 28, 1], found [3]"),
    ],
)
def test_a_batch_of_another_kind_is_refused(classifier, images, message):
    with pytest.raises(ImageError) as caught:
        classifier.classify_batch(images)
    assert str(caught.value) == message


def test_eight_threads_get_exactly_the_answers_of_one(engine, digits):
    with DigitClassifier(engine=engine) as classifier:
        images = list(digits.images[..., 0]) * 3
        expected = [classifier.classify(image).probabilities.tobytes() for image in images]
        with ThreadPoolExecutor(8) as pool:
            found = [one.probabilities.tobytes() for one in pool.map(classifier.classify, images)]
    assert found == expected


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("size", [28, 50])
def test_in_an_empty_picture_no_digit_is_found(classifier, grey, size):
    found = classifier.classify(np.full((size, size), grey, np.uint8))
    assert (found.rejected, found.box) == ("no_digit", None)
    assert found.probabilities.shape == (10,)
    assert found.model_input.shape == (28, 28)


def test_files_of_mnists_form_are_looked_at_and_arrays_are_not(classifier, digits, tmp_path):
    digit = digits.images[0, ..., 0]
    Image.fromarray(digit).save(tmp_path / "x.png")
    assert classifier.classify(digit).passed_through
    looked = classifier.classify(tmp_path / "x.png")
    assert not looked.passed_through and looked.box is not None
    assert classifier.classify(tmp_path / "x.png", mnist=True).passed_through
    assert not classifier.classify(np.roll(digit, 5, axis=1)).passed_through


def test_an_exact_tie_is_ambiguous_and_its_first_class_the_guess(fake_digits):
    found = fake_digits([0, 0.1, 0.4, 0, 0.4, 0.1, 0, 0, 0, 0]).classify(np.full((28, 28), 9, np.uint8), mnist=True)
    assert (found.digit, found.rejected) == (2, "ambiguous")
    assert found.confidence == pytest.approx(0.4)
    near = fake_digits([0, 0.1, 0.4, 0, np.nextafter(np.float32(0.4), np.float32(0)), 0.1, 0, 0, 0, 0])
    assert near.classify(np.full((28, 28), 9, np.uint8), mnist=True).rejected == "not_digit_like"


def test_the_bundle_that_was_expected_is_taken_and_no_other(shipped, bundle_copy, edit_manifest):
    for expected in (shipped.id, shipped.id[:12], shipped.id[:20]):
        with DigitClassifier(expect_id=expected) as classifier:
            assert classifier.model_id.bundle == shipped.id
    edit_manifest(bundle_copy, lambda values: values.update(parameters=values["parameters"] + 1))
    with pytest.raises(BundleError) as caught:
        DigitClassifier(bundle_copy, expect_id=shipped.id)
    found = Bundle.load(bundle_copy).id
    assert str(caught.value) == f"small: expected the bundle {shipped.id}, found {found}; take the right bundle"
    with pytest.raises(BundleError, match="expected the bundle"):
        DigitClassifier(expect_id="0" * 64)
    for short in ("", shipped.id[:11]):
        with pytest.raises(UsageError, match=f"expect_id: expected at least 12 characters .*, found '{short}'"):
            DigitClassifier(expect_id=short)


def test_a_lone_file_is_no_expected_bundle(shipped):
    with pytest.raises(BundleError, match=r"expected the bundle .*, found a file without a bundle"):
        DigitClassifier(shipped.path / "small-int8.tflite", expect_id=shipped.id)


def test_a_lone_file_answers_and_numbers_its_classes(shipped, engine, digits):
    path = shipped.path / f"small-int8.{ENGINES[engine].format}"
    with DigitClassifier(path, engine=engine) as lone, DigitClassifier(engine=engine) as whole:
        for image in digits.images[:5, ..., 0]:
            assert np.array_equal(lone.classify(image).probabilities, whole.classify(image, mnist=True).probabilities)
        assert lone.labels == tuple("0123456789")
        assert (lone.model_id.name, lone.model_id.variant, lone.model_id.bundle) == ("small-int8", None, None)
        paper = np.full((90, 90), 250, np.uint8)
        paper[20:70, 40:50] = 10
        # Nothing says that it is a model of digits: a picture is brought to its size, and nothing else.
        assert (lone.pipeline, lone.classify(paper).model_input.max()) == ("resize/1", 250)


def test_a_lone_file_has_no_variants(shipped):
    path = shipped.path / "small-int8.tflite"
    with pytest.raises(BundleError) as caught:
        DigitClassifier(path, variant="int8")
    assert str(caught.value) == f"{path}: expected no variant with a lone model file, found 'int8'; leave it out"


def test_labels_come_from_the_bundle_and_must_be_as_many_as_outputs(bundle_copy, edit_manifest, digits):
    edit_manifest(bundle_copy, lambda values: values.update(labels=[f"digit {n}" for n in range(10)]))
    with DigitClassifier(bundle_copy) as classifier:
        found = classifier.classify(digits.images[0, ..., 0])
        assert found.label == f"digit {found.digit}"


# The rule's parameters, a value of each with which nothing is an answer, and the reasons for a ready digit and a page.
STRICT = [
    ({"confidence": 1.1}, "not_digit_like", None),
    ({"margin": 2.0}, "ambiguous", "ambiguous"),
    ({"offset": -100.0}, None, "not_digit_like"),
    ({"found": -100.0}, None, "not_digit_like"),
    ({"sure": -100.0}, None, "not_digit_like"),
]


@pytest.mark.parametrize(("parameters", "ready", "found"), STRICT, ids=lambda value: next(iter(value or {}), ""))
def test_every_parameter_of_the_rule_is_obeyed(bundle_copy, edit_manifest, digits, parameters, ready, found):
    page = np.pad(255 - np.hstack(digits.images[:2, ..., 0]), 20, constant_values=255)

    def reasons(given):
        edit_manifest(bundle_copy, lambda values: values["preprocessing"].update(parameters=given))
        with DigitClassifier(bundle_copy) as classifier:
            on_page = {one.rejection and one.rejection.reason for one in classifier.read(page).digits}
            return classifier.classify(digits.images[0, ..., 0]).rejected, on_page

    assert reasons({}) == (None, {None})
    assert reasons(parameters) == (ready, {found})


def test_the_locator_s_weight_is_obeyed(bundle_copy, edit_manifest, digits):
    picture = 255 - np.pad(digits.images[0, ..., 0], 9)
    answers = []
    for weight in (0.0, 9.0):
        edit_manifest(bundle_copy, lambda v, w=weight: v["preprocessing"].update(parameters={"locator": w}))
        with DigitClassifier(bundle_copy) as classifier:
            answers.append(classifier.classify(picture).probabilities)
    assert not np.array_equal(*answers)


def test_the_shipped_manifests_name_every_parameter(shipped):
    for name in ("small", "tiny"):
        assert set(Bundle.load(name).manifest.preprocessing.parameters) == set(PARAMETERS)


def test_a_preprocessing_parameter_that_nothing_obeys_is_refused(bundle_copy, edit_manifest):
    with pytest.raises(BundleError) as caught:
        edit_manifest(bundle_copy, lambda values: values["preprocessing"]["parameters"].update(min_contrast=24))
    assert str(caught.value) == (
        f"{bundle_copy / 'manifest.json'}: preprocessing: expected no parameters but locator, offset, found, sure, "
        "confidence, margin, found min_contrast; export the model again"
    )
    with pytest.raises(BundleError, match="found min_contrast"):
        DigitClassifier(bundle_copy)


def test_too_few_labels_are_refused(fake, shipped):
    fake([0.5] * 11, classes=(1, 11))
    with pytest.raises(BundleError) as caught:
        DigitClassifier(shipped)
    assert str(caught.value) == "small: expected 11 labels for as many outputs, found 10"


def test_a_bundle_that_is_loaded_already_can_be_handed_over(shipped, digits):
    with DigitClassifier(shipped, variant="float32.tflite") as classifier:
        assert classifier.model_id.variant == "float32.tflite"
        assert classifier.classify(digits.images[0, ..., 0]).model.bundle == shipped.id


def test_another_shape_than_digits_is_resized(fake):
    classifier = fake([0.2, 0.8], image=(-1, 20, 30, 3), classes=(-1, 2))
    found = classifier.classify(np.zeros((60, 60, 3), np.uint8))
    assert found.model_input.shape == (20, 30, 3)
    assert (found.digit, found.label, found.rejected) == (1, "1", None)


@pytest.mark.parametrize(
    ("image", "classes"),
    [((1, 784), (1, 10)), ((2, 28, 28, 1), (2, 10)), ((1, 28, 28, 1), (10,)),
     ((1, 28, 28, 1), (1, 7, 7, 10)), ((1, 28, 28, 0), (1, 10))],
)  # fmt: skip
def test_a_model_that_is_no_image_classifier_is_refused(fake, image, classes):
    with pytest.raises(ModelRejectedError) as caught:
        fake([0.5] * 10, image=image, classes=classes)
    assert str(caught.value) == (
        f"expected one image [N, H, W, C] in and class scores [N, classes] out, found {list(image)} and {list(classes)}"
    )


def test_a_model_of_several_inputs_or_outputs_is_refused_with_what_takes_it(monkeypatch, shipped):
    engine = FakeEngine([0.5] * 10)
    engine.inputs *= 2
    monkeypatch.setattr(module, "load_engine", lambda *_: engine)
    with pytest.raises(ModelRejectedError) as caught:
        DigitClassifier(shipped.path / "small-int8.tflite")
    assert str(caught.value) == (
        "expected one image in and class scores out, found a model of 2 inputs (image, image) and 1 output "
        "(probabilities); show, check, bench and selftest take it"
    )


def test_a_locator_is_no_classifier():
    with pytest.raises(ModelRejectedError, match="it works inside of classify and read"):
        DigitClassifier("locator")


def test_wrong_wishes_are_refused(bundle_copy):
    with pytest.raises(UsageError, match="expected auto or one of"):
        DigitClassifier(engine="onnx")
    with pytest.raises(UsageError, match="at least 1 thread"):
        DigitClassifier(num_threads=0)
    with pytest.raises(BundleError, match="found only int8"):
        DigitClassifier(variant="float16")
    with pytest.raises(BundleError, match="no such file or folder"):
        DigitClassifier(bundle_copy / "nothing")


def test_no_engine_at_all_is_told(monkeypatch):
    monkeypatch.setattr("edgedigits.engines.registry.find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match="found none installed; install it with: pip install"):
        DigitClassifier()


def test_a_prediction_keeps_what_was_fed_when_the_camera_goes_on(classifier, digits):
    frame = digits.images[0, ..., 0].copy()
    prediction = classifier.classify(frame)
    frame[:] = 0
    assert np.array_equal(prediction.model_input, digits.images[0, ..., 0])
