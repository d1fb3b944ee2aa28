"""Ink, strokes and type: what is drawn is what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.datasets import Splits
from edgedigits_train.synthetic import handwriting, strokes
from edgedigits_train.synthetic.ink import (
    Ink,
    change_strokes,
    clip_edge,
    distort,
    fit,
    from_mnist,
    resemblance,
    thicken,
    trim,
)
from edgedigits_train.synthetic.pool import Maker
from edgedigits_train.synthetic.printed import DIGITS, FONTS, LETTERS, SIGNS, draw_character

SEEDS = range(12)


def inks(splits: Splits, label: int) -> list[Ink]:
    data = splits.train
    return [from_mnist(image[..., 0]) for image in data.images[data.labels == label]]


def area(ink: Ink) -> int:
    return int(np.count_nonzero(np.asarray(ink) > 128))


def placed(ink: Ink) -> np.ndarray:
    """As the pipeline would centre it: the ink alone, for comparison."""
    field = np.zeros((28, 28), np.uint8)
    small = np.asarray(fit(ink, 20))
    field[4 : 4 + small.shape[0], 4 : 4 + small.shape[1]] = small
    return field


def test_enlarged_digit_keeps_its_area_and_loses_its_margin(splits: Splits) -> None:
    image = splits.train.images[0, ..., 0]
    ink = from_mnist(image)
    assert trim(ink).size == ink.size
    assert area(ink) / 16 == pytest.approx(image.sum() / 255, rel=0.15)


def test_distortion_changes_the_shape_and_nothing_is_cut_off(splits: Splits) -> None:
    for seed, ink in enumerate(inks(splits, 4)):
        changed = distort(ink, np.random.default_rng(seed))
        assert changed.size != ink.size
        scale = changed.width * changed.height / (ink.width * ink.height)
        assert 0.3 < scale < 3
        # All ink is still there, in proportion to the change of the width alone.
        assert 0.55 < area(changed) / area(ink) < 1.4


def test_strokes_get_wider_and_narrower(splits: Splits) -> None:
    ink = inks(splits, 3)[0]
    shares = [area(change_strokes(ink, np.random.default_rng(seed))) / area(ink) for seed in range(40)]
    assert min(shares) < 0.95
    assert max(shares) > 1.2
    assert min(shares) >= 0.6
    assert area(thicken(ink, np.random.default_rng(0))) > 1.3 * area(ink)


def test_one_edge_is_clipped_by_at_most_two_pixels_or_so(splits: Splits) -> None:
    ink = inks(splits, 0)[0]
    sizes = {clip_edge(ink, np.random.default_rng(seed)).size for seed in SEEDS}
    for width, height in sizes:
        lost = ink.width - width + ink.height - height
        assert 3 <= lost <= 9
        assert width == ink.width or height == ink.height
    assert len(sizes) > 3


def test_resemblance_is_high_for_the_same_and_low_for_another(splits: Splits) -> None:
    zero, one = inks(splits, 0)[0], inks(splits, 1)[0]
    assert resemblance(placed(zero), zero) < 1.001
    middle = np.roll(placed(zero), (14 - 4 - 10, 14 - 4 - fit(zero, 20).width // 2), axis=(0, 1))
    assert resemblance(middle, zero) > 0.9
    assert resemblance(middle, one) < 0.6


def test_swiss_seven_has_a_bar_through_its_stem(splits: Splits) -> None:
    for seed, seven in enumerate(inks(splits, 7)):
        crossed = handwriting.cross_seven(seven, np.random.default_rng(seed))
        assert crossed.height == pytest.approx(seven.height, abs=2)
        assert area(crossed) > 1.04 * area(seven)


def test_american_one_has_a_flag_or_a_foot_and_the_height_of_a_one(splits: Splits) -> None:
    for seed, one in enumerate(inks(splits, 1)):
        flagged = handwriting.flag_one(one, np.random.default_rng(seed))
        assert area(flagged) > 1.1 * area(one)
        assert flagged.height <= 1.15 * one.height
        # Narrower than a 7's bar would make it.
        assert flagged.width < one.width + 0.75 * one.height


def test_bar_is_upright_and_narrow() -> None:
    for seed in SEEDS:
        bar = handwriting.draw_bar(np.random.default_rng(seed))
        assert bar.height > 2 * bar.width


def test_one_of_central_europe_has_a_flag_to_the_left_and_an_upright_stem() -> None:
    for seed in SEEDS:
        one = handwriting.draw_one(np.random.default_rng(seed))
        grey = np.asarray(one) > 128
        upper, stem = grey[: one.height * 2 // 3], grey[-one.height // 4 : -one.height // 8]
        assert 0.2 * one.height < one.width < one.height
        # The flag makes it wide above; below there is the stem alone.
        assert upper.any(axis=0).sum() > stem.any(axis=0).sum()
        assert (np.diff(stem.astype(int), axis=1) == 1).sum(axis=1).max() <= 1


def test_open_four_is_open_above_and_its_stem_goes_below_its_bar() -> None:
    for seed in SEEDS:
        four = handwriting.draw_four(np.random.default_rng(seed))
        grey = np.asarray(four) > 128
        widest = int(grey.sum(axis=1).argmax())
        assert 0.4 * four.height < widest < 0.85 * four.height
        assert 0 < grey[-four.height // 8 :].any(axis=0).sum() < 0.6 * four.width


def test_hooked_nine_reaches_further_left_at_its_foot(splits: Splits) -> None:
    for seed, nine in enumerate(inks(splits, 9)):
        hooked = handwriting.hook_nine(nine, np.random.default_rng(seed))
        assert area(hooked) > 1.03 * area(nine)
        assert hooked.height <= 1.2 * nine.height


def test_handwriting_styles_are_digits_of_their_label(splits: Splits) -> None:
    maker = Maker(splits.train, 0, 0)
    drawn = [handwriting.draw_style(maker.pick, np.random.default_rng(seed))[0] for seed in range(60)]
    assert set(drawn) == {1, 4, 7, 9}


@pytest.mark.parametrize("draw", [strokes.draw_scribble, strokes.draw_cross, strokes.draw_dots])
def test_drawings_are_seeded_and_all_different(draw) -> None:
    made = [np.asarray(draw(np.random.default_rng(seed))).tobytes() for seed in SEEDS]
    assert made == [np.asarray(draw(np.random.default_rng(seed))).tobytes() for seed in SEEDS]
    assert len(set(made)) == len(made)


def test_every_typeface_has_ten_different_digits_and_its_letters() -> None:
    for font in FONTS:
        for characters in (DIGITS, LETTERS, SIGNS):
            drawn = {np.asarray(draw_character(character, font)).tobytes() for character in characters}
            assert len(drawn) == len(characters), font
        heights = [draw_character(digit, font).height for digit in DIGITS]
        assert 55 < min(heights) <= max(heights) < 100, font


def test_letters_that_look_like_digits_are_left_out() -> None:
    assert not set("OoIilSsZzBqgb") & set(LETTERS + SIGNS)
    assert len(set(LETTERS)) == len(LETTERS) == 39
    assert not set("|/\\!()[]1") & set(SIGNS)
