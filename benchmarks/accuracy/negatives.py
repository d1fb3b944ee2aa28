"""What is no digit and has to be refused: noise, paper without writing, light without paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from drawing import Field, Sample, finish, lines_mask, one_over_f, paper, ramp, random_size, shade, smooth

Make = Callable[[np.random.Generator, int, int], Field]


def negatives(seed: int, count: int, kinds: tuple[str, ...] | None = None) -> Iterator[Sample]:
    """``count`` pictures of each kind, 28 to 640 pixels a side; every kind has a stream of its own."""
    for number, (kind, make) in enumerate(KINDS.items()):
        if kinds is None or kind in kinds:
            rng = np.random.default_rng((seed, number))
            for _ in range(count):
                yield Sample(finish(make(rng, *random_size(rng))), "", kind)


def _uniform(rng: np.random.Generator, height: int, width: int) -> Field:
    low = rng.uniform(0, 160)
    return rng.uniform(low, rng.uniform(low + 30, 255), (height, width))


def _gaussian(rng: np.random.Generator, height: int, width: int) -> Field:
    return rng.normal(rng.uniform(20, 235), rng.uniform(4, 80), (height, width))


def _one_over_f(rng: np.random.Generator, height: int, width: int) -> Field:
    return rng.uniform(60, 200) + rng.uniform(8, 70) * one_over_f(rng, height, width, rng.uniform(0.5, 1.8))


def _salt_pepper(rng: np.random.Generator, height: int, width: int) -> Field:
    ground = np.full((height, width), rng.choice([0.0, 255.0, rng.uniform(0, 255)]))
    hit = rng.random((height, width)) < 10 ** rng.uniform(-2.3, -0.4)
    return np.where(hit, np.where(rng.random((height, width)) < 0.5, 0.0, 255.0), ground)


def _gradients(rng: np.random.Generator, height: int, width: int) -> Field:
    low, high = rng.uniform(0, 255, 2)
    if rng.random() < 0.5:
        slope = ramp(rng, height, width)
    else:
        rows, columns = np.mgrid[:height, :width]
        away = np.hypot(rows - rng.uniform(0, height), columns - rng.uniform(0, width))
        slope = away / away.max()
    grain = rng.choice([0, rng.uniform(0, 3)])
    return low + (high - low) * slope ** rng.uniform(0.5, 2) + grain * rng.standard_normal((height, width))


def _plain(rng: np.random.Generator, height: int, width: int) -> Field:
    grain = rng.choice([0, rng.uniform(0, 4)])
    return rng.uniform(0, 255) + grain * rng.standard_normal((height, width))


def _ruled(rng: np.random.Generator, height: int, width: int) -> Field:
    """Lines or squares; at least two lines cross the picture, for a single upright one is how a 1 is drawn."""
    sheet = paper(rng, height, width, rng.uniform(150, 250), rng.uniform(0, 4))
    spacing, thick = rng.uniform(7, max(8, min(height, width) / 2)), rng.uniform(0.7, max(1, min(height, width) / 100))
    tilt, dark = rng.uniform(-0.15, 0.15), rng.uniform(25, 130)
    lines = lines_mask(height, width, spacing, thick, tilt, rng.uniform(0, spacing))
    if rng.random() < 0.4:
        squares = lines_mask(height, width, spacing, thick, tilt + np.pi / 2, rng.uniform(0, spacing))
        lines = np.maximum(lines, squares)
    return (sheet - dark * lines) * shade(rng, height, width, rng.uniform(0.6, 1))


def _textured(rng: np.random.Generator, height: int, width: int) -> Field:
    """Recycled paper with fibres, cloth, crumples."""
    sheet = paper(rng, height, width, rng.uniform(90, 240), rng.uniform(2, 16))
    for _ in range(int(rng.integers(1, 4))):
        weave = lines_mask(height, width, rng.uniform(3, 9), rng.uniform(1, 3), rng.uniform(0, np.pi), 0)
        sheet -= rng.choice([0, rng.uniform(0, 14)]) * weave
    crumple = one_over_f(rng, height, width, 2.0)
    sheet += rng.uniform(0, 10) * np.abs(crumple)
    return sheet * shade(rng, height, width, rng.uniform(0.5, 1))


def _stripes(rng: np.random.Generator, height: int, width: int) -> Field:
    """At least two periods of bars as broad as the gaps, sharp or soft."""
    low = rng.uniform(0, 215)
    high = rng.uniform(low + 25, 255)
    period, angle = rng.uniform(4, min(height, width) / 2), rng.uniform(0, np.pi)
    rows, columns = np.mgrid[:height, :width]
    wave = np.sin((rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / period + rng.uniform(0, 6))
    bars = np.clip(wave * 10 ** rng.uniform(0, 1.5), -1, 1)
    return low + (high - low) * (bars + 1) / 2 + rng.uniform(0, 4) * rng.standard_normal((height, width))


def _shadows(rng: np.random.Generator, height: int, width: int) -> Field:
    """Blank paper on which a hand, a head or the edge of a phone throws its shadow."""
    sheet = paper(rng, height, width, rng.uniform(140, 250), rng.uniform(0, 3))
    rows, columns = np.mgrid[:height, :width] / max(height, width)
    for _ in range(int(rng.integers(1, 4))):
        angle, radii = rng.uniform(0, np.pi), rng.uniform(0.15, 0.7, 2)
        down, right = rows - rng.uniform(0, 1), columns - rng.uniform(0, 1)
        along, across = down * np.cos(angle) + right * np.sin(angle), right * np.cos(angle) - down * np.sin(angle)
        inside = 255.0 * ((along / radii[0]) ** 2 + (across / radii[1]) ** 2 < 1)
        soft = smooth(inside, rng.uniform(0.02, 0.12) * max(height, width)) / 255
        sheet *= 1 - rng.uniform(0.1, 0.6) * soft
    return sheet * shade(rng, height, width, rng.uniform(0.5, 1))


def _black_frame(rng: np.random.Generator, height: int, width: int) -> Field:
    """A scanner's black border, or the table under the sheet, on one to four sides."""
    sheet = paper(rng, height, width, rng.uniform(150, 255), rng.uniform(0, 4))
    sides = rng.permutation(4)[: rng.integers(1, 5)]
    rows, columns = np.mgrid[:height, :width]
    tilt = rng.uniform(-0.05, 0.05)
    for side in sides:
        depth = rng.uniform(0.02, 0.2) * min(height, width)
        away = (rows, height - 1 - rows, columns, width - 1 - columns)[side] + tilt * (columns if side < 2 else rows)
        sheet = np.where(away < depth, rng.uniform(0, 60), sheet)
    return smooth(np.clip(sheet, 0, 255), rng.choice([0, rng.uniform(0, 1.5)]))


KINDS: dict[str, Make] = {
    "uniform": _uniform,
    "gaussian": _gaussian,
    "one_over_f": _one_over_f,
    "salt_pepper": _salt_pepper,
    "gradients": _gradients,
    "plain": _plain,
    "ruled": _ruled,
    "textured": _textured,
    "stripes": _stripes,
    "shadows": _shadows,
    "black_frame": _black_frame,
}
