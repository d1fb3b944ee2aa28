"""What pipeline ``digit/1`` did with a picture, stage by stage, as pictures for a doubtful eye."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.light import find_paper
from edgedigits.images.normalise import look, normalise
from edgedigits.images.paper import find_ink
from edgedigits.images.subject import Subject

# The 28x28 image is written this many times as large, each pixel a square.
ENLARGE = 10


def explain(grey: NDArray[np.uint8], *, mnist: bool = False) -> Iterator[tuple[str, Image.Image]]:
    """Each stage's name, in order, and its picture; ``grey`` and ``mnist`` as for `normalise`.

    Of what passes through, or is refused, the later stages are missing.
    """
    yield "1-grey", Image.fromarray(grey)
    found = normalise(grey, mnist=mnist)
    if not found.passed_through:
        ink = find_ink(grey)
        levels = np.asarray(Image.fromarray(grey).reduce(int(ink.scale)))
        paper = find_paper(levels if ink.dark_ink else np.bitwise_not(levels), 0.25)
        brightness = np.rint(paper.brightness).astype(np.uint8)
        yield "2-paper", Image.fromarray(brightness if ink.dark_ink else np.bitwise_not(brightness))
        yield "3-ink", Image.fromarray(ink.strength)
        yield "4-mask", Image.fromarray(ink.mask)
        ink, subject = look(ink)
        if isinstance(subject, Subject):
            yield "5-digit", Image.fromarray(subject.mask)
    if found.rejection is None:
        size = (found.image.shape[1] * ENLARGE, found.image.shape[0] * ENLARGE)
        yield "6-fed", Image.fromarray(found.image).resize(size, Image.Resampling.NEAREST)
