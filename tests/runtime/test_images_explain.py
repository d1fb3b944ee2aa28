from __future__ import annotations

import numpy as np
import pytest
from drawings import draw, on_paper, page

from edgedigits.images.explain import explain
from edgedigits.images.normalise import normalise

ALL = ["1-grey", "2-paper", "3-ink", "4-mask", "5-digit", "6-fed"]


def test_a_digit_is_shown_in_every_stage_in_order(digits):
    picture = on_paper(digits.images[0, ..., 0])
    stages = list(explain(picture))
    assert [name for name, _ in stages] == ALL
    shown = {name: np.asarray(image) for name, image in stages}
    assert np.array_equal(shown["1-grey"], picture)
    assert shown["2-paper"].min() > 240
    assert np.array_equal(shown["3-ink"], 255 - picture)
    assert shown["4-mask"].dtype == bool
    assert np.array_equal(shown["5-digit"], shown["4-mask"])
    assert np.array_equal(shown["6-fed"][::10, ::10], normalise(picture).image)
    assert shown["6-fed"].shape == (280, 280)


@pytest.mark.parametrize(("ink", "seen"), [(30, 240), (240, 30)])
def test_paper_is_shown_as_bright_as_it_is(ink, seen):
    shown = dict(explain(draw(page(paper=seen), (40, 20, 40, 80), ink=ink)))
    assert abs(np.asarray(shown["2-paper"]).astype(int) - seen).max() <= 1


def test_of_a_large_picture_the_stages_are_reduced(digits):
    shown = dict(explain(on_paper(digits.images[0, ..., 0], 400, (50, 100), (520, 600))))
    assert shown["1-grey"].size == (600, 520)
    for name in ALL[1:5]:
        assert shown[name].size == (200, 174)


def test_neighbours_are_in_the_mask_and_not_in_the_digit():
    picture = draw(page(200, 200), (100, 50, 100, 150), (60, 0, 90, 6, 120, 0), width=8)
    shown = {name: np.asarray(image) for name, image in explain(picture)}
    assert shown["4-mask"][:8].any()
    assert not shown["5-digit"][:8].any()


@pytest.mark.parametrize(("lines", "reason", "stages"), [
    ([], "blank", ALL[:4]),
    ([(40, 20, 40, 80), (100, 20, 100, 80)], "several_digits", ALL[:4]),
])  # fmt: skip
def test_what_is_refused_ends_where_it_was(lines, reason, stages):
    picture = draw(page(100, 140), *lines)
    assert normalise(picture).rejected == reason
    assert [name for name, _ in explain(picture)] == stages


def test_what_passes_through_is_shown_as_it_came_and_as_it_was_fed(digits):
    digit = digits.images[0, ..., 0]
    stages = list(explain(digit))
    assert [name for name, _ in stages] == ["1-grey", "6-fed"]
    assert np.array_equal(np.asarray(stages[1][1])[5::10, 5::10], digit)
    assert [name for name, _ in explain(255 - digit, mnist=True)] == ["1-grey", "6-fed"]
    assert [name for name, _ in explain(255 - digit)] == ALL
    black = np.zeros((28, 28), np.uint8)
    assert [name for name, _ in explain(black)] == ALL[:4]
    assert [name for name, _ in explain(black, mnist=True)] == ["1-grey"]
