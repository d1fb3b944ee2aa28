"""The sets that evaluate reading: seeded, of what their names say, and counted by rules that count what they should."""

from __future__ import annotations

import json
from functools import partial
from pathlib import PurePath
from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.accuracy import corrupted, no_digits
from benchmarks.accuracy.canvas import arrays, canvas, digits
from benchmarks.accuracy.faces import FACES
from benchmarks.accuracy.letters import LETTERS, letters
from benchmarks.accuracy.page_errors import count_errors, count_false, edit_distance, error_rate
from benchmarks.accuracy.pages import DrawnPage, number_pages, text_pages
from benchmarks.accuracy.reading import BENCHMARK
from benchmarks.accuracy.samples import ReadOutcome, summary
from edgedigits import DigitClassifier
from edgedigits.errors import TargetError
from edgedigits_train.scenes.typefaces import is_held_out

DIGITS = {"mnist": arrays, "canvas": canvas}
EVERY = {
    "mnist": partial(arrays, "validation"),
    "canvas": partial(canvas, "validation"),
    "letters": letters,
    "noisy digits": partial(corrupted.corrupted, "Gaussian noise", 2),
    **{kind: partial(no_digits.no_digits, kind) for kind in no_digits.KINDS},
    "words": text_pages,
    "numbers by hand": partial(number_pages, by_hand=True, marks=True),
}

PAGES = ("words", "numbers by hand")


@pytest.fixture
def drawn():
    def draw(name: str, seed: int = 1, count: int = 3) -> list:
        try:
            return list(EVERY[name](seed, count))
        except TargetError as error:
            return pytest.skip(str(error))

    return draw


def pixels(samples: list) -> list:
    return [(sample.image.shape, sample.image.tobytes()) for sample in samples]


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in PAGES)) for name in EVERY])
def test_a_seed_gives_the_same_pictures_and_another_seed_others(drawn, name):
    samples = pixels(drawn(name, count=2))
    assert samples == pixels(drawn(name, count=2))
    assert samples != pixels(drawn(name, seed=2, count=2))


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


def test_the_trainer_holds_out_every_typeface_that_the_benchmark_draws_with():
    assert all(is_held_out(PurePath(face).stem) for face in FACES)


@pytest.mark.parametrize("kind", no_digits.KINDS)
def test_what_is_no_digit_has_to_be_refused(drawn, kind):
    assert {sample.truth for sample in drawn(kind)} == {""}
    assert all(min(sample.image.shape) >= no_digits.SMALLEST and sample.image.std() > 0 for sample in drawn(kind))


@pytest.mark.parametrize("kind", corrupted.KINDS)
def test_a_corruption_takes_a_digit_further_from_what_it_was_the_more_severe_it_is(kind):
    clean = np.stack([sample.image for sample in arrays("test", 1, 40)]).astype(float)
    far = []
    for severity in corrupted.SEVERITIES:
        samples = list(corrupted.corrupted(kind, severity, 1, 40))
        assert [sample.truth for sample in samples] == [sample.truth for sample in arrays("test", 1, 40)]
        far.append(np.abs(np.stack([sample.image for sample in samples]) - clean).mean())
    assert 0 < far[0] < far[1] < far[2]


@pytest.mark.slow
def test_pages_say_what_stands_on_them(drawn):
    words, numbers = drawn("words"), drawn("numbers by hand")
    assert not any(character.isdigit() for page in words for character in page.text)
    assert {character for page in numbers for character in page.text} == set("0123456789-.,:/ \n")
    for page in (*words, *numbers):
        assert np.percentile(page.image, 0.5) < np.median(page.image) - 60


@pytest.mark.slow
def test_numbers_by_hand_stand_where_their_digits_are_read(drawn):
    (page,) = number_pages(3, 1, by_hand=True, marks=False)
    with DigitClassifier() as classifier:
        assert error_rate(classifier.read(page.image).text, page.text) < 0.5


@pytest.mark.parametrize(
    ("found", "truth", "edits"),
    [("", "", 0), ("123", "123", 0), ("12", "123", 1), ("1234", "123", 1), ("173", "123", 1), ("kitten", "sitting", 3)],
)
def test_the_edit_distance_counts_characters_put_in_left_out_and_changed(found, truth, edits):
    assert edit_distance(found, truth) == edit_distance(truth, found) == edits


def test_the_error_rate_looks_past_spaces_and_empty_lines_but_not_past_a_missing_line_end():
    assert error_rate(" 98,6   7/8 \n\n 1\n", "98,6 7/8\n1") == 0
    assert error_rate("98,6 7/8 1", "98,6 7/8\n1") == 1 / 10
    assert error_rate("9?,6", "98,6") == 1 / 4


def reader(text: str, rejections: list) -> SimpleNamespace:
    found = SimpleNamespace(text=text, digits=[SimpleNamespace(rejection=one) for one in rejections])
    return SimpleNamespace(read=lambda _: found)


def test_pages_are_counted_by_their_edits_and_by_what_is_reported_in_print():
    pages = [DrawnPage(np.zeros((9, 9), np.uint8), text) for text in ("12 3", "12 34")]
    told = count_errors(reader("12 3", []), pages)
    assert told == {"pages": 2, "characters": 9, "edits": 1, "faultless": 1}
    told = count_false(reader("", [None, "ambiguous", None]), [DrawnPage(pages[0].image, "lo, so\nit is")])
    assert told == {"pages": 1, "letters": 8, "false": 2, "refused": 1}


def test_a_right_answer_that_is_refused_counts_as_none_and_a_letter_that_is_refused_as_right():
    told = summary(
        [
            ReadOutcome("3", "3", None),
            ReadOutcome("3", "3", "ambiguous"),
            ReadOutcome("3", "5", None),
            ReadOutcome("3", "", "no_digit"),
        ]
    )
    assert (told["top1"], told["top1_unrejected"], told["rejected_wrongly"]) == (0.25, 0.5, 2)
    assert told["reasons"] == {"ambiguous": 1, "no_digit": 1}
    none = summary([ReadOutcome("", "", "no_digit"), ReadOutcome("", "8", None)])
    assert (none["refused"], none["accepted_wrongly"]) == (0.5, 1)


# Every set is drawn and classified, with both models.
@pytest.mark.slow
def test_the_smallest_run_without_folders_measures_single_digits_and_names_what_is_not_there(tmp_path, capsys):
    out = tmp_path / "reading.json"
    assert BENCHMARK.main(["--smallest", "-o", str(out)]) == 0
    told = json.loads(out.read_text())
    assert told["photographs"] == {}
    assert told["digits_sha256"] == digits("test").sha256()
    mnist = told["real"]["mnist"]["variants"]
    assert all(one["top1"] > 0.8 and one["top1_unrejected"] == one["bare"] for one in mnist.values())
    assert set(told["generated"]) == {"canvas", "letters", *no_digits.KINDS}
    shown = capsys.readouterr().out
    assert "On the worst real set" in shown
    assert "No photographs were measured" in shown
