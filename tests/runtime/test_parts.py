"""Long work on many images tells how much of it is done, but not at each step."""

from __future__ import annotations

import numpy as np

from edgedigits.parts import in_parts


def test_all_images_come_once_and_in_order() -> None:
    images = np.arange(10, dtype=np.uint8)
    parts = list(in_parts(images, 4, print))
    assert [len(part) for part in parts] == [4, 4, 2]
    assert np.array_equal(np.concatenate(parts), images)


def test_a_word_comes_every_ten_seconds() -> None:
    times, said = iter(range(0, 1000, 4)), list[str]()  # each part takes four seconds
    list(in_parts(np.zeros(7000, np.uint8), 1000, said.append, lambda: next(times)))
    assert said == ["2,000 of 7,000 images", "5,000 of 7,000 images"]


def test_quick_work_says_nothing() -> None:
    said = list[str]()
    list(in_parts(np.zeros(7000, np.uint8), 1000, said.append, lambda: 0.0))
    assert not said
