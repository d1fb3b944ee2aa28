from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from PIL import Image

from edgedigits.images.rejection import Rejection
from edgedigits.prediction import EngineId, ModelId, Prediction, Timing


@pytest.fixture
def prediction():
    return Prediction(
        source="8.png", digit=2, label="two", confidence=0.5,
        probabilities=np.array([0.25, 0.0, 0.5, 0.25], np.float32),
        rejection=Rejection("ambiguous", {"confidence": 0.5, "second": 0.25}), box=(10, 20, 50, 40),
        pixels=np.full((60, 80, 1), 200, np.uint8), scale=2, passed_through=False,
        fed=np.zeros((28, 28), np.uint8), timing=Timing(1.0, 0.25, 0.5),
        model=ModelId("cnn", "int8.tflite", "ab", "cd"), engine=EngineId("litert", "2.3"),
        labels=("zero", "one", "two", "three"), pipeline="digit/1",
    )  # fmt: skip


def test_the_json_is_exactly_the_documented_one(prediction):
    assert prediction.to_dict() == {
        "source": "8.png", "digit": 2, "label": "two", "confidence": 0.5, "probabilities": [0.25, 0.0, 0.5, 0.25],
        "rejected": "ambiguous", "measured": {"confidence": 0.5, "second": 0.25}, "box": [10, 20, 50, 40],
        "passed_through": False, "pipeline": "digit/1",
        "timing_ms": {"decode": 1.0, "preprocess": 0.25, "infer": 0.5, "total": 1.75},
        "model": {"name": "cnn", "variant": "int8.tflite", "sha256": "ab", "bundle": "cd"},
        "engine": {"name": "litert", "version": "2.3"},
    }  # fmt: skip
    assert json.loads(prediction.to_json()) == prediction.to_dict()


def test_what_is_accepted_measures_nothing(prediction):
    accepted = replace(prediction, rejection=None)
    assert accepted.rejected is None
    assert (accepted.to_dict()["rejected"], accepted.to_dict()["measured"]) == (None, {})


def test_box_and_answer_are_drawn_where_the_digit_is(prediction):
    drawn = np.asarray(replace(prediction, rejection=None).annotate())
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
    assert prediction.top() == [("two", 0.5), ("zero", 0.25), ("three", 0.25)]
    assert prediction.top(1) == [("two", 0.5)]
    assert len(prediction.top(99)) == 4


def test_a_prediction_cannot_be_changed(prediction):
    with pytest.raises(FrozenInstanceError):
        prediction.digit = 3


def test_a_real_prediction_is_json(classifier, digits):
    told = json.loads(json.dumps(classifier.classify(digits.images[0, ..., 0]).to_dict()))
    assert sum(told["probabilities"]) == pytest.approx(1, abs=1e-3)
    assert told["confidence"] == max(told["probabilities"])
