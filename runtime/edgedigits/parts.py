"""Long work on many images, part by part, and words about how much of it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Progress = Callable[[str], object]

_EVERY = 10.0  # seconds between two words about the same work


def silent(_: str) -> None:
    """Tell nobody."""


def in_parts(
    images: NDArray[np.uint8], size: int, progress: Progress, clock: Callable[[], float] = time.monotonic
) -> Iterator[NDArray[np.uint8]]:
    """Yield ``size`` images at a time; every ten seconds tell how many are done, such as "1,200 of 5,000 images"."""
    told = clock()
    for start in range(0, len(images), size):
        now = clock()
        if now - told >= _EVERY:
            progress(f"{start:,} of {len(images):,} images")
            told = now
        yield images[start : start + size]
