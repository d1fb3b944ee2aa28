"""Digits of a form scanner, 8x8 grey, as `sklearn.datasets.load_digits` has them (UCI, E. Alpaydin and C. Kaynak)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from drawing import Sample
from elsewhere import run_elsewhere

from edgedigits.files import cache_folder, write_atomic

PACKAGES = ("scikit-learn==1.7.2",)
_FETCH = """
import sys, numpy
from sklearn.datasets import load_digits
images, labels = load_digits(return_X_y=True)
numpy.savez(sys.argv[1], images=numpy.rint(images.reshape(-1, 8, 8) * (255 / 16)).astype("uint8"), labels=labels)
"""


def scans(seed: int, count: int | None = None) -> Iterator[Sample]:
    """All 1,797, or ``count`` of them in random order: uint8 ``[8, 8]``, light on dark.

    Raises
    ------
    NotHere: scikit-learn cannot be installed.

    """
    kept = cache_folder() / "reading" / "load_digits.npz"
    if not kept.is_file():
        fresh = kept.with_name("fetching.npz")
        run_elsewhere(PACKAGES, _FETCH, fresh)
        write_atomic(kept, fresh.read_bytes())
        fresh.unlink()
    with np.load(kept) as archive:
        images, labels = archive["images"], archive["labels"]
    for row in np.random.default_rng(seed).permutation(len(images))[:count]:
        yield Sample(images[row], str(labels[row]), "scan")
