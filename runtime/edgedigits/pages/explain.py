"""What reading a page did, stage by stage, as pictures for a doubtful eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.paper import find_ink
from edgedigits.pages.sheet import LIMIT, STROKE, straighten

# So many 28x28 images beside each other.
COLUMNS = 20
# Neighbouring components get colours that differ.
COLOURS = np.array([[0, 0, 0], [255, 99, 71], [60, 179, 113], [30, 144, 255], [255, 215, 0], [218, 112, 214]], np.uint8)


def explain(grey: NDArray[np.uint8], fed: Sequence[NDArray[np.uint8]]) -> Iterator[tuple[str, Image.Image]]:
    """Each stage's name, in order, and its picture; ``fed`` are the images uint8 ``[28, 28]`` of the digits found."""
    yield "1-grey", Image.fromarray(grey)
    yield "2-ink", Image.fromarray(find_ink(grey, LIMIT, STROKE).strength)
    labels = straighten(grey).components.labels
    yield "3-components", Image.fromarray(COLOURS[np.where(labels > 0, 1 + labels % (len(COLOURS) - 1), 0)])
    if fed:
        rows = [fed[start : start + COLUMNS] for start in range(0, len(fed), COLUMNS)]
        strip = np.zeros((28 * len(rows), 28 * len(rows[0])), np.uint8)
        for number, image in enumerate(fed):
            row, column = divmod(number, COLUMNS)
            strip[28 * row : 28 * row + 28, 28 * column : 28 * column + 28] = image
        yield "4-fed", Image.fromarray(strip)
