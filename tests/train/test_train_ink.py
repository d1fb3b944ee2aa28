"""Ink and strokes: what is drawn is what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.datasets import Splits
from edgedigits_train.scenes.writing import Digits
from edgedigits_train.synthetic import handwriting, strokes
from edgedigits_train.synthetic.ink import Ink, distort, from_mnist, trim

SEEDS = range(12)


def inks(splits: Splits, label: int) -> list[Ink]:
    data = splits.train
    return [from_mnist(image[..., 0]) for image in data.images[data.labels == label]]


def area(ink: Ink) -> int:
    return int(np.count_nonzero(np.asarray(ink) > 128))


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


def test_drawn_seven_begins_with_a_hook_and_ends_in_one_stem() -> None:
    for seed in SEEDS:
        grey = np.asarray(handwriting.draw_seven(np.random.default_rng(seed))) > 128
        foot = np.flatnonzero(grey[-2])
        assert np.ptp(foot) < 0.4 * grey.shape[0]
        # All that lies to the left of the stem's middle in the upper third is the hook.
        assert grey[: grey.shape[0] // 3, : grey.shape[1] // 2].any()


def test_flat_three_has_its_corner_at_the_right_of_its_top() -> None:
    for seed in SEEDS:
        grey = np.asarray(handwriting.draw_three(np.random.default_rng(seed))) > 128
        height, width = grey.shape
        assert grey[: height // 6].any(axis=0).mean() > 0.6
        assert not grey[height // 2 : height * 2 // 3, : width // 5].any()


def test_eight_of_two_rings_has_a_hole_in_each_half() -> None:
    for seed in SEEDS:
        grey = np.asarray(handwriting.draw_eight(np.random.default_rng(seed))) > 128
        height, width = grey.shape
        for half in (grey[: height // 2], grey[height // 2 :]):
            middle = half[:, width // 2 - 4 : width // 2 + 4]
            assert not middle.all(axis=1).all() and middle.any(axis=1).sum() >= 4


def test_hooked_nine_reaches_further_left_at_its_foot(splits: Splits) -> None:
    for seed, nine in enumerate(inks(splits, 9)):
        hooked = handwriting.hook_nine(nine, np.random.default_rng(seed))
        assert area(hooked) > 1.03 * area(nine)
        assert hooked.height <= 1.2 * nine.height


def test_open_digit_lacks_ink_at_its_top_alone(splits: Splits) -> None:
    for label in (0, 8):
        for seed, closed in enumerate(inks(splits, label)):
            opened = handwriting.open_top(closed, np.random.default_rng(seed))
            assert 0.8 * area(closed) < area(opened) < area(closed)
            below = closed.height // 2
            np.testing.assert_array_equal(np.asarray(opened)[-below:], np.asarray(closed)[-below:])


def test_every_style_is_ink_about_as_tall_as_a_digit(splits: Splits) -> None:
    pick = Digits(splits.train).pick
    for label in range(10):
        assert handwriting.has_styles(label) == (label in {0, 1, 3, 4, 7, 8, 9})
        for seed in SEEDS if handwriting.has_styles(label) else ():
            assert 50 < handwriting.draw_style(label, pick, np.random.default_rng(seed)).height < 120


def test_half_of_a_digit_is_smaller_than_the_digit(splits: Splits) -> None:
    for seed in SEEDS:
        half = handwriting.halve_digit(lambda label, _: inks(splits, label)[0], np.random.default_rng(seed))
        assert min(area(half) / area(inks(splits, label)[0]) for label in (0, 2, 4, 5)) < 0.9


@pytest.mark.parametrize("draw", [strokes.draw_scribble, strokes.draw_cross, strokes.draw_dots])
def test_drawings_are_seeded_and_all_different(draw) -> None:
    made = [np.asarray(draw(np.random.default_rng(seed))).tobytes() for seed in SEEDS]
    assert made == [np.asarray(draw(np.random.default_rng(seed))).tobytes() for seed in SEEDS]
    assert len(set(made)) == len(made)
