"""One digit's ink brought to MNIST's form: stroke width, box of 20 pixels, centre of mass in 28x28.

So was MNIST made (Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998),
III.A): from black and white scans far larger than 20 pixels, by area averaging. Here the ink is enlarged, or reduced,
to four times that box first; there its edge is found at half of its strength, and its strokes are made wider or
narrower where they are unlike any of MNIST's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.convention import SIZE
from edgedigits.images.sample import quantiles

BOX = 20
FINE = 4
# Stroke widths (twice area by perimeter) in the fine box, the 2nd and 95th of 100 of MNIST's digits: 5.8 and 15.1.
# Strokes beyond are brought to about the bounds.
NARROWEST, WIDEST = 5.5, 15.0
# Ink strength, of 255, where a fine pixel begins to be ink and where it is ink altogether.
SOFT, FULL = 40, 200
# Of a scan so coarse, in pixels of its longer side, the shape is in the grey levels: its edges are left softer.
COARSE, COARSE_SOFT, COARSE_FULL = 12, 30, 240

Grey = NDArray[np.uint8]


def feed_glyph(strength: Grey) -> Grey:
    """Turn the ink of one digit, uint8 ``[h, w]``, 0 on paper, into uint8 ``[28, 28]``, light on dark.

    All that is not of the digit must be 0. Empty ink gives an empty image.
    """
    ink = crop(strength)
    if not ink.size:
        return np.zeros((SIZE, SIZE), np.uint8)
    fine = _fine(ink)
    width = stroke_width(fine > FULL // 2)
    if width < NARROWEST:
        fine = crop(_widened(fine, round((NARROWEST - width) / 2 + 0.5)))
    elif width > WIDEST:
        fine = crop(_narrowed(fine, round((width - WIDEST) / 2)))
    return centre(_fit(fine))


def crop(strength: Grey) -> Grey:
    """The smallest part with all that is not 0; empty without any."""
    rows, columns = np.flatnonzero(strength.any(axis=1)), np.flatnonzero(strength.any(axis=0))
    if not rows.size:
        return strength[:0, :0]
    return strength[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def stroke_width(mask: NDArray[np.bool_]) -> float:
    """Mean width of the strokes in pixels: twice area by perimeter, which is exact for long bars; 0 without ink."""
    around = perimeter(mask)
    return 2 * float(np.count_nonzero(mask)) / around if around else 0.0


def perimeter(mask: NDArray[np.bool_]) -> float:
    """Length of all outlines in pixels."""
    edges = sum(np.count_nonzero(side) for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    edges += np.count_nonzero(mask[1:] != mask[:-1]) + np.count_nonzero(mask[:, 1:] != mask[:, :-1])
    # Counting pixel edges measures a line at a random angle 4/pi times too long.
    return edges * np.pi / 4


def centre(small: Grey) -> Grey:
    """Put an image of at most 28x28 into 28x28 so that its centre of mass lies in the middle, as far as it fits."""
    weights = small.astype(np.float64)
    total = max(float(weights.sum()), 1.0)
    row = float(weights.sum(axis=1) @ np.arange(small.shape[0])) / total
    column = float(weights.sum(axis=0) @ np.arange(small.shape[1])) / total
    middle = (SIZE - 1) / 2
    top = min(max(round(middle - row), 0), SIZE - small.shape[0])
    left = min(max(round(middle - column), 0), SIZE - small.shape[1])
    field = np.zeros((SIZE, SIZE), np.uint8)
    field[top : top + small.shape[0], left : left + small.shape[1]] = small
    return field


def _fine(ink: Grey) -> Grey:
    """Scaled to a longer side of 80 pixels, edges made as steep as those of a scan, strongest ink 255."""
    full = quantiles(ink[ink > ink.max() // 2], 0.75)[0]
    scaled = _scaled(np.minimum(ink * (255 / full), 255).astype(np.uint8), BOX * FINE)
    if scaled.max() <= SOFT:  # a hairline, reduced to less than that
        scaled = np.minimum(scaled * (255 / max(int(scaled.max()), 1)), 255).astype(np.uint8)
    soft, hard = (COARSE_SOFT, COARSE_FULL) if max(ink.shape) < COARSE else (SOFT, FULL)
    steep = (scaled.astype(np.float32) - soft) * (255 / (hard - soft))
    return np.clip(steep, 0, 255).astype(np.uint8)


def _fit(fine: Grey) -> Grey:
    """Scaled to a longer side of 20 pixels, strongest ink 255."""
    small = _scaled(fine, BOX).astype(np.float32)
    full: Grey = np.rint(small * (255 / max(float(small.max()), 1.0))).astype(np.uint8)
    return full


def _scaled(ink: Grey, longer: int) -> Grey:
    factor = longer / max(ink.shape)
    size = max(1, round(ink.shape[1] * factor)), max(1, round(ink.shape[0] * factor))
    # Reducing, Pillow's filters average over the area that becomes one pixel; enlarging, bicubic keeps round what
    # bilinear makes a diamond.
    return np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BICUBIC))


def _widened(fine: Grey, radius: int) -> Grey:
    """Wider by ``radius`` on each side; crosses and squares in turn make an octagon, nearly a disc."""
    wide = np.pad(fine, radius)
    for step in range(radius):
        wide = _spread(wide, square=step % 2 == 1)
    return wide


def _narrowed(fine: Grey, radius: int) -> Grey:
    """Narrower by ``radius`` on each side; strokes that would vanish keep a core."""
    narrow = np.pad(fine, 1)
    for _ in range(radius):
        thinner = np.bitwise_not(_spread(np.bitwise_not(narrow), square=False))
        if thinner.max() <= FULL:
            break
        narrow = thinner
    return narrow


def _spread(grey: Grey, *, square: bool) -> Grey:
    """The greatest value of each pixel and its four neighbours, or of the 3x3 square around it."""
    spread = grey.copy()
    np.maximum(spread[1:], grey[:-1], out=spread[1:])
    np.maximum(spread[:-1], grey[1:], out=spread[:-1])
    source = spread.copy() if square else grey
    np.maximum(spread[:, 1:], source[:, :-1], out=spread[:, 1:])
    np.maximum(spread[:, :-1], source[:, 1:], out=spread[:, :-1])
    return spread
