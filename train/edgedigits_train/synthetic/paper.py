"""Bare paper, as cameras record it: its light, its grain, the remains of ruling, and the losses of JPEG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator


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
