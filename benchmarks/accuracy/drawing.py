"""What every generated set shares: a sample, and the accidents of paper, light, lens and file format.

Greys are float64 0 (black) to 255 (white) while a picture is being made; `finish` makes uint8 of them.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Grey = NDArray[np.uint8]
Field = NDArray[np.float64]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture to be classified.

    Attributes
    ----------
    image: uint8 ``[H, W]``.
    truth: the digit as text, or "" for what is no digit and is to be refused.
    kind: what it was made as: the kind of noise, the font, the corruption.
    name: which one of its kind, where that has a name: the letter, the file.

    """

    image: Grey
    truth: str
    kind: str
    name: str = ""


def finish(picture: Field) -> Grey:
    """Rounded and clipped, never wrapped."""
    done: Grey = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return done


def random_size(rng: np.random.Generator, low: int = 28, high: int = 640) -> tuple[int, int]:
    """Height and width, evenly spread over the octaves, at most 2:1."""
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    other = float(np.clip(size * np.exp(rng.uniform(-np.log(2), np.log(2))), low, high))
    return round(size), round(other)


def one_over_f(rng: np.random.Generator, height: int, width: int, exponent: float) -> Field:
    """Noise whose amplitude falls with frequency as ``1 / f ** exponent``; mean 0, standard deviation 1."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**exponent
    noise: Field = np.fft.irfft2(spectrum, s=(height, width))
    return (noise - noise.mean()) / max(float(noise.std()), 1e-9)


def ramp(rng: np.random.Generator, height: int, width: int) -> Field:
    """0 to 1 over the picture in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:height, :width]
    plane: Field = rows * np.sin(angle) + columns * np.cos(angle)
    return (plane - plane.min()) / max(float(np.ptp(plane)), 1e-9)


def smooth(picture: Field, radius: float) -> Field:
    """Gaussian blur; ``radius`` is the standard deviation in pixels."""
    if radius <= 0:
        return picture
    blurred = Image.fromarray(picture.astype(np.float32)).convert("L").filter(ImageFilter.GaussianBlur(float(radius)))
    return np.asarray(blurred, np.float64)


def shade(rng: np.random.Generator, height: int, width: int, darkest: float) -> Field:
    """Light that reaches the paper, 1 down to ``darkest``: a slope, and now and then the soft edge of a shadow."""
    light = 1 - ramp(rng, height, width) * rng.uniform(0, 1 - darkest)
    if rng.random() < 0.4:
        edge = ramp(rng, height, width)
        at, softness = rng.uniform(0.2, 0.8), rng.uniform(0.01, 0.2)
        light *= 1 - rng.uniform(0, 1 - darkest) / (1 + np.exp(np.clip((edge - at) / softness, -50, 50)))
    return np.maximum(light, darkest)


def paper(rng: np.random.Generator, height: int, width: int, white: float, grain: float) -> Field:
    """Blank paper of mean grey ``white``, with ``grain`` grey levels of fine and coarse texture."""
    coarse = one_over_f(rng, height, width, rng.uniform(0.3, 1.0))
    return white + grain * (0.6 * coarse + 0.4 * rng.standard_normal((height, width)))


def lines_mask(height: int, width: int, spacing: float, thick: float, angle: float, offset: float) -> Field:
    """Anti-aliased parallel lines, 0 to 1; ``angle`` in radians, 0 is horizontal."""
    rows, columns = np.mgrid[:height, :width]
    across = rows * np.cos(angle) - columns * np.sin(angle) - offset
    distance = np.abs((across + spacing / 2) % spacing - spacing / 2)
    return np.clip(thick / 2 + 0.5 - distance, 0, 1)


def jpeg(picture: Grey, quality: int) -> Grey:
    """What JPEG of this quality leaves."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(picture: Grey, height: int, width: int) -> Grey:
    """Bicubic."""
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
