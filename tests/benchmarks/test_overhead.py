"""`make figures`'s table of our own overhead: each side does the same work, and the table tells what was measured."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks.latency.overhead import SCRIPTS
from benchmarks.latency.workers import overhead_by_hand as by_hand
from edgedigits.bundle import SHIPPED
from edgedigits.engines import ENGINES

pytestmark = pytest.mark.slow


def model(engine: str) -> bytes:
    return (SHIPPED / "small" / f"small-int8.{ENGINES[engine].format}").read_bytes()


def test_what_is_written_by_hand_answers_as_we_do(classifier, engine, digits):
    if engine != classifier.engine_id.name:
        pytest.skip("another engine rounds otherwise")
    infer = by_hand.one(engine, model(engine))
    for image in digits.images[:20, ..., 0]:
        scores, digit = infer(image)
        ours = classifier.classify(image)
        assert (digit, scores.tobytes()) == (ours.digit, ours.probabilities.tobytes())


def test_every_way_of_answering_many_gives_the_same(engine, digits):
    ways = by_hand.many(engine, model(engine))
    first, *others = (way(digits.images) for way in ways.values())
    assert first.shape == (100, 10)
    for other in others:
        assert np.allclose(first, other, atol=0.02)


def test_the_script_written_by_hand_prints_what_the_command_does(command, digits, tmp_path):
    Image.fromarray(digits.images[0, ..., 0]).save(tmp_path / "x.png")
    words = [
        sys.executable,
        SCRIPTS / "overhead_by_hand.py",
        SHIPPED / "small" / "small-int8.tflite",
        tmp_path / "x.png",
    ]
    hand = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    ours = json.loads(command("classify", "x.png", "--mnist", "--json", "--engine", "litert").stdout)
    assert hand == {"digit": ours["digit"], "probabilities": ours["probabilities"], "sha256": ours["model"]["sha256"]}
