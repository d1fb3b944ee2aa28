"""MNIST's test digits, corrupted: plain ways to spoil a picture, each at three severities.

The kinds are among those of N. Mu and J. Gilmer, "MNIST-C", 2019, and D. Hendrycks and T. Dietterich, ICLR 2019; the
strengths are this benchmark's own. Pictures are 28x28, light ink on dark, as MNIST's are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from benchmarks.accuracy.canvas import chosen
from benchmarks.accuracy.samples import Grey, LabelledPicture

SEVERITIES = (1, 2, 3)
SIDE = 28
Floats = NDArray[np.float64]


def gaussian_noise(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Add normal noise."""
    return digit + rng.normal(0, (20, 40, 60)[level], digit.shape)


def shot_noise(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Count photons: the fewer, the more noise where it is light."""
    photons = (60, 20, 8)[level]
    return rng.poisson(digit / 255 * photons) * (255 / photons)


def impulse_noise(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Turn some pixels black or white."""
    hit = rng.random(digit.shape) < (0.02, 0.05, 0.1)[level]
    return np.where(hit, 255.0 * rng.integers(0, 2, digit.shape), digit)


def blur(digit: Grey, level: int, _: np.random.Generator) -> Floats:
    """Blur evenly."""
    return np.asarray(Image.fromarray(digit).filter(ImageFilter.GaussianBlur((0.7, 1.2, 1.7)[level])), np.float64)


def motion_blur(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Smear along one direction."""
    steps = (3, 5, 7)[level]
    down, across = (1, 0) if rng.random() < 0.5 else (0, 1)
    padded = np.pad(digit.astype(np.float64), steps)
    shifted = [np.roll(padded, (down * step, across * step), (0, 1)) for step in range(-(steps // 2), steps // 2 + 1)]
    return np.asarray(np.mean(shifted, axis=0)[steps:-steps, steps:-steps])


def contrast(digit: Grey, level: int, _: np.random.Generator) -> Floats:
    """Bring all brightness nearer to the middle."""
    share = (0.6, 0.4, 0.25)[level]
    return 128 + share * (digit - 128.0)


def brightness(digit: Grey, level: int, _: np.random.Generator) -> Floats:
    """Lighten all."""
    return digit + (40.0, 80.0, 120.0)[level]


def translate(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Shift by pixels in any direction; up to four of them are empty around most digits."""
    angle, far = rng.uniform(0, 2 * np.pi), (2, 3, 4)[level]
    return _mapped(digit, (1, 0, far * np.cos(angle), 0, 1, far * np.sin(angle)))


def rotate(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Turn to either side."""
    angle = (10, 20, 30)[level] * rng.choice((-1, 1))
    turned = Image.fromarray(digit).rotate(angle, Image.Resampling.BICUBIC)
    return np.asarray(turned, np.float64)


def shear(digit: Grey, level: int, rng: np.random.Generator) -> Floats:
    """Slant to either side."""
    slant = (0.2, 0.4, 0.6)[level] * rng.choice((-1, 1))
    return _mapped(digit, (1, slant, -slant * (SIDE - 1) / 2, 0, 1, 0))


def scale(digit: Grey, level: int, _: np.random.Generator) -> Floats:
    """Make smaller around the middle."""
    by = 1 / (0.85, 0.7, 0.55)[level]
    off = (1 - by) * (SIDE - 1) / 2
    return _mapped(digit, (by, 0, off, 0, by, off))


KINDS: dict[str, Callable[[Grey, int, np.random.Generator], Floats]] = {
    "Gaussian noise": gaussian_noise, "shot noise": shot_noise, "impulse noise": impulse_noise, "blur": blur,
    "motion blur": motion_blur, "contrast": contrast, "brightness": brightness, "translate": translate,
    "rotate": rotate, "shear": shear, "scale": scale,
}  # fmt: skip


def corrupted(kind: str, severity: int, seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield ``count`` test digits, corrupted in one of `KINDS` with one of `SEVERITIES`."""
    rng = np.random.default_rng((seed, list(KINDS).index(kind), severity))
    for digit, label in chosen("test", seed, count):
        picture = KINDS[kind](digit, severity - 1, rng)
        yield LabelledPicture(np.clip(np.rint(picture), 0, 255).astype(np.uint8), label)


def _mapped(digit: Grey, inverse: tuple[float, ...]) -> Floats:
    moved = Image.fromarray(digit).transform((SIDE, SIDE), Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    return np.asarray(moved, np.float64)
