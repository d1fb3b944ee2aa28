"""Rulings and what is left of them, taken from ink that is drawn here."""

import numpy as np
import pytest

from edgedigits.images.paper import Ink
from edgedigits.pages.rulings import remove_hairs, remove_rulings


def ink_of(strength):
    strength = strength.astype(np.uint8)
    return Ink(strength, strength > 0, 1.0, 200.0, 1.0, dark_ink=True, levels=255 - strength)


def strokes(height=200, width=300):
    """Upright strokes, 12 pixels wide, with gaps of 8: what a line of heavy digits leaves in a row."""
    field = np.zeros((height, width))
    for left in range(20, 280, 20):
        field[60:110, left : left + 12] = 200
    return field


def removed(before, after):
    """Pixels that are gone: bool [h, w]."""
    assert not (after.mask & ~before.mask).any()
    return before.mask & ~after.mask


def test_a_ruling_from_edge_to_edge_goes_even_where_strokes_cover_half_of_it():
    page = strokes()
    only_strokes = page > 0
    page[84:86] = 200
    ink = ink_of(page)
    gone = removed(ink, remove_rulings(ink))
    assert gone[84:86][~only_strokes[84:86]].all()
    assert not gone[only_strokes].any()


def test_bars_that_are_joined_by_a_short_line_are_no_ruling():
    page = strokes()
    page[84:86, 20:160] = 200
    ink = ink_of(page)
    assert not removed(ink, remove_rulings(ink)).any()


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(
    ("thickness", "length", "strength", "goes"),
    [(1, 20, 60, True), (2, 20, 60, True), (3, 20, 60, False), (1, 7, 60, False), (1, 20, 150, False)],
)
def test_a_hair_is_thin_long_and_faint(thickness, length, strength, goes, transposed):
    page = strokes()
    line = np.zeros(page.shape, bool)
    line[80 : 80 + thickness, 272 : 272 + length] = True
    page[line] = strength
    ink = ink_of(page.T if transposed else page)
    gone = removed(ink, remove_hairs(ink))
    gone = gone.T if transposed else gone
    assert gone[line].all() if goes else not gone.any()
    assert not gone[~line].any()


def test_a_fine_pen_alone_leaves_no_hairs():
    page = np.zeros((100, 200))
    page[50, 20:120] = page[20:60, 30] = 60
    ink = ink_of(page)
    assert remove_hairs(ink) is ink
