"""The sets that judge reading: seeded, of what their names say, and scored by rules that count what they should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgedigits.bundle import Bundle
from edgedigits.errors import TargetError
from edgedigits.images.rejection import DIGIT_PARAMETERS

READING = Path(__file__).parents[2] / "benchmarks" / "reading"
DIGITS = ("mnist", "canvas", "pen_cells", "envelopes", "forms", "page_digits")
EMPTY = ("empty_cells", "negatives")
FROM_DEBIAN = ("printed_cells", "letters")
DARK_INK = ("canvas", "pen_cells", "page_digits")


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(READING))


@pytest.fixture
def drawn():
    def draw(name: str, seed: int = 1, count: int = 3, split: str = "validation") -> list:
        from catalogue import SETS, Asked

        try:
            return list(SETS[name].make(Asked(split, seed, count)))
        except TargetError as error:
            return pytest.skip(str(error))

    return draw


def pixels(samples: list) -> list:
    return [(sample.truth, sample.kind, sample.image.shape, sample.image.tobytes()) for sample in samples]


@pytest.mark.parametrize("name", [*DIGITS, *EMPTY, *FROM_DEBIAN])
def test_a_seed_gives_the_same_pictures_and_another_seed_others(drawn, name):
    assert pixels(drawn(name)) == pixels(drawn(name))
    assert pixels(drawn(name)) != pixels(drawn(name, seed=2))


@pytest.mark.parametrize("name", DIGITS)
def test_digits_are_labelled_and_those_of_one_part_of_mnist_are_none_of_the_other(drawn, name):
    samples = drawn(name)
    assert all(sample.truth in set("0123456789") and sample.image.dtype == np.uint8 for sample in samples)
    assert pixels(samples) != pixels(drawn(name, split="test"))


@pytest.mark.parametrize("name", DARK_INK)
def test_ink_is_there_and_darker_than_most_of_the_picture(drawn, name):
    for sample in drawn(name):
        if "dark" not in sample.name:
            assert np.ptp(sample.image) > 20
            assert np.median(sample.image) > (int(sample.image.min()) + int(sample.image.max())) / 2 - 40


@pytest.mark.parametrize("name", EMPTY)
def test_what_is_no_digit_is_to_be_refused(drawn, name):
    assert {sample.truth for sample in drawn(name)} == {""}


def test_every_kind_of_the_negatives_comes_as_often_as_asked_and_alone_as_among_the_others(drawn):
    from negatives import KINDS, negatives

    samples = drawn("negatives")
    assert [sample.kind for sample in samples] == [kind for kind in KINDS for _ in range(3)]
    alone = list(negatives(1, 3, ("stripes",)))
    assert pixels(alone) == pixels([sample for sample in samples if sample.kind == "stripes"])
    assert all(28 <= side <= 640 for sample in samples for side in sample.image.shape)


def test_letters_leave_out_what_is_drawn_like_a_digit(drawn):
    from letters import LETTERS

    assert len(LETTERS) == 52 - 12
    assert {sample.truth for sample in drawn("letters")} == {""}
    assert all(sample.image.min() < 60 and sample.image.max() == 255 for sample in drawn("letters"))


@pytest.fixture
def written() -> Iterator:
    from pages import pages

    return pages("validation", 1, 6)


def test_boxes_of_a_page_hold_its_ink_and_nothing_else_does(written):
    for page in written:
        assert len(page.boxes) == len("".join("".join(words) for words in page.lines))
        height, width = page.image.shape
        for top, left, bottom, right in page.boxes:
            assert 0 <= top < bottom <= height
            assert 0 <= left < right <= width
            inside = page.image[top:bottom, left:right].astype(int)
            around = np.median(page.image[max(top - 9, 0) : bottom + 9, max(left - 9, 0) : right + 9])
            assert abs(inside - around).max() > 40


def test_a_page_depends_on_its_place_alone(written):
    from pages import pages

    first = [page.image.tobytes() for page in written]
    assert first[:2] == [page.image.tobytes() for page in pages("validation", 1, 2)]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize(
    ("truth", "read", "count"),
    [("", "", 0), ("123", "123", 0), ("123", "", 3), ("", "12", 2), ("123", "13", 1), ("123", "1273", 1),
     ("123", "321", 2), ("12345", "23456", 2), ("1111", "2222", 4)],
)  # fmt: skip
def test_edits_are_counted(truth, read, count):
    from transcripts import edits

    assert edits(truth, read) == count
    assert edits(tuple(truth), tuple(read)) == count


def test_a_right_answer_that_is_refused_counts_as_none_and_noise_that_is_refused_as_right():
    from outcomes import Outcome, summary

    told = summary(
        [
            Outcome("3", "a", "", "3", None, 0.9),
            Outcome("3", "a", "", "3", "ambiguous", 0.5),
            Outcome("3", "b", "", "5", None, 0.9),
            Outcome("3", "b", "", "", "blank", 0.0),
        ]
    )
    assert (told["top1"], told["top1_unrejected"], told["rejected_wrongly"]) == (0.25, 0.5, 2)
    assert told["kinds"]["a"] == {"n": 2, "right": 0.5, "reasons": {"ambiguous": 1}}
    none = summary([Outcome("", "noise", "x", "", "blank", 0.0), Outcome("", "noise", "y", "8", None, 0.9)])
    assert (none["refused"], none["accepted_wrongly"]) == (0.5, 1)
    assert none["accepted_names"] == {"y": 1}


def test_thresholds_are_the_largest_within_the_budget():
    from thresholds import BUDGETS, CONFIDENCES, Seen, choose

    sure = np.tile(np.eye(10, dtype=np.float32)[3], (998, 1))
    # 0.2 % of the digits are less than sure; the budget of MNIST's arrays is a little more.
    scores = np.concatenate([sure, np.full((2, 10), 0.03, np.float32) + 0.7 * np.eye(10, dtype=np.float32)[3]])
    seen = Seen(scores, np.ones(1000, bool), 1000)
    assert choose({"mnist": seen})["confidence"] == CONFIDENCES[-1]
    weak = Seen(scores[-4:], np.ones(4, bool), 4)
    chosen = choose({"mnist": weak})["confidence"]
    assert 0.65 <= chosen <= 0.73
    assert weak.lost({"confidence": chosen, "margin": 0.0}) <= BUDGETS["mnist"] < weak.lost({"confidence": 0.75})


def test_the_thresholds_in_the_code_and_in_the_shipped_bundle_are_those_chosen():
    chosen = json.loads((READING.parent / "results" / "thresholds.json").read_text())["chosen"]
    assert {name: chosen[name] for name in DIGIT_PARAMETERS} == DIGIT_PARAMETERS
    shipped = Bundle.load().manifest.preprocessing.parameters
    assert {name: shipped[name] for name in DIGIT_PARAMETERS} == DIGIT_PARAMETERS
