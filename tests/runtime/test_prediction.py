from __future__ import annotations

import json
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from edgedigits.prediction import EngineId, ModelId, Prediction, Timing


@pytest.fixture
def prediction():
    return Prediction(
        source="8.png", digit=2, label="two", confidence=0.5,
        probabilities=np.array([0.25, 0.0, 0.5, 0.25], np.float32), rejected="ambiguous",
        fed=np.zeros((28, 28), np.uint8), timing=Timing(1.0, 0.25, 0.5),
        model=ModelId("cnn", "int8.tflite", "ab", "cd"), engine=EngineId("litert", "2.3"),
        labels=("zero", "one", "two", "three"),
    )  # fmt: skip


def test_the_json_is_exactly_the_documented_one(prediction):
    assert prediction.to_dict() == {
        "source": "8.png", "digit": 2, "label": "two", "confidence": 0.5, "probabilities": [0.25, 0.0, 0.5, 0.25],
        "rejected": "ambiguous", "timing_ms": {"decode": 1.0, "preprocess": 0.25, "infer": 0.5, "total": 1.75},
        "model": {"name": "cnn", "variant": "int8.tflite", "sha256": "ab", "bundle": "cd"},
        "engine": {"name": "litert", "version": "2.3"},
    }  # fmt: skip
    assert list(prediction.to_dict()) == [
        "source", "digit", "label", "confidence", "probabilities", "rejected", "timing_ms", "model", "engine",
    ]  # fmt: skip
    assert json.loads(json.dumps(prediction.to_dict())) == prediction.to_dict()


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
