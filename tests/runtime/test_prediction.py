from __future__ import annotations

import json
import weakref

import numpy as np
import pytest
from PIL import Image

from edgedigits.images.decode import Picture
from edgedigits.images.digits import Seen
from edgedigits.images.judge import Rejection, fuse
from edgedigits.prediction import EngineId, ModelId, Prediction, PredictionContext

ANSWERING = PredictionContext(
    ("zero", "one", "two", "three"), "digit/2",
    {"locator": 1.0, "offset": -1.0, "found": 0.0, "sure": 1.0, "margin": 0.2},
    ModelId("small", "int8.tflite", "ab", "cd"), EngineId("litert", "2.3"),
)  # fmt: skip
PICTURE = Picture(np.full((60, 80, 1), 200, np.uint8), 2)
FED = np.zeros((28, 28), np.uint8)


EVENLY = np.full(4, 0.25, np.float32)


def answer(scores, found=None):
    found = found or Seen(FED, box=(5, 10, 25, 20), found=0.75, opinion=EVENLY)
    ticks = (1_000_000, 2_000_000, 2_250_000, 2_750_000)
    return Prediction("8.png", (PICTURE, found), np.array(scores, np.float32), ticks, ANSWERING)


@pytest.fixture
def prediction():
    return answer([0.25, 0.125, 0.5, 0.125])


def test_the_json_is_exactly_the_documented_one(prediction):
    assert prediction.to_dict() == {
        "source": "8.png", "digit": 2, "label": "two", "confidence": 0.5, "probabilities": [0.25, 0.125, 0.5, 0.125],
        "rejected": "not_digit_like", "measured": {"confidence": 0.5, "found": 0.75}, "box": [10, 20, 50, 40],
        "passed_through": False, "pipeline": "digit/2",
        "timing_ms": {"decode": 1.0, "preprocess": 0.25, "infer": 0.5, "total": 1.75},
        "model": {"name": "small", "variant": "int8.tflite", "sha256": "ab", "bundle": "cd"},
        "engine": {"name": "litert", "version": "2.3"},
    }  # fmt: skip
    assert json.loads(prediction.to_json()) == prediction.to_dict()


def test_both_opinions_count(prediction):
    opinion = np.array([0.7, 0.1, 0.1, 0.1], np.float32)
    seen = Seen(FED, box=(5, 10, 25, 20), found=0.75, opinion=opinion)
    both = answer([0.25, 0.125, 0.5, 0.125], seen)
    assert prediction.label == "two" and both.label == "zero"
    scores = np.array([0.25, 0.125, 0.5, 0.125], np.float32)
    np.testing.assert_array_equal(both.probabilities, fuse(scores, opinion, ANSWERING.parameters))
    assert both.probabilities.sum() == pytest.approx(1)


def test_what_is_accepted_measures_nothing():
    accepted = answer([0.0, 0.0, 1.0, 0.0])
    assert accepted.rejected is None
    assert (accepted.to_dict()["rejected"], accepted.to_dict()["measured"]) == (None, {})


def test_box_and_answer_are_drawn_where_the_digit_is(prediction):
    drawn = np.asarray(answer([0.0, 0.0, 1.0, 0.0]).annotate())
    assert drawn.shape == (60, 80, 3)
    changed = (drawn != 200).any(axis=-1)
    # The box is in pixels of the source, of which those drawn on are two.
    assert changed[5, 10:20].all() and changed[24, 10:20].all() and changed[5:25, 10].all() and changed[5:25, 19].all()
    assert not changed[20:23, 12:18].any() and not changed[26:].any()
    assert (np.asarray(prediction.annotate())[5, 12] != drawn[5, 12]).any()


def test_drawing_on_another_picture_leaves_that_as_it_was(prediction):
    source = Image.new("RGB", (160, 120), "white")
    drawn = prediction.annotate(source)
    assert drawn.size == source.size
    assert np.asarray(drawn)[10, 20:40].min() < 255
    assert source.getcolors() == [(160 * 120, (255, 255, 255))]


def test_the_likeliest_classes_come_first_and_ties_in_their_own_order(prediction):
    assert prediction.top() == [("two", 0.5), ("zero", 0.25), ("one", 0.125)]
    assert prediction.top(1) == [("two", 0.5)]
    assert len(prediction.top(99)) == 4


def test_where_no_digit_was_found_there_is_a_guess_and_no_box():
    nothing = Rejection("no_digit", {"found": 0.01})
    refused = answer([0.0, 0.0, 1.0, 0.0], Seen(FED, nothing, found=0.01, opinion=EVENLY))
    assert (refused.digit, refused.label, refused.rejection, refused.box) == (2, "two", nothing, None)


def test_its_one_line_says_what_was_answered_and_what_is_against_it(prediction):
    assert repr(prediction) == "<Prediction 8.png: two 50.0% not_digit_like>"
    assert repr(answer([0.0, 0.0, 1.0, 0.0])) == "<Prediction 8.png: two 100.0%>"


def test_a_prediction_keeps_no_source_alive(classifier, digits):
    frame = digits.images[0, ..., 0].copy()
    kept = weakref.ref(frame)
    found = classifier.classify(frame)
    del frame
    assert kept() is None
    assert found.source == "ndarray"


def test_a_prediction_cannot_be_changed(prediction):
    for name in ("digit", "probabilities", "rejection", "anything"):
        with pytest.raises(AttributeError):
            setattr(prediction, name, 3)


def test_a_real_prediction_is_json(classifier, digits):
    told = json.loads(json.dumps(classifier.classify(digits.images[0, ..., 0]).to_dict()))
    assert 0.9 < sum(told["probabilities"]) <= 1 + 1e-5  # the rest says that it is no digit
    assert told["confidence"] == max(told["probabilities"])
