"""Exposure: a view as a camera, scanner or screen records it, with its light, focus, noise and compression."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from edgedigits_train.scenes.sheet import View
from edgedigits_train.synthetic.paper import compressed, light, texture

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator

_ENLARGED = (
    Image.Resampling.BICUBIC, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR,
    Image.Resampling.LANCZOS, Image.Resampling.NEAREST,
)  # fmt: skip
# A camera's focus is about the softest at which people still read digits of this share of the blur's deviation.
_SOFTEST = 1 / 13


def photographed(view: View, height: float, rng: Rng) -> Grey:
    """Photograph a view whose digits are ``height`` pixels tall: uneven light, soft focus, grain, noise, JPEG."""
    ink = view.ink.astype(np.float32) / 255 * np.float32(rng.uniform(0.3, 1))
    if rng.random() < 0.4:
        ink *= 1 - np.float32(rng.uniform(0, 0.45)) * rng.random(ink.shape, np.float32)
    levels = light(ink.shape, rng) * (1 - ink)
    if view.tint is not None:
        levels *= 1 - view.tint.astype(np.float32) / 255
    soft = _blurred(_grey(levels), height, rng)
    return _recorded(soft, rng)


def drawn(view: View, height: float, rng: Rng) -> Grey:
    """Render a view as screens and drawing programs do: even ground, sharp or slightly soft; or in black and white."""
    low, high = rng.uniform(0, 80), rng.uniform(180, 255)
    levels = high + (low - high) * view.ink.astype(np.float32) / 255
    if rng.random() < 0.25:
        threshold = rng.uniform(0.3, 0.6) * max(float(view.ink.max()), 25.5)
        return np.where(view.ink > threshold, np.uint8(0), np.uint8(255))
    grey = _grey(levels)
    return _blurred(grey, height / 3, rng) if rng.random() < 0.4 else grey


def coarse(grey: Grey, factor: float, rng: Rng) -> Grey:
    """Return a picture as if it had been taken with ``factor`` times fewer pixels and enlarged again."""
    height, width = grey.shape
    small = max(3, round(width / factor)), max(3, round(height / factor))
    way = Image.Resampling.BOX if rng.random() < 0.7 else Image.Resampling.BILINEAR
    fewer = Image.fromarray(grey).resize(small, way)
    if rng.random() < 0.3:
        fewer = Image.fromarray(compressed(np.asarray(fewer), int(rng.integers(35, 95))))
    return np.array(fewer.resize((width, height), _ENLARGED[int(rng.integers(len(_ENLARGED)))]))


def _blurred(grey: Grey, height: float, rng: Rng) -> Grey:
    """Defocus or move the camera; the blur's deviation follows the size of the digits."""
    radius = height * _SOFTEST * rng.random() ** 1.4
    if radius < 0.3:
        return grey
    image = Image.fromarray(grey)
    kind = rng.random()
    if kind < 0.15:
        image = image.filter(_motion(min(2, round(radius)), rng)) if radius >= 0.7 else image
        radius /= 2
    # A lens out of focus spreads a point over a disc, which a box is nearer to than a bell.
    way = ImageFilter.BoxBlur(radius * 1.5) if kind > 0.75 else ImageFilter.GaussianBlur(radius)
    return np.array(image.filter(way))


def _motion(reach: int, rng: Rng) -> ImageFilter.Kernel:
    """Return the kernel of a straight movement by up to five pixels."""
    angle = rng.uniform(0, np.pi)
    weights = np.zeros((5, 5))
    for step in np.linspace(-reach, reach, 9):
        weights[round(2 + step * np.sin(angle)), round(2 + step * np.cos(angle))] += 1
    return ImageFilter.Kernel((5, 5), weights.reshape(-1).tolist())


def _recorded(grey: Grey, rng: Rng) -> Grey:
    noisy = _grey(grey + texture(grey.shape, rng) * np.float32(rng.uniform(0.2, 1.4)))
    return compressed(noisy, int(rng.integers(25, 95))) if rng.random() < 0.4 else noisy


def _grey(levels: Floats) -> Grey:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
