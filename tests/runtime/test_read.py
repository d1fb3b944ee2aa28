"""Pages of real digits, composed here, read from pixels to numbers."""

from __future__ import annotations

import io
import json
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw, ImageFilter

from edgedigits.errors import ImageError, UsageError
from edgedigits.images.decode import PictureLimits
from edgedigits.images.judge import judge
from edgedigits.reader import Page, read_page

HEIGHT = 40
NUMBERS = "3141 59265\n2718\n60 4907 8"


class Pen:
    """Writes the fixture's digits, those that the model has no doubt about, never the same one twice in a row."""

    def __init__(self, digits: Any, classifier: Any) -> None:
        scores = classifier.classify_batch(digits.images)
        sure = scores[np.arange(len(digits)), digits.labels] > 0.98
        self.images = [digits.images[sure & (digits.labels == value), ..., 0] for value in range(10)]
        self.used = 0
        self.columns: list[slice] = []

    def glyph(self, value: str) -> Any:
        """A digit's ink, float 0-1, `HEIGHT` pixels high."""
        choice = self.images[int(value)]
        self.used += 1
        image = choice[self.used % len(choice)]
        rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
        image = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        width = max(3, round(image.shape[1] * HEIGHT / image.shape[0]))
        return np.asarray(Image.fromarray(image).resize((width, HEIGHT), Image.Resampling.BICUBIC)) / 255

    def write(self, text: str, *, gap: float = 8) -> Any:
        """A sheet of ink, float 0-1, with the text on it."""
        sheet = np.zeros((480, 640))
        self.columns = []
        for number, line in enumerate(text.splitlines()):
            top, left = 100 + 90 * number, 110
            for value in line:
                if value == " ":
                    left += 40
                    continue
                ink = self.glyph(value)
                place = sheet[top : top + HEIGHT, left : left + ink.shape[1]]
                np.maximum(place, ink, out=place)
                self.columns.append(slice(left, left + ink.shape[1]))
                left += ink.shape[1] + round(gap)
        return sheet


@pytest.fixture
def pen(digits: Any, classifier: Any) -> Pen:
    return Pen(digits, classifier)


def photograph(ink: Any, *, paper: float = 225, dark: float = 180) -> Any:
    """Dark ink on paper with a little grain."""
    grain = np.random.default_rng(4).normal(0, 2, ink.shape)
    return np.clip(paper - dark * ink + grain, 0, 255).astype(np.uint8)


def ruled(page: Any, *, down: bool) -> Any:
    image = Image.fromarray(page)
    draw = ImageDraw.Draw(image)
    for at in range(54, 480, 45):
        draw.line((0, at, 640, at), fill=120, width=2)
    for at in range(23, 640, 45) if down else ():
        draw.line((at, 0, at, 480), fill=120, width=2)
    return np.asarray(image)


def shaded(page: Any) -> Any:
    """Half of the light on the right, and a shadow below."""
    across = np.linspace(1, 0.5, page.shape[1])
    below = np.where(np.arange(page.shape[0]) > 350, 0.7, 1.0)
    return (page * across * below[:, None]).astype(np.uint8)


def jpeg(page: Any) -> Any:
    buffer = io.BytesIO()
    Image.fromarray(page).filter(ImageFilter.GaussianBlur(1)).save(buffer, "JPEG", quality=50)
    return np.asarray(Image.open(buffer))


CONDITIONS = {
    "straight": lambda page: page,
    "ruled": lambda page: ruled(page, down=False),
    "squared": lambda page: ruled(page, down=True),
    "light on dark": lambda page: 255 - page,
    "uneven light": shaded,
    "blurred JPEG": jpeg,
}


def alike(text: str, other: str) -> float:
    """Which share of two texts' characters is the same, in order: a network may err on one of twenty digits."""
    return SequenceMatcher(None, text, other, autojunk=False).ratio()


# Lines as dark as faint ink run through these pages' digits.
LEAST_ALIKE = {"ruled": 0.8, "squared": 0.7}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_page_is_read(condition: str, pen: Pen, classifier: Any) -> None:
    reading = classifier.read(CONDITIONS[condition](photograph(pen.write(NUMBERS))))
    assert alike(reading.text, NUMBERS) >= LEAST_ALIKE.get(condition, 0.9)
    assert reading.skew == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("degrees", [-15, -10, -4, 4, 10, 15])
def test_a_slanting_page_is_read_and_its_boxes_lie_on_the_source(degrees: int, pen: Pen, classifier: Any) -> None:
    page = photograph(pen.write(NUMBERS))
    turned = np.asarray(Image.fromarray(page).rotate(degrees, Image.Resampling.BICUBIC, fillcolor=225))
    reading = classifier.read(turned)
    assert alike(reading.text, NUMBERS) >= 0.9
    assert reading.skew == pytest.approx(-degrees, abs=1)
    covered = np.zeros(turned.shape, bool)
    for digit in reading.digits:
        top, left, bottom, right = digit.box
        assert (turned[top:bottom, left:right] < 120).any()
        covered[top:bottom, left:right] = True
    assert covered[turned < 120].mean() > 0.95


def test_boxes_are_about_those_of_the_ink(pen: Pen, classifier: Any) -> None:
    ink = pen.write("7")
    rows, columns = np.flatnonzero((ink > 0.5).any(axis=1)), np.flatnonzero((ink > 0.5).any(axis=0))
    (digit,) = classifier.read(photograph(ink)).digits
    assert np.abs(np.array(digit.box) - (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1)).max() <= 0.12 * HEIGHT


@pytest.mark.parametrize("pair", ["00", "23", "20", "38"])
def test_touching_digits_are_parted(pair: str, pen: Pen, classifier: Any) -> None:
    ink = pen.write("4" + pair + "7", gap=-5)
    assert all(after.start < before.stop for before, after in pairwise(pen.columns))
    reading = classifier.read(photograph(ink))
    assert len(reading.digits) == 4
    assert [digit.label for digit in reading.digits] == list("4" + pair + "7")


def test_a_broken_digit_is_one(pen: Pen, classifier: Any) -> None:
    """A gap of two pixels through an 8's waist, and below a 5's bar."""
    text = "3815 63"
    ink = pen.write(text)
    ink[116:118, pen.columns[1]] = 0
    ink[108:110, pen.columns[3]] = 0
    assert classifier.read(photograph(ink)).text == text


def test_specks_are_no_digits(pen: Pen, classifier: Any) -> None:
    ink = pen.write(NUMBERS)
    for row, column in np.random.default_rng(7).integers(0, (470, 630), (60, 2)):
        ink[row : row + 3, column : column + 3] = 1
    assert len(classifier.read(photograph(ink)).digits) == len(NUMBERS.replace(" ", "").replace("\n", ""))


def test_an_empty_page_has_no_lines(classifier: Any) -> None:
    reading = classifier.read(photograph(np.zeros((300, 400))))
    assert reading.lines == () and reading.digits == () and reading.text == ""
    assert json.loads(reading.to_json())["lines"] == []


def test_rulings_alone_are_no_digits(classifier: Any) -> None:
    found = classifier.read(ruled(photograph(np.zeros((480, 640))), down=True)).digits
    assert len(found) <= 3 and all(digit.rejection for digit in found)


def test_a_word_is_found_on_a_large_faint_grid(pen: Pen, classifier: Any) -> None:
    # Noise breaks faint rulings into dashes, which are most of the ink of a page with little writing.
    rng = np.random.default_rng(5)
    grid = np.zeros((1400, 1870))
    grid[::25] = grid[1::25] = 1
    grid[:, ::25] = grid[:, 1::25] = 1
    grid *= rng.random((700, 935)).repeat(2, 0).repeat(2, 1) < 0.9
    sheet = 30 + 30 * grid + rng.normal(0, 3, grid.shape)
    sheet[100:580, 100:740] += 120 * pen.write("7654")
    assert "7654" in classifier.read(np.clip(sheet, 0, 255).astype(np.uint8)).text.split()


def read_with(classifier: Any, page: Any, answer: Any) -> Any:
    return read_page(Page(page, "page", PictureLimits(page.size)), classifier.locator, answer, classifier._context)


def answering(classifier: Any, *, unsure: set[int]) -> Any:
    """The classifier, but what it says of some digits, by their label, is that they may be anything."""

    def answer(images: Any) -> Any:
        scores = classifier.classify_batch(images).copy()
        scores[np.isin(scores.argmax(axis=1), list(unsure))] = 0.1
        return scores

    return answer


def test_what_cannot_be_told_is_a_question_mark(pen: Pen, classifier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "_context", classifier._context._replace(parameters={"locator": 0.0}))
    reading = read_with(classifier, photograph(pen.write("12 34")), answering(classifier, unsure={2}))
    assert reading.text == "1? 34"
    doubtful = reading.lines[0].words[0].digits[1]
    assert doubtful.rejection.reason in {"not_digit_like", "ambiguous"}


def stroke(sheet: Any, top: int, left: int, height: int, width: int) -> None:
    sheet[top : top + height, left : left + width] = 1


def test_marks_of_a_number_come_out_and_join_nothing(pen: Pen, classifier: Any) -> None:
    ink = pen.write("986\n 5\n1230", gap=22)
    comma, colon = pen.columns[1].stop + 8, pen.columns[5].stop + 8
    stroke(ink, 132, comma, 18, 6)
    stroke(ink, 208, 118, 5, 20)
    stroke(ink, 288, colon, 7, 7)
    stroke(ink, 312, colon, 7, 7)
    reading = classifier.read(photograph(ink))
    assert [line.text for line in reading.lines][:2] == ["98,6", "-5"]
    assert reading.lines[2].text not in {"1230", "123 0", "12 30"}
    first = reading.lines[0].words[0]
    assert [mark.text for mark in first.marks] == [","]
    top, left, bottom, right = first.marks[0].box
    assert top < 150 and bottom > 132 and left < comma + 6 and right > comma


def test_a_reading_as_plain_values(pen: Pen, classifier: Any) -> None:
    reading = classifier.read(photograph(pen.write("12 3\n4")))
    values = json.loads(reading.to_json())
    assert values == json.loads(json.dumps(reading.to_dict()))
    assert values["text"] == "12 3\n4"
    assert [[word["text"] for word in line["words"]] for line in values["lines"]] == [["12", "3"], ["4"]]
    first = values["lines"][0]["words"][0]["digits"][0]
    assert first["label"] == "1" and first["rejected"] is None
    assert first["confidence"] == max(first["probabilities"])
    assert (values["width"], values["height"]) == (640, 480)
    assert values["model"]["bundle"] == classifier.model_id.bundle
    assert values["timing_ms"]["total"] > 0


def test_each_digit_answers_as_both_networks_do(pen: Pen, classifier: Any) -> None:
    reading = classifier.read(photograph(pen.write(NUMBERS)))
    scores = classifier.classify_batch(np.stack([digit.model_input for digit in reading.digits]))
    for digit, score in zip(reading.digits, scores, strict=True):
        assert digit.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert digit.probabilities.argmax() == score.argmax() == digit.digit


def test_an_annotated_page_keeps_its_size_and_shows_the_boxes(pen: Pen, classifier: Any) -> None:
    page = photograph(pen.write("12 3"))
    reading = classifier.read(page)
    drawn = reading.annotate()
    assert drawn.size == (640, 480) and drawn.mode == "RGB"
    for digit in reading.digits:
        assert drawn.getpixel((digit.box[1], digit.box[0])) != (page[digit.box[0], digit.box[1]],) * 3
    twice = reading.annotate(Image.fromarray(page).resize((1280, 960)))
    assert twice.size == (1280, 960)
    colour = Image.new("RGB", (640, 480), "white")
    reading.annotate(colour)
    assert colour.getcolors() == [(640 * 480, (255, 255, 255))]


def test_a_large_jpeg_has_boxes_in_its_own_pixels(pen: Pen, classifier: Any) -> None:
    page = Image.fromarray(photograph(pen.write("12 3"))).resize((3200, 2400))
    buffer = io.BytesIO()
    page.save(buffer, "JPEG")
    reading = classifier.read(buffer.getvalue())
    assert reading.text == "12 3"
    assert reading.scale > 1 and (reading.width, reading.height) == (3200, 2400)
    top, _, bottom, _ = reading.lines[0].box
    assert (top, bottom) == pytest.approx((500, 700), abs=0.12 * 200)


def test_reading_needs_a_picture(classifier: Any) -> None:
    with pytest.raises(ImageError):
        classifier.read(b"no image")


def test_reading_needs_a_model_of_digits(pen: Pen, classifier: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "pipeline", "resize/1")
    with pytest.raises(UsageError, match="digit/2"):
        classifier.read(photograph(pen.write("1")))


def fake(images: Any) -> Any:
    """Answers that depend on the pixels, fast: the properties hold whatever the networks say."""
    scores = images.reshape(len(images), -1)[:, ::80].astype(np.float32) + 1
    return scores / scores.sum(axis=1, keepdims=True)


@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=90)))
def test_any_array_is_read_within_its_bounds(classifier: Any, grey: Any) -> None:
    check(classifier, grey)


@pytest.mark.slow
@given(st.integers(0, 10_000), st.integers(20, 160), st.integers(20, 160))
def test_scribbles_are_read_within_their_bounds(classifier: Any, seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    image = Image.new("L", (width, height), 230)
    draw = ImageDraw.Draw(image)
    for _ in range(rng.integers(1, 14)):
        points = [(int(rng.integers(width)), int(rng.integers(height))) for _ in range(rng.integers(2, 5))]
        draw.line(points, fill=int(rng.integers(150)), width=int(rng.integers(1, 6)))
    check(classifier, np.asarray(image))


def check(classifier: Any, grey: Any) -> None:
    """Boxes lie in the picture, lines and words are never empty, and a refusal is the rule's."""
    found = read_with(classifier, grey, fake)
    for line in found.lines:
        assert line.words
        for word in line.words:
            assert word.characters
            for digit in word.digits:
                top, left, bottom, right = digit.box
                assert 0 <= top < bottom <= grey.shape[0] and 0 <= left < right <= grey.shape[1]
                assert digit.model_input.shape == (28, 28) and digit.model_input.dtype == np.uint8
                if digit.rejection is None:  # more doubt about the place cannot make an answer of it
                    assert judge(digit.probabilities, 1.0, classifier._context.parameters) is None
