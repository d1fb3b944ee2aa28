"""A picture of writing made ready to be read: its ink alone, straight, without rulings, in components."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.components import Components, label
from edgedigits.images.normalised import Box
from edgedigits.images.paper import Ink, find_ink
from edgedigits.pages.rulings import remove_hairs, remove_rulings
from edgedigits.pages.skew import Turn, find_skew, turn_for

# Longer side, in pixels, to which a picture is reduced before it is read: digits of a full page keep 20 pixels.
LIMIT = 1800
# Widest stroke to expect, as a share of the picture's shorter side.
STROKE = 0.1

# Ink fainter than this share of the strong ink is left out; strong is this quantile, by area, of the components no
# higher than this share of the page.
FAINT = 0.55
STRONG = 0.95
HIGHEST = 0.4
# Ink this much stronger than the rulings is no ruling; less of it than this share of all ink is dirt.
STRONGER = 1.4
LEAST = 0.01


@dataclass(frozen=True, slots=True)
class Sheet:
    """Ink of a picture, turned straight.

    Attributes
    ----------
    strength: uint8 ``[h, w]``, the share of light that the ink takes: 0 on paper, 255 all of it.
    components: the ink's connected components.
    turn: from the reduced source to this sheet.
    scale: source pixels a pixel of the sheet.
    source: height and width of the source.

    """

    strength: NDArray[np.uint8]
    components: Components
    turn: Turn
    scale: float
    source: tuple[int, int]

    def box_in_source(self, box: Box) -> Box:
        """The upright box in the source, top, left, bottom, right (exclusive), around a box of the sheet."""
        top, left, bottom, right = (value * self.scale for value in self.turn.box_in_source(box))
        height, width = self.source
        top, left = min(max(int(top), 0), height - 1), min(max(int(left), 0), width - 1)
        # A box holds one pixel at least, and lies in the picture, whatever rounding says.
        return top, left, min(max(round(bottom), top + 1), height), min(max(round(right), left + 1), width)


def straighten(grey: NDArray[np.uint8], scale: int = 1) -> Sheet:
    """Find the ink of a grey picture, uint8 ``[H, W]``, turn it straight, take rulings and faint ink away.

    ``scale`` is how many pixels of the source each of its pixels is.
    """
    ink = find_ink(grey, LIMIT, STROKE)
    ink = replace(ink, strength=(ink.absorption() * 255).astype(np.uint8))
    turn = turn_for((ink.mask.shape[0], ink.mask.shape[1]), find_skew(ink.mask))
    turned = _turned(ink, turn)
    ink = remove_hairs(remove_rulings(turned))
    components = _without_faint(label(ink.mask), ink, _ruled(turned, ink))
    return Sheet(ink.strength, components, turn, ink.scale * scale, (grey.shape[0] * scale, grey.shape[1] * scale))


def _turned(ink: Ink, turn: Turn) -> Ink:
    if not turn.degrees:
        return ink
    mask = turn.apply(np.where(ink.mask, np.uint8(255), np.uint8(0))) > 127
    return replace(ink, mask=mask, strength=turn.apply(ink.strength), levels=turn.apply(ink.levels))


def _ruled(before: Ink, after: Ink) -> float:
    """The median strength of the rulings that were removed; 0 without any."""
    gone = before.mask & ~after.mask
    return float(np.median(before.strength[gone])) if gone.any() else 0.0


def _without_faint(components: Components, ink: Ink, ruled: float) -> Components:
    """The components without those much fainter than the writing: remains of rulings, grain, print that shows through.

    Near writing the local threshold has left them out already; elsewhere it had nothing to measure them by. Where
    rulings of strength ``ruled`` were found and some ink is clearly stronger, that ink is the writing, however
    little of it a large grid leaves.
    """
    if len(components) < 2:
        return components
    labels = components.labels[ink.mask]
    means = np.bincount(labels, weights=ink.strength[ink.mask])[1:] / components.areas
    written = components.boxes[:, 2] - components.boxes[:, 0] <= HIGHEST * len(ink.mask)
    if not written.any():
        return components
    stronger = written & (means > STRONGER * ruled)
    if components.areas[stronger].sum() >= LEAST * components.areas[written].sum():
        written = stronger
    order = np.flatnonzero(written)[np.argsort(means[written])]
    below = np.cumsum(components.areas[order])
    strong = float(means[order][np.searchsorted(below, STRONG * below[-1])])
    return components.only(means >= FAINT * strong)
