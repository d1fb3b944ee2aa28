"""The cache of pools: making one takes minutes, and all runs use the same.

The name of a pool's file is a hash of everything that decides its pixels: the data, the seed and the side, the source
of the drawing modules and of the device's pipeline, the names of the typefaces, and the versions of numpy and Pillow.
"""

from __future__ import annotations

import hashlib
import io
from importlib.metadata import version
from pathlib import Path

import numpy as np

import edgedigits.images
import edgedigits_train.scenes
import edgedigits_train.synthetic
from edgedigits.datasets import Dataset
from edgedigits.files import cache_folder, write_cache
from edgedigits.npz import read_arrays
from edgedigits_train.scenes.pool import Pool, make_pool
from edgedigits_train.scenes.typefaces import usable_fonts


def cached_pool(data: Dataset, *, seed: int, side: int, processes: int) -> Pool:
    """Return the pool that `make_pool` makes, from the cache if it is there.

    Raises
    ------
    OutputError: a process died.

    """
    path = cache_folder() / "paper" / f"{_key(data, seed, side)}.npz"
    if known := _read(path):
        return known
    made = make_pool(data, seed=seed, side=side, processes=processes)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=made.images, labels=made.labels, parts=made.parts, sha256=made.sha256())
    write_cache(path, buffer.getvalue())
    return made


def _read(path: Path) -> Pool | None:
    """Return the pool in a file, or None if the file is missing or damaged."""
    try:
        arrays = read_arrays(path, lambda _: True)
        found = Pool(arrays["images"], arrays["labels"], arrays["parts"])
        return found if found.sha256() == str(arrays["sha256"]) else None
    except (OSError, KeyError, ValueError):
        return None


def _key(data: Dataset, seed: int, side: int) -> str:
    digest = hashlib.sha256(f"{data.sha256()} {seed} {side} {version('numpy')} {version('pillow')}".encode())
    for path in _sources():
        digest.update(path.read_bytes())
    for font in usable_fonts(held_out=side > 0):
        digest.update(Path(font).name.encode())
    return digest.hexdigest()[:24]


def _sources() -> list[Path]:
    drawing = (edgedigits_train.scenes, edgedigits_train.synthetic)
    folders = (Path(str(package.__file__)).parent for package in drawing)
    device = Path(str(edgedigits.images.__file__)).parent
    return [device / "crop.py", *(path for folder in folders for path in sorted(folder.glob("*.py")))]
