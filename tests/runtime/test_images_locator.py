"""Locating: sizes side by side on one canvas, maps to boxes, one box for each digit."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.images import locator
from edgedigits.images.contrast import NONE, local_contrast
from edgedigits.images.locator import CHANNELS, CLASSES, LOGITS, PLACES, SIZES, STRIDE, UNIT, Found

SIDE = 160


def outputs(shape: tuple[int, int], peaks: list[tuple[int, tuple[float, float, float, float], float]]) -> np.ndarray:
    """Return a network's outputs for a canvas, with a peak (class, box, probability) each."""
    maps = np.zeros((shape[0] // STRIDE, shape[1] // STRIDE, CHANNELS), np.float32)
    for label, (top, left, bottom, right), probability in peaks:
        y, x = (top + bottom) / 2 / STRIDE - 0.5, (left + right) / 2 / STRIDE - 0.5
        row, column = round(y), round(x)
        maps[row, column, label] = np.log(probability / (1 - probability)) / LOGITS.unit + LOGITS.zero
        sizes = np.log(np.array([bottom - top, right - left]) / UNIT) / SIZES.unit + SIZES.zero
        maps[row, column, CLASSES:] = *sizes, *(np.array([y - row, x - column]) / PLACES.unit + PLACES.zero)
    height, width = maps.shape[0] // 2, maps.shape[1] // 2
    return maps.reshape(height, 2, width, 2, CHANNELS).transpose(0, 2, 1, 3, 4).reshape(1, height, width, -1)


def test_a_peak_is_a_box_with_its_class() -> None:
    own = (33.0, 41.0, 63.0, 58.0)
    field = np.full((SIDE, SIDE), NONE, np.uint8)
    (found,) = locator.find_in_field(lambda _: outputs((SIDE, SIDE), [(7, own, 0.9)]), field)
    assert found.box == pytest.approx(own, abs=0.05)
    assert found.score == pytest.approx(0.9, abs=1e-3)
    assert int(found.scores.argmax()) == 7


def test_faint_peaks_and_slopes_are_nothing() -> None:
    field = np.full((SIDE, SIDE), NONE, np.uint8)
    peaks = [(3, (20.0, 20.0, 50.0, 40.0), 0.05)]
    assert locator.find_in_field(lambda _: outputs((SIDE, SIDE), peaks), field) == []
    beside = [(3, (20.0, 20.0, 50.0, 40.0), 0.9), (3, (20.0, 24.0, 50.0, 44.0), 0.8)]
    assert len(locator.find_in_field(lambda _: outputs((SIDE, SIDE), beside), field)) == 1


def test_canvas_holds_the_picture_in_every_size_apart() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (90, 140)).astype(np.uint8)
    scales = [1.0, 0.7, 0.5, 0.35]
    canvas, places = locator.lay_out(grey, scales)
    assert all(side % 8 == 0 for side in canvas.shape)
    taken = np.zeros(canvas.shape, int)
    for scale, placed in zip(scales, places, strict=True):
        assert placed.size == pytest.approx((90 * scale, 140 * scale), abs=1)
        assert placed.top % STRIDE == placed.left % STRIDE == 0
        taken[placed.top - 4 : placed.top + placed.size[0] + 4, placed.left - 4 : placed.left + placed.size[1] + 4] += 1
    assert taken.max() == 1
    first = places[0]
    shown = canvas[first.top : first.top + 90, first.left : first.left + 140]
    np.testing.assert_array_equal(shown, local_contrast(grey))
    assert (canvas[taken == 0] == NONE).all()


def test_boxes_come_back_in_pixels_of_the_picture() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (200, 300)).astype(np.uint8)
    own = np.array((60.0, 80.0, 105.0, 108.0))

    def network(contrast: np.ndarray) -> np.ndarray:
        peaks = []
        for placed in locator.lay_out(grey, locator.page_scales(grey))[1]:
            box = own * np.tile(placed.scale, 2)
            if locator.SMALLEST <= box[2] - box[0] <= locator.LARGEST:
                moved = box + np.tile((placed.top, placed.left), 2)
                peaks.append((4, tuple(moved.tolist()), 0.8))
        assert len(peaks) >= 2
        return outputs(contrast.shape[1:3], peaks)

    (found,) = locator.locate_all(network, grey)
    assert found.box == pytest.approx(tuple(own), abs=3)
    assert float(found.scores[4]) == pytest.approx(0.8 * 2, abs=0.9)  # added up over the sizes


def test_scales_reach_from_small_digits_to_large_ones() -> None:
    page = np.zeros((480, 640), np.uint8)
    scales = locator.page_scales(page)
    assert scales[0] == 1
    assert 480 <= locator.LARGEST / scales[-1] <= 2 * 480
    single = np.array(locator.single_scales(page)) * 640
    assert locator.SMALLEST / single.max() <= 0.16
    assert locator.LARGEST / single.min() >= 1.5


def peak(label: int, box: tuple[float, float, float, float], probability: float) -> np.ndarray:
    scores = np.full(CLASSES, 0.01, np.float32)
    scores[label] = probability
    return np.concatenate([np.array(box, np.float32), scores])


def test_peaks_of_one_digit_become_one_and_their_classes_add_up() -> None:
    peaks = np.stack([peak(8, (10, 10, 40, 30), 0.5), peak(3, (11, 10, 41, 31), 0.6), peak(8, (10, 11, 39, 30), 0.4)])
    (found,) = locator.suppress(peaks)
    assert found.score == pytest.approx(0.6)
    assert int(found.scores.argmax()) == 8
    assert found.box == pytest.approx((11, 10, 41, 31))


def test_neighbours_stay_apart_and_parts_go() -> None:
    digits = [peak(1, (10, 10, 40, 18), 0.9), peak(7, (10, 19, 40, 35), 0.8)]
    part = peak(0, (25, 20, 38, 33), 0.5)
    found: list[Found] = locator.suppress(np.stack([*digits, part]))
    assert [int(one.scores.argmax()) for one in found] == [1, 7]


def test_nothing_found_is_an_empty_list() -> None:
    assert locator.suppress(np.empty((0, 4 + CLASSES), np.float32)) == []
