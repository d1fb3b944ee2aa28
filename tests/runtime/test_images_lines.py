"""Pages of which nothing but boxes is known, laid out as they were written."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.images.lines import Item, join_dots, lay_out, mark_text

MARKS = "-.,:/"
# Width, height and distance of the middle below that of the line, in heights of the digits, as fonts have them.
SHAPES = {
    "-": (0.4, 0.1, 0.1),
    ".": (0.17, 0.18, 0.42),
    ",": (0.2, 0.38, 0.52),
    ":": (0.17, 0.72, 0.14),
    "/": (0.5, 1.1, 0.03),
}


def shape(text, left, middle, height=1.0):
    """The outline of a digit or mark: what it fills of its box, and that is not the corners."""
    width, tall, below = SHAPES.get(text, (0.3 if text == "1" else 0.6, 1.0, 0.0))
    if text == "/":
        outline = np.array([(-0.5, 0.5), (0.5, -0.5)])
    elif text in MARKS:
        outline = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    else:
        outline = np.array([(x, y) for x in (-0.5, 0.5) for y in (-0.25, 0.25)])
        outline = np.concatenate([outline, outline[:, ::-1]])
    return text, outline * (width * height, tall * height) + (left + width * height / 2, middle + below * height)


def write(text, *, gap=0.2, space=1.0, leading=1.8, height=1.0):
    """Outlines of the characters of a page; all lengths are in heights of its digits but the height itself."""
    written = []
    for number, line in enumerate(text.splitlines()):
        left = 0.0
        for character in line:
            if character == " ":
                left += space - gap
                continue
            written.append(shape(character, left * height, number * leading * height, height))
            left = written[-1][1][:, 0].max() / height + gap
    return written


def place(outlines, left, top):
    return [(text, outline + np.array([left, top])) for text, outline in outlines]


def photograph(written, *, degrees=0.0, tilt=(0.0, 0.0), bend=0.0, size=40.0):
    """Items of the outlines and their texts; the page is bent, seen from the side, and turned clockwise."""
    points = np.concatenate([outline for _, outline in written])
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    reach = max(np.abs(points - middle).max(), 1e-9)
    angle = math.radians(degrees)
    turn = np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])
    items = []
    for text, outline in written:
        seen = (outline - middle) / reach
        seen[:, 1] += bend * seen[:, 0] ** 2
        seen = (seen / (1 + seen @ tilt)[:, None]) @ turn * reach * size + 2000
        (left, top), (right, bottom) = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
        items.append(Item((top, left, bottom, right), is_mark=text in MARKS))
    return items, [text for text, _ in written]


def shaken(items, share, rng):
    """The same items with every edge of every box off by up to a share of its height."""
    moved = []
    for (top, left, bottom, right), is_mark in items:
        off = rng.uniform(-share, share, 4) * (bottom - top)
        moved.append(Item((top + off[0], left + off[1], bottom + off[2], right + off[3]), is_mark))
    return moved


def read(items, texts):
    """The text of a page."""
    lines = lay_out(items).lines
    return "\n".join(" ".join("".join(texts[index] for index in word) for word in line) for line in lines)


def text_of(written, **kwargs):
    return read(*photograph(written, **kwargs))


NUMBERS = st.text("0123456789", min_size=1, max_size=6)
PAGES = st.lists(st.lists(NUMBERS, min_size=1, max_size=5), min_size=1, max_size=8)
TILTS = st.tuples(st.floats(-0.15, 0.15), st.floats(-0.15, 0.15))
BENDS = st.floats(-0.06, 0.06)
SEEDS = st.integers(0, 2**32 - 1)


@given(PAGES, st.floats(-25, 25), TILTS, BENDS, SEEDS)
def test_numbers_come_back_turned_seen_from_the_side_and_inexact(page, degrees, tilt, bend, seed):
    text = "\n".join(" ".join(line) for line in page)
    items, texts = photograph(write(text), degrees=degrees, tilt=tilt, bend=bend)
    assert read(shaken(items, 0.04, np.random.default_rng(seed)), texts) == text


@given(st.permutations(range(15)), st.floats(-25, 25), TILTS)
def test_the_order_of_the_items_does_not_matter(order, degrees, tilt):
    items, texts = photograph(write("314 -15,9\n26 5:35\n8"), degrees=degrees, tilt=tilt)
    assert len(items) == len(order)
    mixed = read([items[index] for index in order], [texts[index] for index in order])
    assert mixed == read(items, texts) == "314 -15,9\n26 5:35\n8"


PLACES, SIZES = st.floats(0, 300), st.floats(0, 60)


@st.composite
def scattered(draw):
    top, left = draw(PLACES), draw(PLACES)
    return Item((top, left, top + draw(SIZES), left + draw(SIZES)), draw(st.booleans()))


@given(st.lists(scattered(), max_size=40))
def test_every_digit_has_one_place_and_a_mark_one_at_most(items):
    layout = lay_out(items)
    placed = [index for line in layout.lines for word in line for index in word]
    digits = {index for index, item in enumerate(items) if not item.is_mark}
    assert len(placed) == len(set(placed))
    assert digits <= set(placed) <= set(range(len(items)))
    assert all(digits & set(word) for line in layout.lines for word in line)
    assert all(layout.lines)
    assert abs(layout.skew) < 90


def read_cells(items, cells):
    return [[[cells[index] for index in word] for word in line] for line in lay_out(items).lines]


def by_rows(cells):
    """Every cell a word of its own."""
    rows = sorted({row for row, _ in cells})
    return [[[cell] for cell in sorted(cells) if cell[0] == row] for row in rows]


CELLS = [(row, column) for row in range(9) for column in range(9)]
# By its shape alone a grid of few digits in a pattern cannot be told from one turned by 45 degrees less.
FILLED = st.lists(st.sampled_from(CELLS), min_size=40, unique=True)
SEEN_FROM = st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))


@given(FILLED, st.floats(-12, 12), SEEN_FROM, st.floats(-0.04, 0.04), st.floats(1.45, 2.2), SEEDS)
def test_a_grid_with_empty_cells_is_read_row_by_row(filled, degrees, tilt, bend, pitch, seed):
    written = [shape("5", column * pitch, row * pitch) for row, column in filled]
    items, _ = photograph(written, degrees=degrees, tilt=tilt, bend=bend)
    assert read_cells(shaken(items, 0.04, np.random.default_rng(seed)), filled) == by_rows(filled)


@pytest.mark.parametrize("degrees", [-30, -25, -12, -3, 0, 1, 7, 18, 30])
def test_the_skew_is_how_far_the_lines_fall_to_the_right(degrees):
    items, _ = photograph(write("3141 59265\n2718\n60 4907 8"), degrees=degrees)
    assert lay_out(items).skew == pytest.approx(degrees, abs=1)


def test_a_few_digits_out_of_line_do_not_turn_a_page():
    written = write("3141 59265\n2718\n60 4907 8") + place(write("5\n5\n5\n5"), 9, -4)
    assert lay_out(photograph(written)[0]).skew == pytest.approx(0, abs=1)


@pytest.mark.parametrize("text", ["7", "7\n1\n4\n8\n2", ""])
def test_without_neighbours_there_is_no_skew(text):
    layout = lay_out([] if not text else photograph(write(text))[0])
    assert layout.skew == 0 and len(layout.lines) == len(text.split())


def test_two_digits_of_very_different_size_show_no_skew_and_stand_alone():
    written = [shape("7", 0, 0, height=4), shape("7", 3, 1, height=1)]
    layout = lay_out(photograph(written)[0])
    assert layout == (0, (((0,),), ((1,),)))


def test_two_uneven_digits_hardly_turn_a_page():
    assert abs(lay_out(photograph([shape("4", 0, 0), shape("2", 0.8, 0.12)])[0]).skew) < 6


@pytest.mark.parametrize("bend", [-0.12, 0.12])
def test_lines_of_curved_paper_stay_whole(bend):
    text = "\n".join(["31415 92653 58979 32384"] * 9)
    assert text_of(write(text, leading=1.4), bend=bend, degrees=5) == text


@pytest.mark.parametrize("tilt", [(0.3, 0), (-0.3, 0), (0, 0.3), (0.2, -0.2)])
def test_lines_that_diverge_stay_whole(tilt):
    text = "\n".join(["31415 92653 58979"] * 12)
    assert text_of(write(text, leading=1.5), tilt=tilt) == text


def test_a_table_is_read_line_by_line_whatever_its_columns():
    columns = [("1\n22\n303\n4", 0), ("70\n7\n\n71", 5), ("5\n51\n5\n505", 22), ("9\n\n9\n99", 26)]
    written = [part for text, left in columns for part in place(write(text), left, 0)]
    assert text_of(written, degrees=4) == "1 70 5 9\n22 7 51\n303 5 9\n4 71 505 99"


def test_lines_beside_a_heading_twice_as_high_are_apart_from_it():
    written = write("2024", height=2) + place(write("315\n926", leading=1.2), 9, -0.45)
    assert text_of(written) == "2024\n315\n926"


def test_a_heading_above_smaller_figures_is_a_line():
    written = write("17", height=2.2) + place(write("315 92\n653"), 0, 2.5)
    assert text_of(written, degrees=-7) == "17\n315 92\n653"


def test_an_exponent_is_apart_from_its_line():
    written = [*write("305 81"), shape("2", 2.45, -0.5, height=0.55)]
    assert sorted(text_of(written).split("\n")) == ["2", "305 81"]


def test_small_candidates_do_not_break_the_row_of_a_grid():
    big = [shape("5", column * 1.8, row * 1.8) for row in range(4) for column in range(0, 9, 2)]
    small = [shape("3", column * 1.8 + 0.3 * number, 1.8 * row - 0.4, height=0.25)
             for row in range(4) for column in range(1, 9, 2) for number in range(3)]  # fmt: skip
    lines = lay_out(photograph(big + small, degrees=3)[0]).lines
    assert [line for line in lines if min(min(word) for word in line) < len(big)] == [
        tuple((5 * row + number,) for number in range(5)) for row in range(4)
    ]


@pytest.mark.parametrize(("rise", "lines"), [(0.3, 1), (0.5, 1), (0.7, 2), (1, 2)])
def test_every_other_digit_may_stand_higher_by_half_of_it(rise, lines):
    written = [shape("0", number, rise * (number % 2)) for number in range(9)]
    assert len(lay_out(photograph(written)[0]).lines) == lines


def test_a_small_digit_on_the_base_line_belongs_to_its_number():
    written = [shape("2", 0, 0), shape("0", 0.8, 0.22, height=0.55), shape("4", 1.35, 0)]
    assert text_of(written) == "204"


def uneven(text, rng, *, inside):
    """Handwriting: gaps between 0 and ``inside``, digits of several heights and levels."""
    written, left = [], 0.0
    for character in text:
        if character == " ":
            left += 0.95 - written[-1][2]
            continue
        height = rng.uniform(0.85, 1.15)
        _, outline = shape(character, left, rng.uniform(-0.08, 0.08), height)
        gap = rng.uniform(0, inside)
        left = outline[:, 0].max() + gap
        written.append((character, outline, gap))
    return [(character, outline) for character, outline, _ in written]


@given(st.lists(st.text("023456789", min_size=2, max_size=5), min_size=1, max_size=4), SEEDS)
def test_handwritten_numbers_hold_together_over_gaps_of_half_a_height(numbers, seed):
    text = " ".join(numbers)
    assert text_of(uneven(text, np.random.default_rng(seed), inside=0.45)) == text


@pytest.mark.parametrize("gap", [0.05, 0.15, 0.3])
def test_printed_numbers_are_apart_from_three_fifths_of_a_height(gap):
    text = "314 15 9265\n35 89793 2\n38 4626 43"
    assert text_of(write(text, gap=gap, space=0.62)) == text


def test_evenly_printed_numbers_are_apart_by_a_space_of_less_than_half_a_height():
    text = "\n".join(["3141 5926 5358 9793"] * 6)
    assert text_of(write(text, gap=0.12, space=0.46)) == text


@pytest.mark.parametrize("gap", [0.5, 0.65, 0.8])
@pytest.mark.parametrize("degrees", [0, 8])
def test_digits_in_boxes_of_a_form_are_a_word(gap, degrees):
    written = write("20345", gap=gap) + place(write("8269", gap=gap), 9, 0)
    assert text_of(written, degrees=degrees) == "20345 8269"


def test_boxes_of_a_form_are_words_beside_each_other_in_several_lines():
    text = "2034\n5829\n6320"
    assert text_of(write(text, gap=0.65, leading=2.5)) == text


def test_cells_of_a_tight_grid_are_words():
    text = "5 3 4 6\n6 7 2 3\n8 9 8 2\n4 2 6 5"
    assert text_of(write(text, space=0.7, leading=1.35)) == text


@pytest.mark.parametrize("degrees", [-20, 0, 20])
@pytest.mark.parametrize(
    "text", ["98,6", "-5", "12:30", "7/8", "3.5.2024", "3,5 -12 7/8 10:45", "1.000.000,75", "-7 -8", "12. 4,"]
)
def test_marks_stand_in_their_words(text, degrees):
    above, below = "20646 35", "80 24 6"
    page = f"{above}\n{text}\n{below}"
    assert text_of(write(page, gap=0.15, space=0.9), degrees=degrees) == page


def test_a_mark_between_two_numbers_joins_them_where_it_is_close_to_both_alone():
    assert text_of(write("12 3", space=0.8)) == "12 3"
    assert text_of([*write("12 3", space=0.8), shape(",", 1.5, 0)]) == "12,3"
    assert text_of([*write("12 3", space=1.1), shape(",", 1.2, 0)]) == "12, 3"
    assert text_of([*write("12 3", space=1.1), shape("-", 1.65, 0)]) == "12 -3"


def test_a_mark_far_from_every_digit_is_left_out():
    written = [*write("12 3"), shape(".", 5.5, 0), shape("-", 1, 2.4), shape(":", -2, 0)]
    items, _ = photograph(written)
    assert lay_out(items).lines == (((0, 1), (2,)),)
    assert lay_out(items[3:]) == (0, ())


def test_the_comma_below_a_line_is_not_of_the_next():
    page = "35,26 81\n40 92,4\n7,5"
    assert text_of(write(page, leading=1.3, space=0.9)) == page


@pytest.mark.parametrize("degrees", [-20, -8, 0, 8, 20])
@pytest.mark.parametrize("mark", MARKS)
def test_a_mark_is_told_by_its_shape_and_place(mark, degrees):
    items, texts = photograph(write(f"340{mark}526"), degrees=degrees)
    place = texts.index(mark)
    assert mark_text(items[place].box, [item.box for item in items if not item.is_mark]) == mark


@pytest.mark.parametrize(
    "mark",
    [
        (60, 100, 66, 130),  # a stroke above the line
        (100, 100, 106, 130),  # one below
        (70, 100, 74, 104),  # a speck in the upper half
        (78, 100, 84, 106),  # a speck in the middle
        (90, 100, 130, 108),  # what hangs far down
        (62, 100, 99, 180),  # a blot
    ],
)
def test_an_unclear_mark_is_a_question_mark(mark):
    digits = [(60, 60, 100, 84), (60, 150, 100, 174)]
    assert mark_text(mark, digits) == "?"
    assert mark_text(mark, []) == "?"


DOT = (40.0, 100.0, 46.0, 106.0)
TALL = 49.0


def moved(down: float, right: float, wide: float = 6.0, high: float = 6.0) -> tuple[float, float, float, float]:
    return (DOT[0] + down, DOT[1] + right, DOT[0] + down + high, DOT[1] + right + wide)


@pytest.mark.parametrize(("down", "right"), [(15, 0), (25, 3), (36, -4)])
def test_two_dots_one_above_the_other_are_a_colon_in_any_order(down: float, right: float) -> None:
    lower = moved(down, right)
    union = (DOT[0], min(DOT[1], lower[1]), lower[2], max(DOT[3], lower[3]))
    assert join_dots([DOT, lower], TALL) == join_dots([lower, DOT], TALL) == [union]


@pytest.mark.parametrize(
    "other", [moved(70, 0), moved(20, 14), moved(20, 0, wide=30), moved(3, 0), moved(15, 0, high=40)],
    ids=["the next line's", "another word's", "a minus", "one within the other", "a slash"],
)  # fmt: skip
def test_other_marks_are_not_joined(other: tuple[float, float, float, float]) -> None:
    assert join_dots([DOT, other], TALL) == sorted([DOT, other])


def test_marks_without_digits_are_not_joined() -> None:
    assert join_dots([DOT, moved(15, 0)], 0.0) == [DOT, moved(15, 0)]
