"""Lays a page straight, told by nothing but where its digits are.

The skew is the angle under which most digits have a neighbour at their level. From there the slope of the lines is
fitted as one that changes along them, as on curved paper, and across them, as in perspective. Pairs of digits that do
not follow each other in a line lose their weight in the fit (S. Geman and D. McClure, "Statistical methods for
tomographic image reconstruction", Bulletin of the ISI 52 (1987)).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Right is real, down is imaginary.
Places = NDArray[np.complex128]

# The largest skew that is looked for, in degrees. A grid has neighbours along its diagonals, too: a turn by a radian
# is less likely by this share. It needs this much evidence, in pairs of close neighbours: two do not show a slope.
LIMIT, UNLIKELY, EVIDENCE = 35, 0.8, 0.4
# So many neighbours are looked at, of so many digits at most; the higher one is at most so many times as high.
NEIGHBOURS, ANCHORS, HIGHER = 10, 120, 1.43
# Two digits whose levels differ by this many heights do not stand beside each other. In the steps of the fit, a pair
# that is so far off loses three quarters of its weight.
OFF, FIT_OFF = 0.3, (0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
# So many pairs of close neighbours hold the slope, its change along the lines and its change across them at 0.
HELD = np.diag([1.0, 0.3, 0.3])


class Straight(NamedTuple):
    """Items on a straight page: how far right of its middle and below it theirs are, and their sizes, ``[N]`` each."""

    along: Floats
    across: Floats
    width: Floats
    height: Floats


def straighten(boxes: Floats, digits: int) -> tuple[float, Straight]:
    """Return the degrees by which lines fall to the right in the middle of a page, and the page laid straight.

    ``boxes`` is float64 ``[N, 4]``: top, left, bottom, right. The first ``digits`` of them, at least one, are boxes of
    digits and tell the slope.
    """
    top, left, bottom, right = boxes.T
    width, height = np.maximum(right - left, 1e-6), np.maximum(bottom - top, 1e-6)
    places = (left + right + 1j * (top + bottom)) / 2
    places -= places[:digits].mean()
    one, other, weight = _neighbours(places[:digits], height[:digits])
    steps = (places[other] - places[one]) / height[one]
    angle = _usual_angle(steps, weight)
    places *= np.exp(-1j * angle)
    size = max(float(np.abs(places[:digits]).max()), 1.0)
    level, bend, spread = _fit(steps * np.exp(-1j * angle), (places[one] + places[other]) / (2 * size), weight)
    at = places.real / size
    # Lines that diverge in the picture are parallel on the page; the integrals are by Simpson's rule.
    half, stretch = np.exp(-spread * at / 2), np.exp(-spread * at)
    along = at / 6 * (1 + 4 * half + stretch)
    fall = at / 6 * (level + 4 * half * (level + bend * at / 2) + stretch * (level + bend * at))
    page = Straight(along * size, places.imag * stretch - fall * size, width * stretch, height * stretch)
    return float(np.degrees(angle + np.arctan(level))), page


def _neighbours(places: Places, height: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Return digits, digits of about their height to the right of them, and weights that fall with the distance."""
    some = np.linspace(0, len(places) - 1, min(len(places), ANCHORS)).round().astype(np.intp)
    steps = (places - places[some, None]) / height[some, None]
    unlike = np.abs(np.log(height / height[some, None]))
    fits = (steps.real > 0) & (np.abs(steps.imag) <= steps.real) & (unlike <= np.log(HIGHER))
    distance = np.where(fits, np.abs(steps), np.inf)
    nearest = distance.argsort(axis=1, kind="stable")[:, :NEIGHBOURS]
    weight = np.minimum(1 / np.take_along_axis(distance, nearest, axis=1), 1)
    row, column = weight.nonzero()
    return some[row], nearest[row, column], weight[row, column]


def _usual_angle(steps: Places, weight: Floats) -> float:
    """Return the angle under which most neighbours are at the same level, or 0 where too few show one."""
    angles = np.radians(np.arange(-LIMIT, LIMIT + 1))
    off = (steps[:, None] * np.exp(-1j * angles)).imag / OFF
    score = weight @ np.maximum(1 - off**2, 0) * (1 - UNLIKELY * np.abs(angles))
    best = int(score.argmax())
    return float(angles[best]) if score[best] - score[LIMIT] > EVIDENCE else 0.0


def _fit(steps: Places, middles: Places, weight: Floats) -> Floats:
    """Return the slope of the lines, its change along them and across them, from pairs weighed anew in each step."""
    design = steps.real[:, None] * np.stack([np.ones(len(steps)), middles.real, middles.imag], axis=1)
    fit = np.zeros(3)
    for off in FIT_OFF:
        trust = weight / (1 + ((steps.imag - design @ fit) / off) ** 2) ** 2
        fit = np.linalg.solve((design.T * trust) @ design + HELD, design.T @ (trust * steps.imag))
    return fit
