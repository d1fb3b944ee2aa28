"""Ink on paper, as cameras, scanners and screens show it: grey pictures, uint8 ``[H, W]``.

There are six styles: a cell cut out of a photograph (uneven light, grain, remains of ruling, JPEG), tightly cropped
scans of 16x16 grey pixels, of 8x8 pixels with 17 grey levels and of 32x32 black and white pixels, clean drawings of any
size, and arrays of MNIST's size. They imitate the kinds of pictures that devices receive, not an evaluation set.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from edgedigits_train.synthetic.ink import Ink, change_strokes, clip_edge, fit, thicken

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator

_CLIPPED = 0.12


@dataclass(frozen=True, slots=True)
class Picture:
    """A grey picture and the ink in it.

    Attributes
    ----------
    grey: uint8 ``[H, W]``.
    ink: the ink on the paper; None if there is none.
    mnist: whether the pipeline takes the picture for an array in MNIST's format, whatever it looks like.

    """

    grey: Grey
    ink: Ink | None
    mnist: bool = False


def photograph(ink: Ink, rng: Rng, *, coarse: bool = True) -> Picture:
    """Draw ink in one of `STYLES`, with changed strokes; ``coarse`` allows scans of 8x8 pixels."""
    ink = change_strokes(ink, rng) if rng.random() < 0.7 else ink
    ink = clip_edge(ink, rng) if rng.random() < _CLIPPED else ink
    styles = [(share, style) for share, style in STYLES if coarse or style is not scan_8]
    shares = np.cumsum([share for share, _ in styles])
    style = styles[int(np.searchsorted(shares, rng.random() * shares[-1]))][1]
    return Picture(style(ink, rng), ink)


def photographed_cell(ink: Ink, rng: Rng) -> Grey:
    """Draw a photographed cell of a form or puzzle: 10-110 pixels tall, uneven light, grain, lines near the border."""
    height = float(np.exp(rng.uniform(np.log(10), np.log(110))))
    margins = np.maximum(height * rng.uniform(0.12, 0.7, 4), 1)
    small = fit(ink, height)
    field = _placed(small, margins)
    ink_depth, grain = rng.uniform(0.3, 0.9), rng.uniform(0, 0.3)
    coverage = np.asarray(field, np.float32) / 255
    coverage *= ink_depth * (1 - np.float32(grain) * rng.random(coverage.shape, np.float32))
    if rng.random() < 0.4:
        lines = np.asarray(border_lines(field.size, float(margins.min()), rng), np.float32) / 255
        coverage = np.maximum(coverage, lines * np.float32(rng.uniform(0.3, 0.9)))
    levels = light(coverage.shape, rng) * (1 - coverage)
    blur = rng.uniform(0, max(0.6, height / 28))
    picture = Image.fromarray(_grey(levels)).filter(ImageFilter.GaussianBlur(blur))
    noisy = np.asarray(picture, np.float32) + texture(coverage.shape, rng)
    grey = _grey(255 - noisy if rng.random() < 0.08 else noisy)
    return compressed(grey, int(rng.integers(30, 92))) if rng.random() < 0.5 else grey


def scan_16(ink: Ink, rng: Rng) -> Grey:
    """Draw a scan of an address: about 16 grey pixels tall or wide, cropped tightly, soft."""
    size = int(rng.integers(13, 18))
    field = _placed(fit(ink, size), rng.integers(0, 2, 4).astype(np.float64))
    soft = field.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.7)))
    noisy = np.asarray(soft, np.float32) + rng.normal(0, rng.uniform(0.1, 7), (field.height, field.width))
    return _either(_grey(noisy.astype(np.float32)), rng)


def scan_8(ink: Ink, rng: Rng) -> Grey:
    """Draw 8x8 pixels, each of which counts the ink in 4x4 pixels of a black and white scan."""
    bitmap = _bitmap(ink, rng)
    counts = bitmap.reshape(8, 4, 8, 4).sum(axis=(1, 3))
    return _either(_grey(counts.astype(np.float32) * np.float32(255 / 16)), rng)


def scan_32(ink: Ink, rng: Rng) -> Grey:
    """Draw a scan of 32x32 black and white pixels, often with thick strokes."""
    return _either((_bitmap(ink, rng) * 255).astype(np.uint8), rng)


def drawing(ink: Ink, rng: Rng) -> Grey:
    """Draw a clean drawing, rendering or screenshot, 16-120 pixels tall, of either polarity."""
    height = float(np.exp(rng.uniform(np.log(16), np.log(120))))
    field = _placed(fit(ink, height), np.maximum(height * rng.uniform(0.05, 1.0, 4), 1))
    low, high = rng.uniform(0, 60), rng.uniform(200, 255)
    levels = np.asarray(field.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9))), np.float32) / 255
    return _either(_grey(low + (high - low) * levels), rng)


def array_28(ink: Ink, rng: Rng) -> Grey:
    """Draw an array of MNIST's size, of either polarity, with the ink near the middle."""
    small = fit(ink, rng.uniform(15, 23))
    field = Image.new("L", (28, 28))
    x, y = ((28 - side) / 2 + rng.uniform(-3, 3) for side in small.size)
    field.paste(small, (round(x), round(y)))
    soft = field.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.6)))
    return _either(np.array(soft), rng)


STYLES: tuple[tuple[float, Callable[[Ink, Rng], Grey]], ...] = (
    (0.40, photographed_cell),
    (0.14, scan_16),
    (0.14, scan_8),
    (0.12, scan_32),
    (0.12, drawing),
    (0.08, array_28),
)


def light(shape: tuple[int, ...], rng: Rng) -> Floats:
    """Return the brightness of empty paper, float32 ``[H, W]``: a slope, sometimes with the soft edge of a shadow."""
    height, width = shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    along = (np.cos(angle) * (x / width - 0.5) + np.sin(angle) * (y / height - 0.5)).astype(np.float32)
    field = rng.uniform(110, 250) * (1 + rng.uniform(0, 0.45) * along)
    if rng.random() < 0.15:
        edge = np.clip((along - rng.uniform(-0.4, 0.4)) / rng.uniform(0.1, 0.5), 0, 1)
        field *= 1 - rng.uniform(0.15, 0.5) * edge
    return np.asarray(field, np.float32)


def texture(shape: tuple[int, ...], rng: Rng) -> Floats:
    """Return sensor noise and the paper's grain, float32 ``[H, W]`` grey levels around 0."""
    height, width = shape
    noise = rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0, 6))
    coarse = rng.standard_normal((height // 3 + 1, width // 3 + 1), np.float32) * np.float32(rng.uniform(0, 5))
    grain = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR), np.float32)
    return np.asarray(noise + grain, np.float32)


def border_lines(size: tuple[int, int], margin: float, rng: Rng, least: int = 1) -> Image.Image:
    """Draw remains of ruling along ``least`` to four sides, near the border; mode ``L``, 255 on a line."""
    width, height = size
    field = Image.new("L", size)
    draw = ImageDraw.Draw(field)
    thick = max(1, round(rng.uniform(0.01, 0.06) * min(size)))
    for side in rng.permutation(4)[: int(rng.integers(least, 5))]:
        near, far = rng.uniform(-thick / 2, 0.5 * margin, 2)
        match int(side):
            case 0:
                draw.line((0, near, width, far), 255, thick)
            case 1:
                draw.line((0, height - 1 - near, width, height - 1 - far), 255, thick)
            case 2:
                draw.line((near, 0, far, height), 255, thick)
            case _:
                draw.line((width - 1 - near, 0, width - 1 - far, height), 255, thick)
    return field


def compressed(grey: Grey, quality: int) -> Grey:
    """Return a picture with the losses of JPEG."""
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        return np.array(picture)


def _placed(ink: Ink, margins: NDArray[np.float64]) -> Image.Image:
    left, top, right, bottom = (round(margin) for margin in margins.tolist())
    field = Image.new("L", (ink.width + left + right, ink.height + top + bottom))
    field.paste(ink, (left, top))
    return field


def _bitmap(ink: Ink, rng: Rng) -> NDArray[np.bool_]:
    """Return ink in black and white, bool ``[32, 32]``, whose longer side fills the bitmap or nearly does."""
    small = fit(thicken(ink, rng) if rng.random() < 0.5 else ink, rng.integers(27, 33))
    field = Image.new("L", (32, 32))
    field.paste(small, ((32 - small.width) // 2, int(rng.integers(0, 33 - small.height))))
    return np.asarray(field) > rng.uniform(85, 150)


def _either(grey: Grey, rng: Rng) -> Grey:
    return np.bitwise_not(grey) if rng.random() < 0.5 else grey


def _grey(levels: Floats) -> Grey:
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
