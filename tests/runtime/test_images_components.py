from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from edgedigits.images.components import find_runs, label

MASKS = npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=12))


def flood(mask):
    """Labels by filling from every pixel in reading order, with a stack and eight neighbours."""
    labels = np.zeros(mask.shape, int)
    count = 0
    for start in zip(*np.nonzero(mask), strict=True):
        if labels[start]:
            continue
        count += 1
        stack = [start]
        while stack:
            row, column = stack.pop()
            inside = 0 <= row < mask.shape[0] and 0 <= column < mask.shape[1]
            if inside and mask[row, column] and not labels[row, column]:
                labels[row, column] = count
                stack += [(row + down, column + right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    return labels


def same(mask, parts):
    """Whether labels, boxes and areas are those of the filling."""
    expected = flood(mask)
    assert np.array_equal(parts.labels, expected)
    assert parts.labels.dtype == np.int32
    assert len(parts) == expected.max(initial=0) == len(parts.boxes) == len(parts.areas)
    for index, (box, area) in enumerate(zip(parts.boxes, parts.areas, strict=True)):
        rows, columns = np.nonzero(expected == index + 1)
        assert box.tolist() == [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
        assert area == len(rows)


@given(MASKS)
def test_components_are_those_of_a_flood_fill(mask):
    same(mask, label(mask))


@given(st.integers(0, 2**32 - 1), st.floats(0.3, 0.7))
def test_components_of_tangled_noise_are_those_of_a_flood_fill(seed, share):
    # About the share at which components wind through the whole picture, so that many joins are needed.
    mask = np.random.default_rng(seed).random((15, 17)) < share
    same(mask, label(mask))


def spiral(turns):
    """A line one pixel wide that winds inwards, one pixel apart."""
    side = 4 * turns + 1
    mask = np.zeros((side, side), bool)
    row, column, down, right = 0, 0, 0, 1
    mask[0, 0] = True
    for length in [side - 1] * 3 + [side - 1 - 2 * (step // 2 + 1) for step in range(4 * turns - 3)]:
        for _ in range(max(length, 0)):
            row, column = row + down, column + right
            mask[row, column] = True
        down, right = right, -down
    return mask


@pytest.mark.parametrize("turns", [1, 3, 6])
def test_a_spiral_is_one_component_however_long(turns):
    mask = spiral(turns)
    assert mask.sum() > 4 * turns * turns
    parts = label(mask)
    same(mask, parts)
    assert len(parts) == 1


def test_corners_join_and_gaps_do_not():
    assert len(label(np.eye(9, dtype=bool))) == 1
    assert len(label(np.eye(9, dtype=bool)[::-1])) == 1
    assert len(label(np.array([[1, 0, 0], [0, 0, 1]], bool))) == 2


def test_the_end_of_a_row_does_not_join_the_start_of_the_next():
    mask = np.zeros((4, 6), bool)
    mask[0, 5] = mask[1, 0] = mask[2, 5] = mask[3, 0] = True
    assert len(label(mask)) == 4


@given(MASKS, st.data())
def test_only_keeps_the_chosen_with_labels_anew(mask, data):
    parts = label(mask)
    chosen = data.draw(npst.arrays(np.bool_, len(parts)))
    kept = np.isin(parts.labels, 1 + np.flatnonzero(chosen))
    assert np.array_equal(parts.mask(chosen), kept)
    less = parts.only(chosen)
    same(kept, less)


@given(MASKS)
def test_runs_are_every_rows_pieces_in_order(mask):
    runs = find_runs(mask)
    drawn = np.zeros_like(mask)
    for row, start, end in zip(runs.row, runs.start, runs.end, strict=True):
        assert start < end
        assert start == 0 or not mask[row, start - 1]
        assert end == mask.shape[1] or not mask[row, end]
        drawn[row, start:end] = True
    assert np.array_equal(drawn, mask)
    assert runs.length.sum() == mask.sum()
    order = list(zip(runs.row.tolist(), runs.start.tolist(), strict=True))
    assert order == sorted(order)
