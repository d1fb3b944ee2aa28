"""Corrupted MNIST: test digits through the corruptions of `imagecorruptions`.

After N. Mu, J. Gilmer, "MNIST-C: A Robustness Benchmark for Computer Vision" (2019) and D. Hendrycks, T. Dietterich,
"Benchmarking Neural Network Robustness to Common Corruptions and Perturbations" (2019). The package refuses pictures
under 32 pixels, so digits are padded to 40 and cut back to 28; kinds that fail on current libraries are left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from canvas import chosen
from drawing import Sample
from elsewhere import run_elsewhere

from edgedigits.files import cache_folder

# imagecorruptions 1.1.2 asks for pkg_resources, which setuptools 80 warns about and later ones drop.
PACKAGES = ("imagecorruptions==1.1.2", "setuptools<80")
SEVEREST = 3  # of 5: beyond it a digit of 28 pixels is often gone for people, too
_CORRUPT = """
import sys, numpy
from imagecorruptions import corrupt, get_corruption_names
with numpy.load(sys.argv[1]) as archive:
    images, seed, severest = archive["images"], int(archive["seed"]), int(archive["severest"])
names, done = get_corruption_names("all"), {}
for name in names:
    numpy.random.seed(seed)
    try:
        done[name] = numpy.stack([
            corrupt(numpy.stack([numpy.pad(image, 6)] * 3, -1), corruption_name=name, severity=1 + row % severest)
            [6:34, 6:34].mean(axis=-1).round().astype("uint8")
            for row, image in enumerate(images)
        ])
    except Exception as error:
        print(name, error)
numpy.savez(sys.argv[2], **done)
"""


def corrupted(split: str, seed: int, count: int) -> Iterator[Sample]:
    """The same ``count`` digits in every kind of corruption, severity 1 to 3 in turn: uint8 ``[28, 28]``.

    Raises
    ------
    NotHere: imagecorruptions cannot be installed.

    """
    folder = cache_folder() / "reading"
    kept = folder / f"corrupted-{split}-{seed}-{count}.npz"
    images, labels = zip(*chosen(split, seed, count), strict=True)
    if not kept.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        plain, fresh = folder / "corrupting.npz", folder / "corrupted.npz"
        np.savez(plain, images=np.stack(images), seed=seed, severest=SEVEREST)
        run_elsewhere(PACKAGES, _CORRUPT, plain, fresh)
        plain.unlink()
        fresh.rename(kept)
    with np.load(kept) as archive:
        for kind in sorted(archive.files):
            for image, label in zip(archive[kind], labels, strict=True):
                yield Sample(image, label, kind)
