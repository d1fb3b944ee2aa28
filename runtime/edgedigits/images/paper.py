"""Where the ink is: paper, uneven light and noise taken away, whatever colour the ink has.

The threshold is local, about half-way between paper and the strongest ink around (after J. Bernsen, "Dynamic
thresholding of grey-level images", ICPR 1986), and never below the paper's own noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import EllipsisType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.components import Components, label
from edgedigits.images.light import SMALL, find_paper, strongest_around
from edgedigits.images.polarity import has_dark_ink
from edgedigits.images.sample import quantiles, sample

# Ink is what stands out from the paper by this many standard deviations of the noise, and by this many grey levels:
# less is paper grain or JPEG noise.
NOISE_FACTOR = 5.0
MIN_STRENGTH = 16
# Share of the strongest ink around that still is ink: the edge of an anti-aliased stroke lies at one half.
LOCAL_SHARE = 0.45
# Weaker ink counts where it goes on from sure ink: hairlines, and where the pen was lifted.
WEAK_SHARE = 0.28

# Two quantiles of the paper's own brightness, and how many standard deviations below the mean a normal distribution
# has them.
QUANTILES = (0.10, 1.2816), (0.35, 0.3853)
CLOSE_CUT = (0.05, 1.6449), (0.20, 0.8416)

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Ink:
    """The ink of a picture, by itself.

    Attributes
    ----------
    strength: uint8 ``[h, w]``, 0 on paper, otherwise how many grey levels the ink differs from the paper there.
    mask: bool ``[h, w]``, what is ink.
    scale: pixels of the picture a pixel of ``strength``.
    contrast: grey levels between the paper and the strong ink (its 90th percentile); 0 without any.
    noise: standard deviation of the paper, grey levels.
    dark_ink: dark on light, or light on dark.
    levels: uint8 ``[h, w]``, the picture's brightness, inverted where ink is light.

    """

    strength: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    scale: float
    contrast: float
    noise: float
    dark_ink: bool
    levels: NDArray[np.uint8]

    def absorption(self, where: NDArray[np.bool_] | EllipsisType = ...) -> Floats:
        """The share of the paper's light that the ink takes, 0-1, the same in the light and in a shadow.

        float32 ``[h, w]``, or ``[N]`` of the pixels ``where``, bool ``[h, w]``, says.
        """
        strength = self.strength[where].astype(np.float32)
        share: Floats = strength / np.maximum(strength + self.levels[where], 1)
        return share


def find_ink(grey: NDArray[np.uint8], limit: int = 256, stroke: float = 0.25) -> Ink:
    """Separate ink from paper in a grey picture, uint8 ``[H, W]``, reduced to at most ``limit`` pixels before.

    ``stroke`` is the widest stroke to expect, as a share of the shorter side.
    """
    scale = -(-max(grey.shape) // limit)
    small = np.asarray(Image.fromarray(grey).reduce(scale)) if scale > 1 else grey
    dark = has_dark_ink(small)
    levels = small if dark else np.bitwise_not(small)
    paper = find_paper(levels, stroke)
    strength = paper.brightness - levels
    offset, noise = _centre_and_noise(strength)
    clear = np.clip(strength - np.float32(offset), 0, 255)
    least = max(MIN_STRENGTH, NOISE_FACTOR * noise)
    strongest = strongest_around(clear, stroke)
    sure = (clear > np.maximum(least, LOCAL_SHARE * strongest)) & ~paper.broken
    parts = _connected((clear > np.maximum(least, WEAK_SHARE * strongest)) & ~paper.broken, sure)
    contrast = quantiles(clear[parts.labels > 0], 0.9)[0] if len(parts) else 0.0
    return Ink(np.rint(clear).astype(np.uint8), parts.labels > 0, float(scale), contrast, noise, dark, levels)


def _connected(weak: NDArray[np.bool_], sure: NDArray[np.bool_]) -> Components:
    """The components of ``weak`` with ``sure`` ink in them (J. Canny's hysteresis, IEEE PAMI 8 (1986))."""
    parts = label(weak)
    counts = np.bincount(parts.labels[sure], minlength=len(parts) + 1)
    return parts.only(counts[1:] > 0)


def _centre_and_noise(strength: Floats) -> tuple[float, float]:
    """Mean and standard deviation of the paper alone, from two low quantiles: right while ink covers less than 60 %.

    In scans of one character, which are cut close, less than 75 %.
    """
    (least, far), (less, near) = CLOSE_CUT if min(strength.shape) < SMALL else QUANTILES
    low, high = quantiles(sample(strength), least, less)
    noise = (high - low) / (far - near)
    return low + far * noise, noise
