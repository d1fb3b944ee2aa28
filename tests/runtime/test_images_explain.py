from __future__ import annotations

import numpy as np
from PIL import Image

from edgedigits.images.explain import explain
from edgedigits.images.locator import single_scales

STAGES = ["1-grey", "2-contrast", "3-maps", "4-fed"]


def on_paper(digit):
    """A digit of MNIST on a larger sheet of white paper, dark on light."""
    picture = np.full((160, 120), 255, np.uint8)
    picture[40:110, 30:100] -= np.asarray(Image.fromarray(digit).resize((70, 70), Image.Resampling.BICUBIC))
    return picture


def test_a_digit_is_shown_in_every_stage_in_order(classifier, digits):
    picture = on_paper(digits.images[0, ..., 0])
    prediction = classifier.classify(picture)
    stages = list(explain(classifier.locator, picture, [prediction.model_input], one=True))
    assert [name for name, _ in stages] == STAGES
    shown = {name: np.asarray(image) for name, image in stages}
    assert np.array_equal(shown["1-grey"], picture)
    assert shown["2-contrast"].shape == shown["3-maps"].shape
    assert np.array_equal(shown["4-fed"][::4, ::4], prediction.model_input)
    # The largest size of the picture stands first on the canvas; the map is bright at the digit's middle there.
    top, left, bottom, right = (side * single_scales(picture)[0] + 8 for side in prediction.box)
    middle = shown["3-maps"][round((top + bottom) / 2), round((left + right) / 2)]
    assert middle > 85
    assert shown["3-maps"][:9].max() < middle


def test_of_several_digits_all_model_inputs_are_shown_in_rows(classifier):
    fed = [np.full((28, 28), shade, np.uint8) for shade in range(23)]
    shown = dict(explain(classifier.locator, np.full((90, 90), 255, np.uint8), fed, one=False))
    assert shown["4-fed"].size == (20 * 28 * 4, 2 * 28 * 4)
    assert np.asarray(shown["4-fed"])[-1, 2 * 28 * 4 + 1] == 22


def test_without_a_digit_nothing_was_fed(classifier):
    stages = explain(classifier.locator, np.full((90, 90), 255, np.uint8), [], one=False)
    assert [name for name, _ in stages] == STAGES[:3]
