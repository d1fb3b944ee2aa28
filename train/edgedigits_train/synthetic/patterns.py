"""Patterns: pictures without any writing, such as noise, light, texture, stripes and frames; uint8 ``[H, W]``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgedigits_train.synthetic.paper import border_lines, compressed, light, texture

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator


def random_pattern(size: int, rng: Rng) -> Grey:
    """Draw one of `PATTERNS`, ``[size, size]``, at random blurred, inverted, in a dark border or with JPEG losses."""
    levels = PATTERNS[int(rng.integers(len(PATTERNS)))](size, rng)
    grey = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        grey = np.array(Image.fromarray(grey).filter(ImageFilter.GaussianBlur(rng.uniform(0.3, size / 20))))
    if rng.random() < 0.3:
        grey = np.bitwise_not(grey)
    if rng.random() < 0.45:
        border = round(size * rng.uniform(0.04, 0.25))
        dark = np.zeros_like(grey)
        dark[border:-border, border:-border] = grey[border:-border, border:-border]
        grey = dark
    return compressed(grey, int(rng.integers(20, 90))) if rng.random() < 0.2 else grey


def _uniform(size: int, rng: Rng) -> Floats:
    return rng.random((size, size), np.float32) * np.float32(rng.uniform(60, 255))


def _gaussian(size: int, rng: Rng) -> Floats:
    spread, centre = np.float32(rng.uniform(8, 80)), np.float32(rng.uniform(0, 200))
    return np.clip(centre + spread * rng.standard_normal((size, size), np.float32), 0, 255)


def _salt_and_pepper(size: int, rng: Rng) -> Floats:
    drawn, share = rng.random((size, size), np.float32), rng.uniform(0.01, 0.4)
    base = np.float32(rng.choice([0.0, 0.0, rng.uniform(0, 255)]))
    return np.where(drawn < share / 2, np.float32(0), np.where(drawn > 1 - share / 2, np.float32(255), base))


def _coloured(size: int, rng: Rng) -> Floats:
    """Draw noise whose spectrum falls with the frequency, as in clouds."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) / frequency ** rng.uniform(0.5, 2)
    field = np.fft.irfft2(spectrum, (size, size))
    low, high = np.quantile(field, (0.02, 0.98))
    return np.asarray(np.clip((field - low) / (high - low), 0, 1) * rng.uniform(60, 255), np.float32)


def _blobs(size: int, rng: Rng) -> Floats:
    """Draw islands where such noise is above a level."""
    field = _coloured(size, rng)
    level = np.quantile(field, rng.uniform(0.5, 0.92))
    return np.asarray(np.clip((field - level) * 8, 0, 255), np.float32)


def _gradient(size: int, rng: Rng) -> Floats:
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    along = np.cos(angle) * x + np.sin(angle) * y if rng.random() < 0.6 else np.hypot(x - np.cos(angle), y)
    low, high = np.sort(rng.uniform(0, 255, 2))
    return np.asarray(low + (high - low) * np.clip(along / 2 + 0.5, 0, 1), np.float32)


def _stripes(size: int, rng: Rng) -> Floats:
    """Draw soft or hard stripes in one direction or, as a grid, in two."""
    y, x = np.mgrid[0:size, 0:size]
    angle = rng.choice([0.0, np.pi / 2, rng.uniform(0, np.pi)])
    period, phase, hard = rng.uniform(2.5, max(4, size / 3)), rng.uniform(0, 2 * np.pi), rng.uniform(1, 6)
    share = rng.uniform(-0.9, 0.5)
    waves = [
        np.cos((np.cos(turn) * x + np.sin(turn) * y) * 2 * np.pi / period + phase)
        for turn in (angle, angle + np.pi / 2)
    ]
    field = waves[0] if rng.random() < 0.6 else np.maximum(*waves)
    return np.asarray(np.clip((field + share) * hard, 0, 1) * rng.uniform(80, 255), np.float32)


def _frame(size: int, rng: Rng) -> Floats:
    """Draw lines along three or four sides; a single line is a 1, and two may be a 7."""
    inset = int(rng.uniform(0, 0.3) * size)
    inner = size - 2 * inset
    lines = np.zeros((size, size), np.float32)
    lines[inset : inset + inner, inset : inset + inner] = border_lines((inner, inner), 0.3 * inner, rng, least=3)
    return lines


def _paper(size: int, rng: Rng) -> Floats:
    """Draw empty paper with its contrast stretched to the full range, as a careless program would do."""
    field = light((size, size), rng) + texture((size, size), rng)
    low, high = float(field.min()), float(field.max())
    return (high - field) * np.float32(255 / max(high - low, 1.0))


def _shadow(size: int, rng: Rng) -> Floats:
    """Draw one to three soft shapes."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    field = np.zeros((size, size))
    for _ in range(int(rng.integers(1, 4))):
        (cy, cx), (ry, rx) = rng.uniform(-0.8, 0.8, 2), rng.uniform(0.15, 0.9, 2)
        field += rng.uniform(80, 220) * np.exp(-(((y - cy) / ry) ** 2) - ((x - cx) / rx) ** 2)
    return np.asarray(np.clip(field, 0, 255), np.float32)


PATTERNS: tuple[Callable[[int, Rng], Floats], ...] = (
    _uniform, _gaussian, _salt_and_pepper, _coloured, _blobs, _gradient, _stripes, _frame, _paper, _shadow,
)  # fmt: skip
