"""Golden inputs: near a boundary of the model in question, and made of the same few images whichever the model."""

from __future__ import annotations

import numpy as np

from edgedigits.datasets import Dataset
from edgedigits_export.bundle.golden import choose_golden_images

SIDE = 20


def pool() -> Dataset:
    """As many images as pixels, each with its own one lit, so that a blend tells what it is made of."""
    images = np.eye(SIDE**2, dtype=np.uint8).reshape(-1, SIDE, SIDE, 1) * np.uint8(255)
    return Dataset(images, np.arange(SIDE**2) % 10, tuple("0123456789"), "pixels")


def unsure_of(row):
    """A model with its boundary where as much light is above a row as below it."""

    def predict(images):
        above = images[:, :row].sum(axis=(1, 2, 3), dtype=np.float32)
        share = above / np.maximum(images.sum(axis=(1, 2, 3), dtype=np.float32), 1)
        return np.stack([share, 1 - share], axis=1)

    return predict


def test_blends_lie_at_the_boundary():
    chosen = choose_golden_images(pool(), unsure_of(10), 0)[:20]
    scores = unsure_of(10)(chosen)[:, 0]
    np.testing.assert_allclose(scores[::2], 0.5, atol=0.01)
    assert set(scores[1::2]) == {0.0, 1.0}


def test_no_blend_is_there_twice():
    few = pool().take(np.arange(0, SIDE**2, 33))
    chosen = choose_golden_images(few, unsure_of(10), 0)[:-3].reshape(-1, SIDE**2)
    assert len(np.unique(chosen, axis=0)) == len(chosen)


def test_a_single_image_has_golden_inputs_too():
    one = pool().take(np.array([3]))
    assert len(choose_golden_images(one, unsure_of(10), 0)) >= 1 + 3


def test_bundles_of_several_models_hold_few_images_of_the_data_between_them():
    golden = [choose_golden_images(pool(), unsure_of(row), 0)[:-3] for row in (6, 10, 14)]
    assert not np.array_equal(golden[0], golden[1])
    lit = np.concatenate(golden).max(axis=0) > 0
    assert np.count_nonzero(lit) <= 64 + 10
