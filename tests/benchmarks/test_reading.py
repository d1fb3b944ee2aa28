"""The sets that evaluate reading: seeded, of what their names say, and counted by rules that count what they should."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy.canvas import arrays, canvas
from benchmarks.accuracy.letters import LETTERS, letters
from benchmarks.accuracy.samples import ReadOutcome, summary
from benchmarks.accuracy.thresholds import BUDGETS, CONFIDENCES, Scores, choose
from benchmarks.harness.benchmark import read_result
from edgedigits.bundle import Bundle
from edgedigits.errors import TargetError
from edgedigits.images.rejection import DIGIT_PARAMETERS

DIGITS = {"mnist": arrays, "canvas": canvas}
EVERY = {
    "mnist": lambda seed, count: arrays("validation", seed, count),
    "canvas": lambda seed, count: canvas("validation", seed, count),
    "letters": letters,
}


@pytest.fixture
def drawn():
    def draw(name: str, seed: int = 1, count: int = 3) -> list:
        try:
            return list(EVERY[name](seed, count))
        except TargetError as error:
            return pytest.skip(str(error))

    return draw


def pixels(samples: list) -> list:
    return [(sample.truth, sample.image.shape, sample.image.tobytes()) for sample in samples]


@pytest.mark.parametrize("name", EVERY)
def test_a_seed_gives_the_same_pictures_and_another_seed_others(drawn, name):
    assert pixels(drawn(name)) == pixels(drawn(name))
    assert pixels(drawn(name)) != pixels(drawn(name, seed=2))


@pytest.mark.parametrize("make", DIGITS.values())
def test_digits_are_labelled_and_those_of_one_part_of_mnist_are_none_of_the_other(make):
    samples = list(make("validation", 1, 3))
    assert all(sample.truth in set("0123456789") and sample.image.dtype == np.uint8 for sample in samples)
    assert pixels(samples) != pixels(list(make("test", 1, 3)))


def test_ink_is_there_and_darker_than_most_of_the_picture(drawn):
    for sample in drawn("canvas"):
        assert np.ptp(sample.image) > 20
        assert np.median(sample.image) > (int(sample.image.min()) + int(sample.image.max())) / 2 - 40


def test_letters_leave_out_what_is_drawn_like_a_digit(drawn):
    assert len(LETTERS) == 52 - 12
    assert {sample.truth for sample in drawn("letters")} == {""}
    assert all(sample.image.min() < 60 and sample.image.max() == 255 for sample in drawn("letters"))


def test_a_right_answer_that_is_refused_counts_as_none_and_a_letter_that_is_refused_as_right():
    told = summary(
        [
            ReadOutcome("3", "3", None),
            ReadOutcome("3", "3", "ambiguous"),
            ReadOutcome("3", "5", None),
            ReadOutcome("3", "", "blank"),
        ]
    )
    assert (told["top1"], told["top1_unrejected"], told["rejected_wrongly"]) == (0.25, 0.5, 2)
    assert told["reasons"] == {"ambiguous": 1, "blank": 1}
    none = summary([ReadOutcome("", "", "blank"), ReadOutcome("", "8", None)])
    assert (none["refused"], none["accepted_wrongly"]) == (0.5, 1)


def test_thresholds_are_the_largest_within_the_budget():
    sure = np.tile(np.eye(10, dtype=np.float32)[3], (998, 1))
    # 0.2 % of the digits are less than sure; the budget of MNIST's arrays is a little more.
    scores = np.concatenate([sure, np.full((2, 10), 0.03, np.float32) + 0.7 * np.eye(10, dtype=np.float32)[3]])
    seen = Scores(scores, np.ones(1000, bool), 1000)
    assert choose({"mnist": seen})["confidence"] == CONFIDENCES[-1]
    weak = Scores(scores[-4:], np.ones(4, bool), 4)
    chosen = choose({"mnist": weak})["confidence"]
    assert 0.65 <= chosen <= 0.73
    assert weak.lost({"confidence": chosen, "margin": 0.0}) <= BUDGETS["mnist"] < weak.lost({"confidence": 0.75})


def test_the_thresholds_in_the_code_and_in_the_shipped_bundle_are_those_chosen():
    chosen = read_result("thresholds")["chosen"]
    assert {name: chosen[name] for name in DIGIT_PARAMETERS} == DIGIT_PARAMETERS
    shipped = Bundle.load().manifest.preprocessing.parameters
    assert {name: shipped[name] for name in DIGIT_PARAMETERS} == DIGIT_PARAMETERS
