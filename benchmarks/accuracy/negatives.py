"""Generated pictures of no digit, to be refused: noise, paper without writing, light without paper.

Greys are float64 0 (black) to 255 (white) while a picture is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageFilter

from benchmarks.accuracy.samples import Field, Sample

SMALLEST, LARGEST = 28, 640  # pixels a side
Make = Callable[[np.random.Generator, int, int], Field]


def negatives(seed: int, count: int) -> Iterator[Sample]:
    """Yield ``count`` pictures of each kind, 28 to 640 pixels a side; every kind has a random stream of its own."""
    for number, (kind, make) in enumerate(KINDS.items()):
        rng = np.random.default_rng((seed, number))
        for _ in range(count):
            picture = make(rng, *_random_size(rng))
            yield Sample(np.clip(np.rint(picture), 0, 255).astype(np.uint8), "", kind)


def _uniform(rng: np.random.Generator, height: int, width: int) -> Field:
    low = rng.uniform(0, 160)
    return rng.uniform(low, rng.uniform(low + 30, 255), (height, width))


def _gaussian(rng: np.random.Generator, height: int, width: int) -> Field:
    return rng.normal(rng.uniform(20, 235), rng.uniform(4, 80), (height, width))


def _clouds(rng: np.random.Generator, height: int, width: int) -> Field:
    return rng.uniform(60, 200) + rng.uniform(8, 70) * _one_over_f(rng, height, width, rng.uniform(0.5, 1.8))


def _salt_pepper(rng: np.random.Generator, height: int, width: int) -> Field:
    ground = np.full((height, width), rng.choice([0.0, 255.0, rng.uniform(0, 255)]))
    hit = rng.random((height, width)) < 10 ** rng.uniform(-2.3, -0.4)
    return np.where(hit, np.where(rng.random((height, width)) < 0.5, 0.0, 255.0), ground)


def _gradients(rng: np.random.Generator, height: int, width: int) -> Field:
    low, high = rng.uniform(0, 255, 2)
    if rng.random() < 0.5:
        slope = _ramp(rng, height, width)
    else:
        rows, columns = np.mgrid[:height, :width]
        away = np.hypot(rows - rng.uniform(0, height), columns - rng.uniform(0, width))
        slope = away / away.max()
    grain = rng.choice([0, rng.uniform(0, 3)])
    picture: Field = low + (high - low) * slope ** rng.uniform(0.5, 2) + grain * rng.standard_normal((height, width))
    return picture


def _plain(rng: np.random.Generator, height: int, width: int) -> Field:
    grain = rng.choice([0, rng.uniform(0, 4)])
    picture: Field = rng.uniform(0, 255) + grain * rng.standard_normal((height, width))
    return picture


def _ruled(rng: np.random.Generator, height: int, width: int) -> Field:
    """Lines or squares; at least two lines cross the picture, for a single upright one is how a 1 is drawn."""
    sheet = _paper(rng, height, width, rng.uniform(150, 250), rng.uniform(0, 4))
    spacing, thick = rng.uniform(7, max(8, min(height, width) / 2)), rng.uniform(0.7, max(1, min(height, width) / 100))
    tilt, dark = rng.uniform(-0.15, 0.15), rng.uniform(25, 130)
    lines = _lines_mask(height, width, spacing, thick, tilt, rng.uniform(0, spacing))
    if rng.random() < 0.4:
        squares = _lines_mask(height, width, spacing, thick, tilt + np.pi / 2, rng.uniform(0, spacing))
        lines = np.maximum(lines, squares)
    return (sheet - dark * lines) * _shade(rng, height, width, rng.uniform(0.6, 1))


def _textured(rng: np.random.Generator, height: int, width: int) -> Field:
    """Recycled paper with fibres, cloth, crumples."""
    sheet = _paper(rng, height, width, rng.uniform(90, 240), rng.uniform(2, 16))
    for _ in range(int(rng.integers(1, 4))):
        weave = _lines_mask(height, width, rng.uniform(3, 9), rng.uniform(1, 3), rng.uniform(0, np.pi), 0)
        sheet -= rng.choice([0, rng.uniform(0, 14)]) * weave
    crumple = _one_over_f(rng, height, width, 2.0)
    sheet += rng.uniform(0, 10) * np.abs(crumple)
    return sheet * _shade(rng, height, width, rng.uniform(0.5, 1))


def _stripes(rng: np.random.Generator, height: int, width: int) -> Field:
    """At least two periods of bars as broad as the gaps, sharp or soft."""
    low = rng.uniform(0, 215)
    high = rng.uniform(low + 25, 255)
    period, angle = rng.uniform(4, min(height, width) / 2), rng.uniform(0, np.pi)
    rows, columns = np.mgrid[:height, :width]
    wave = np.sin((rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / period + rng.uniform(0, 6))
    bars = np.clip(wave * 10 ** rng.uniform(0, 1.5), -1, 1)
    picture: Field = low + (high - low) * (bars + 1) / 2 + rng.uniform(0, 4) * rng.standard_normal((height, width))
    return picture


def _shadows(rng: np.random.Generator, height: int, width: int) -> Field:
    """Blank paper on which a hand, a head or the edge of a phone throws its shadow."""
    sheet = _paper(rng, height, width, rng.uniform(140, 250), rng.uniform(0, 3))
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    for _ in range(int(rng.integers(1, 4))):
        angle, radii = rng.uniform(0, np.pi), rng.uniform(0.15, 0.7, 2)
        down, right = rows - rng.uniform(0, 1), columns - rng.uniform(0, 1)
        along, across = down * np.cos(angle) + right * np.sin(angle), right * np.cos(angle) - down * np.sin(angle)
        inside = 255.0 * ((along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1)
        soft = _smooth(inside, rng.uniform(0.02, 0.12) * max(height, width)) / 255
        sheet *= 1 - rng.uniform(0.1, 0.6) * soft
    return sheet * _shade(rng, height, width, rng.uniform(0.5, 1))


def _black_frame(rng: np.random.Generator, height: int, width: int) -> Field:
    """A scanner's black border, or the table under the sheet, on one to four sides."""
    sheet = _paper(rng, height, width, rng.uniform(150, 255), rng.uniform(0, 4))
    sides = rng.permutation(4)[: rng.integers(1, 5)]
    rows, columns = np.mgrid[:height, :width]
    tilt = rng.uniform(-0.05, 0.05)
    for side in sides:
        depth = rng.uniform(0.02, 0.2) * min(height, width)
        away = (rows, height - 1 - rows, columns, width - 1 - columns)[side] + tilt * (columns if side < 2 else rows)
        sheet = np.where(away < depth, rng.uniform(0, 60), sheet)
    return _smooth(np.clip(sheet, 0, 255), rng.choice([0, rng.uniform(0, 1.5)]))


def _random_size(rng: np.random.Generator) -> tuple[int, int]:
    """Return height and width, evenly spread over the octaves, at most 2:1."""
    size = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
    other = float(np.clip(size * np.exp(rng.uniform(-np.log(2), np.log(2))), SMALLEST, LARGEST))
    return round(size), round(other)


def _one_over_f(rng: np.random.Generator, height: int, width: int, exponent: float) -> Field:
    """Noise whose amplitude falls with frequency as ``1 / f ** exponent``; mean 0, standard deviation 1."""
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**exponent
    noise: Field = np.fft.irfft2(spectrum, s=(height, width))
    unit: Field = (noise - noise.mean()) / max(float(noise.std()), 1e-9)
    return unit


def _ramp(rng: np.random.Generator, height: int, width: int) -> Field:
    """0 to 1 over the picture in a random direction."""
    angle = rng.uniform(0, 2 * np.pi)
    rows, columns = np.mgrid[:height, :width]
    plane: Field = rows * np.sin(angle) + columns * np.cos(angle)
    slope: Field = (plane - plane.min()) / max(float(np.ptp(plane)), 1e-9)
    return slope


def _smooth(picture: Field, radius: float) -> Field:
    """Gaussian blur; ``radius`` is the standard deviation in pixels."""
    if radius <= 0:
        return picture
    blurred = Image.fromarray(picture.astype(np.float32)).convert("L").filter(ImageFilter.GaussianBlur(float(radius)))
    return np.asarray(blurred, np.float64)


def _shade(rng: np.random.Generator, height: int, width: int, darkest: float) -> Field:
    """Light that reaches the paper, 1 down to ``darkest``: a slope, and now and then the soft edge of a shadow."""
    light = 1 - _ramp(rng, height, width) * rng.uniform(0, 1 - darkest)
    if rng.random() < 0.4:
        edge = _ramp(rng, height, width)
        at, softness = rng.uniform(0.2, 0.8), rng.uniform(0.01, 0.2)
        light *= 1 - rng.uniform(0, 1 - darkest) / (1 + np.exp(np.clip((edge - at) / softness, -50, 50)))
    return np.maximum(light, darkest)


def _paper(rng: np.random.Generator, height: int, width: int, white: float, grain: float) -> Field:
    """Blank paper of mean grey ``white``, with ``grain`` grey levels of fine and coarse texture."""
    coarse = _one_over_f(rng, height, width, rng.uniform(0.3, 1.0))
    return white + grain * (0.6 * coarse + 0.4 * rng.standard_normal((height, width)))


def _lines_mask(height: int, width: int, spacing: float, thick: float, angle: float, offset: float) -> Field:
    """Anti-aliased parallel lines, 0 to 1; ``angle`` in radians, 0 is horizontal."""
    rows, columns = np.mgrid[:height, :width]
    across = rows * np.cos(angle) - columns * np.sin(angle) - offset
    distance = np.abs((across + spacing / 2) % spacing - spacing / 2)
    mask: Field = np.clip(thick / 2 + 0.5 - distance, 0, 1)
    return mask


KINDS: dict[str, Make] = {
    "uniform": _uniform,
    "gaussian": _gaussian,
    "one_over_f": _clouds,
    "salt_pepper": _salt_pepper,
    "gradients": _gradients,
    "plain": _plain,
    "ruled": _ruled,
    "textured": _textured,
    "stripes": _stripes,
    "shadows": _shadows,
    "black_frame": _black_frame,
}
