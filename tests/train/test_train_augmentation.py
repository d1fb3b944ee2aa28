"""Augmentation transforms the ink as its parameters say, and an epoch is a function of seed and number alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgedigits.datasets import Splits
from edgedigits_train.data.augmentation import KNOTS, Range, SamplingGrid, Transforms, join
from edgedigits_train.data.epochs import Epoch, View, count_batches
from edgedigits_train.data.training_set import TrainingSet

SIZE = (28, 28)


def centre(images: np.ndarray) -> np.ndarray:
    """Centre of the ink, rows then columns, ``[N, 2]``."""
    ink = images[..., 0].astype(float)
    total = ink.sum(axis=(1, 2))
    rows = (ink.sum(axis=2) * np.arange(ink.shape[1])).sum(axis=1) / total
    columns = (ink.sum(axis=1) * np.arange(ink.shape[2])).sum(axis=1) / total
    return np.stack([rows, columns], axis=-1)


def moved(splits: Splits, **changes: float) -> np.ndarray:
    images = splits.train.images
    same = Transforms.identity(len(images))
    parameters = replace(same, **{name: np.full(len(images), value) for name, value in changes.items()})
    return SamplingGrid.of(parameters, SIZE).apply(images)


def test_identity_changes_nothing(splits: Splits) -> None:
    np.testing.assert_allclose(moved(splits), splits.train.images, atol=1e-2)


@pytest.mark.parametrize(("down", "right"), [(2, 0), (0, 3), (-1, -2)])
def test_whole_pixel_shift_moves_the_image_by_that_many_pixels(splits: Splits, down: int, right: int) -> None:
    around = np.pad(splits.train.images, ((0, 0), (5, 5), (5, 5), (0, 0)))
    expected = around[:, 5 - down : 33 - down, 5 - right : 33 - right]
    np.testing.assert_allclose(moved(splits, shift_y=down, shift_x=right), expected, atol=1e-2)


def test_quarter_turn_is_counter_clockwise(splits: Splits) -> None:
    expected = np.rot90(splits.train.images, axes=(1, 2))
    np.testing.assert_allclose(moved(splits, rotation=np.pi / 2), expected, atol=0.1)


def test_scale_makes_the_ink_larger_in_both_directions(splits: Splits) -> None:
    before = splits.train.images.sum(axis=(1, 2, 3), dtype=float)
    assert np.median(moved(splits, scale_x=1.2).sum(axis=(1, 2, 3)) / before) == pytest.approx(1.2, abs=0.03)
    assert np.median(moved(splits, scale_y=0.8).sum(axis=(1, 2, 3)) / before) == pytest.approx(0.8, abs=0.03)


def test_shear_moves_the_top_to_the_right_and_the_bottom_to_the_left() -> None:
    image = np.zeros((1, 28, 28, 1), np.uint8)
    image[0, :, 13:15] = 255
    parameters = replace(Transforms.identity(1), shear=np.array([0.25]))
    sheared = SamplingGrid.of(parameters, SIZE).apply(image)
    columns = (sheared[0, :, :, 0] * np.arange(28)).sum(axis=1) / sheared[0, :, :, 0].sum(axis=1)
    assert columns[3] - columns[24] == pytest.approx(0.25 * 21, abs=0.3)
    assert columns[13:15].mean() == pytest.approx(13.5, abs=0.2)


def test_default_range_keeps_digits_readable(splits: Splits) -> None:
    images = splits.train.images
    parameters = Transforms.draw(np.random.default_rng(0), len(images), SIZE, Range())
    changed = SamplingGrid.of(parameters, SIZE).apply(images)
    ink = changed.sum(axis=(1, 2, 3)) / images.sum(axis=(1, 2, 3), dtype=float)
    assert ink.min() > 0.7
    assert ink.max() < 1.4
    assert np.abs(centre(changed) - centre(images)).max() < 0.15 * 28
    assert np.abs(changed - images).mean() > 5


def test_epoch_repeats_for_its_seed_and_number_and_for_no_other(splits: Splits) -> None:
    training_set = TrainingSet.of(splits.train)

    def pixels(seed: int, epoch: int) -> np.ndarray:
        batches = Epoch(
            training_set, View.draw(training_set, Range(elastic=0.02), 1, seed=seed, epoch=epoch), 32, seed=0, epoch=0
        )
        return np.concatenate([images for images, _, _ in batches])

    np.testing.assert_array_equal(pixels(1, 2), pixels(1, 2))
    assert not np.array_equal(pixels(1, 2), pixels(1, 3))
    assert not np.array_equal(pixels(1, 2), pixels(2, 2))


@pytest.mark.parametrize("augment", [False, True])
def test_epoch_shows_every_image_once_with_its_label(splits: Splits, *, augment: bool) -> None:
    training_set = TrainingSet.of(splits.train)
    batches = Epoch(
        training_set, View.draw(training_set, Range() if augment else None, 1, seed=0, epoch=0), 32, seed=0, epoch=0
    )
    images, targets, weights = (np.concatenate(part) for part in zip(*batches, strict=True))
    labels = targets.argmax(axis=1)
    assert weights.tolist() == [1] * 80
    assert len(batches) == count_batches(80, 32) == 3
    assert images.shape == (80, 28, 28, 1)
    assert images.dtype == np.float32
    assert np.bincount(labels).tolist() == [8] * 10
    if not augment:
        shown = sorted(zip(images.sum(axis=(1, 2, 3)), labels, strict=True))
        assert shown == sorted(zip(splits.train.images.sum(axis=(1, 2, 3)), splits.train.labels, strict=True))


@pytest.mark.slow
def test_elastic_deformation_moves_each_pixel_by_its_spread_and_neighbours_alike() -> None:
    transforms = Transforms.draw(np.random.default_rng(0), 4000, SIZE, Range(0, 0, 0, 0, elastic=0.05))
    grid = SamplingGrid.of(transforms, SIZE)
    away = (grid.x @ grid.basis).reshape(-1, *SIZE) - np.arange(28)
    np.testing.assert_allclose(away.std(axis=0), 0.05 * 28, rtol=0.1)
    steps = np.diff(away, axis=2).std()
    assert 0.01 < steps / away.std() < 0.3


def test_elastic_deformation_changes_the_shape_and_not_the_place(splits: Splits) -> None:
    images = splits.train.images
    changed = SamplingGrid.of(
        Transforms.draw(np.random.default_rng(0), len(images), SIZE, Range(0, 0, 0, 0, 0.03)), SIZE
    )
    moved = changed.apply(images)
    assert np.abs(moved - images).mean() > 3
    assert np.abs(centre(moved) - centre(images)).mean() < 0.03 * 28


def test_joined_fields_move_each_set_as_its_own_does(splits: Splits) -> None:
    images, rng = splits.train.images, np.random.default_rng(0)
    elastic, still = (
        SamplingGrid.of(Transforms.draw(rng, 80, SIZE, Range(elastic=strength)), SIZE) for strength in (0.02, 0.0)
    )
    # A coordinate may be rounded to the next 256th of a pixel.
    both = join([elastic, still]).apply(np.concatenate([images, images]))
    np.testing.assert_allclose(both, np.concatenate([elastic.apply(images), still.apply(images)]), atol=2)
    rows = np.array([3, 100])
    np.testing.assert_allclose(join([elastic, still]).apply(images[[3, 20]], rows), both[rows], atol=2)


def test_every_channel_moves_alike(splits: Splits) -> None:
    images = splits.train.images
    grid = SamplingGrid.of(Transforms.draw(np.random.default_rng(0), 80, SIZE, Range(elastic=0.02)), SIZE)
    three = grid.apply(np.concatenate([images, 255 - images, images // 2], axis=-1))
    for channel, expected in enumerate((images, 255 - images, images // 2)):
        np.testing.assert_array_equal(three[..., channel : channel + 1], grid.apply(expected))
    assert len(grid.basis) == KNOTS**2 + 3
