"""Scenes: characters stand where their boxes say, whatever layout, view and camera."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from edgedigits.datasets import Splits
from edgedigits.images.contrast import NONE
from edgedigits_train.scenes import clutter, layouts, placing, segments, typefaces, words
from edgedigits_train.scenes.crops import draw_crops, moved
from edgedigits_train.scenes.examples import SIDE, draw_example, draw_page, draw_small
from edgedigits_train.scenes.exposure import coarse, drawn, photographed
from edgedigits_train.scenes.sheet import FINE, MARK, OTHER, Sheet, Truth, looking_at
from edgedigits_train.scenes.targets import (
    CLASSES,
    COUNTED,
    DOWN,
    GIVEN,
    HEIGHT,
    RIGHT,
    STRIDE,
    UNIT,
    WIDTH,
    make_targets,
)
from edgedigits_train.scenes.writing import MARKS, Digits, Pen, Print


@pytest.fixture(scope="module")
def source(splits: Splits) -> placing.Source:
    return placing.Source(Digits(splits.train), typefaces.usable_fonts())


def ink_box(pixels: np.ndarray, level: int = 128) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero((pixels > level).any(axis=1)), np.flatnonzero((pixels > level).any(axis=0))
    return rows[0], columns[0], rows[-1] + 1, columns[-1] + 1


def test_fonts_have_ordinary_digits_and_families_do_not_meet() -> None:
    train, held_out = (typefaces.usable_fonts(held_out=which) for which in (False, True))
    names = {typefaces.Path(file).name for file in (*train, *held_out)}
    assert "DejaVuSans.ttf" in names
    assert not {"cmsy10.ttf", "cmex10.ttf"} & names  # mathematical signs in the digits' places
    assert not set(train) & set(held_out)
    assert {typefaces.is_held_out(typefaces.Path(file).stem) for file in train} == {False}
    assert typefaces.is_held_out("A-Bold") == typefaces.is_held_out("A-Italic")


@pytest.mark.parametrize("character", "0123456789" + MARKS)
def test_writing_is_as_tall_as_asked_and_stands_on_its_line(source: placing.Source, character: str) -> None:
    for seed in range(6):
        rng = np.random.default_rng(seed)
        for writing in (source.pen(rng), source.print(rng)):
            ink, rise = writing.draw(character, 50.0, rng)
            if character in MARKS:
                assert ink.height < 90
                assert rise - ink.height < 32
            elif isinstance(writing, Pen):
                assert 25 < ink.height < 75
                assert abs(rise - ink.height) < 10
            else:
                assert 20 < ink.height < 80


def test_print_repeats_itself_and_handwriting_does_not(source: placing.Source) -> None:
    rng = np.random.default_rng(1)
    typeface = Print(source.fonts[0], rng)
    assert np.array_equal(*(np.asarray(typeface.draw("4", 30.0, rng)[0]) for _ in range(2)))
    pen = source.pen(rng)
    assert len({np.asarray(pen.draw("4", 30.0, rng)[0]).tobytes() for _ in range(8)}) > 4


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**16), turn=st.floats(-0.4, 0.4), steep=st.floats(0, 0.05))
def test_boxes_follow_their_ink_through_any_view(source: placing.Source, seed: int, turn: float, steep: float) -> None:
    rng = np.random.default_rng(seed)
    sheet = Sheet((100, 100))
    ink, _ = source.either(rng).draw("7", 60.0, rng)
    sheet.stamp(ink, (100 - ink.width / 2, 100 - ink.height / 2), 1.0, 7, 60.0, printed=False)
    view = sheet.view((100, 100), looking_at((100, 100), (100, 100), rng, turn=turn, steep=steep))
    (truth,) = view.truths
    np.testing.assert_allclose(truth.box, ink_box(view.ink), atol=3)
    assert truth.visible == pytest.approx(1)
    assert truth.height == pytest.approx(60 / FINE, rel=0.2)


def test_what_is_outside_is_not_seen_and_what_is_cut_is_partly() -> None:
    sheet = Sheet((60, 60))
    for left, label in ((-30, 1), (100, 2), (40, 3)):
        sheet.stamp(Image.new("L", (20, 40), 255), (left, 40), 1.0, label, 40.0, printed=True)
    view = sheet.view((30, 60), FINE * np.eye(3) + np.diag([0, 0, 1 - FINE]))
    assert [truth.label for truth in view.truths] == [3]
    sheet.stamp(Image.new("L", (20, 40), 255), (50, 0), 1.0, 4, 40.0, printed=True)
    cut = sheet.view((30, 60), FINE * np.eye(3) + np.diag([0, 0, 1 - FINE])).truths[1]
    assert cut.visible == pytest.approx(0.5)
    assert cut.box == pytest.approx((0, 25, 20, 30))


@pytest.mark.parametrize("layout", [layouts.grid, layouts.numbers, layouts.prose, clutter.clutter, layouts.ghosts])
def test_layouts_draw_ink_and_label_what_they_write(
    source: placing.Source, layout: layouts.Callable[..., None]
) -> None:
    wanted = {
        layouts.grid: set(range(10)) | {OTHER},
        layouts.numbers: set(range(10)) | {MARK, OTHER},
        layouts.prose: {OTHER, MARK} | set(range(10)),
        clutter.clutter: {OTHER},
        layouts.ghosts: set(),
    }[layout]
    labels: set[int] = set()
    for seed in range(25 if layout in (clutter.clutter, layouts.ghosts) else 250):
        sheet = Sheet((128, 128))
        layout(sheet, source, 50.0, np.random.default_rng(seed))
        view = sheet.view((128, 128), looking_at((128, 128), (128, 128), np.random.default_rng(seed)))
        labels |= {truth.label for truth in view.truths}
        assert labels <= wanted
        assert view.ink.any()
        if seed >= 24 and labels == wanted:
            break
    assert labels == wanted


def test_numbers_are_written_with_their_marks_between_their_digits() -> None:
    texts = [words.random_number(np.random.default_rng(seed)) for seed in range(300)]
    assert {character for text in texts for character in text} == set("0123456789" + MARKS)
    assert all(text[-1].isdigit() and "".join(text.split("-", 1)).count("--") == 0 for text in texts)
    assert np.mean([text.isdigit() for text in texts]) > 0.5


@pytest.mark.parametrize("expose", [photographed, drawn])
def test_exposures_keep_ink_darker_than_paper(
    source: placing.Source, expose: layouts.Callable[..., np.ndarray]
) -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sheet = Sheet((40, 40))
        sheet.stamp(Image.new("L", (30, 50), 255), (25, 15), 1.0, 1, 50.0, printed=True)
        view = sheet.view((40, 40), looking_at((40, 40), (40, 40), rng))
        grey = expose(view, 25.0, rng).astype(float)
        assert grey[view.ink > 200].mean() < grey[view.ink == 0].mean() - 8
        assert coarse(grey.astype(np.uint8), 3.0, rng).shape == grey.shape


def test_targets_are_peaks_with_boxes_and_ignore_what_is_unclear() -> None:
    clear = Truth(3, (40.0, 60.0, 70.0, 80.0), 1.0, 30.0)
    cut, tiny, huge = (
        clear._replace(label=4, visible=0.5),
        clear._replace(label=5, height=8.0),
        clear._replace(height=60.0),
    )
    maps = make_targets([clear], (SIDE, SIDE)).astype(np.float64)
    (peak,) = np.argwhere(maps[..., :CLASSES] == 1)
    assert peak[2] == 3
    row, column = peak[:2]
    assert ((row + 0.5 + maps[row, column, DOWN]) * STRIDE, (column + 0.5 + maps[row, column, RIGHT]) * STRIDE) == (
        55,
        70,
    )
    size = UNIT * np.exp(maps[row, column, [HEIGHT, WIDTH]])
    np.testing.assert_allclose(size, (30, 20), rtol=1e-3)
    near = np.argwhere(maps[..., GIVEN] > 0)
    assert len(near) > 2
    for y, x in near:
        assert ((y + 0.5 + maps[y, x, DOWN]) * STRIDE, (x + 0.5 + maps[y, x, RIGHT]) * STRIDE) == pytest.approx(
            (55, 70), abs=0.02
        )
    assert (maps[..., COUNTED] == 1).all()
    for unclear in (cut, tiny, huge):
        other = make_targets([unclear], (SIDE, SIDE))
        assert not other[..., :CLASSES].any()
        assert (other[10:17, 15:20, COUNTED] == 0).all()
        assert other[..., COUNTED].mean() > 0.9
    assert make_targets([clear._replace(label=OTHER)], (SIDE, SIDE))[..., COUNTED].all()


def test_examples_are_seeded_and_their_boxes_have_contrast_in_them(source: placing.Source) -> None:
    made = [draw_example(source, np.random.default_rng(seed)) for seed in range(30)]
    assert {example.field.shape for example in made} == {(SIDE, SIDE)}
    spreads = []
    for example in made:
        for truth in example.truths:
            if truth.visible < 0.9 or truth.label == OTHER:
                continue
            top, left, bottom, right = (round(side) for side in truth.box)
            inside = example.field[top:bottom, left:right].astype(float)
            spreads.append(np.abs(inside - NONE).max() if inside.size else 0)
    assert len(spreads) > 50
    assert np.mean(np.array(spreads) > 20) > 0.9


def test_small_pictures_show_at_most_one_whole_digit_in_their_middle(source: placing.Source) -> None:
    middles = []
    for seed in range(60):
        picture = draw_small(source, np.random.default_rng(seed), 60)
        height, width = picture.grey.shape
        assert max(height, width) <= 60
        middles.append(
            any(
                truth.label >= 0
                and truth.box[0] - 1 <= height / 2 <= truth.box[2] + 1
                and truth.box[1] - 1 <= width / 2 <= truth.box[3] + 1
                for truth in picture.truths
            )
        )
    assert 0.6 < np.mean(middles) < 0.98


def test_pages_of_one_seed_are_one_picture(splits: Splits) -> None:
    pictures = [
        draw_page(placing.Source(Digits(splits.train), typefaces.usable_fonts()), np.random.default_rng(5), 96)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(pictures[0].grey, pictures[1].grey)
    assert pictures[0].truths == pictures[1].truths


def test_moved_boxes_stay_near(source: placing.Source) -> None:
    rng = np.random.default_rng(0)
    boxes = np.array([moved((10.0, 20.0, 40.0, 35.0), rng) for _ in range(500)])
    np.testing.assert_allclose(boxes.mean(axis=0), (10, 20, 40, 35), atol=0.5)
    assert 0.5 < boxes.std(axis=0).min() <= boxes.std(axis=0).max() < 3


def test_crops_are_model_inputs_with_labels_of_every_kind(source: placing.Source) -> None:
    rng = np.random.default_rng(2)
    crops = [crop for _ in range(60) for crop in draw_crops(source, rng)]
    assert {crop.image.shape for crop in crops} == {(28, 28)}
    assert {crop.part for crop in crops} == {0, 1, 2}
    assert all((crop.label < 0) == (crop.part == 2) for crop in crops)
    digits = np.stack([crop.image for crop in crops if crop.label >= 0])
    # Light ink on dark, full strength, in the middle.
    assert np.median(digits[:, [0, -1]]) < 30
    assert np.mean(digits.max(axis=(1, 2)) > 200) > 0.95


def test_a_run_over_many_fonts_in_many_sizes_keeps_few_of_them(source: placing.Source) -> None:
    for size in range(1, 1 + typefaces.load_font.cache_info().maxsize):
        typefaces.load_font(source.fonts[0], size)
    typefaces.load_font(source.fonts[0], 10_000)
    assert typefaces.load_font.cache_info().currsize <= 512


def test_displays_of_segments_light_the_bars_of_each_digit() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        display = segments.Segments(rng)
        ink = {digit: display.draw(digit, 80, rng) for digit in typefaces.DIGITS}
        areas = {digit: int((np.asarray(one) > 127).sum()) for digit, (one, _) in ink.items()}
        assert areas["1"] < areas["4"] < areas["0"] < areas["8"]
        assert all(0.68 * 80 < one.height <= 82 and one.height <= rise + 1 <= 83 for one, rise in ink.values())
        assert ink["8"][0].height == pytest.approx(80, abs=2)
        assert len({one.tobytes() for one, _ in ink.values()}) == 10
        dot, _ = display.draw(".", 80, rng)
        assert dot.height < 30


def test_either_gives_pens_typefaces_and_displays(source: placing.Source) -> None:
    kinds = {type(source.either(np.random.default_rng(seed))).__name__ for seed in range(100)}
    assert kinds == {"Pen", "Print", "Segments"}
