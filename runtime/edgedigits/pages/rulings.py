"""Rulings taken out of the ink: the lines of ruled and grid paper, frames, underlines; strokes that cross them stay.

A ruling is a run of ink far longer than any stroke and thin across along most of it. Only its thin parts go, so a
stroke that crosses it, which is thick there, keeps its pixels. It is the run-length view of line removal by
morphological opening (J. Serra, "Image Analysis and Mathematical Morphology", 1982): one pass over the rows, then one
over the columns of what is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgedigits.images.components import Runs, find_runs
from edgedigits.images.paper import Ink

# Thickest ruling, and the widest gap that noise tears into one, as shares of the picture's shorter side; at least 3
# pixels.
MAX_THICKNESS = 0.0125
MAX_GAP = 0.012
# A ruling is at least this long, as a share of the picture's extent along it.
SHORTEST = 0.28
# No stroke of a digit is this many times as long as it is thick.
LONG = 24
# Share of a ruling's length along which it must be thin: the rest is crossed by strokes.
MIN_THIN = 0.62
# A line of writing may cover more of a ruling that goes on to both edges.
ACROSS, MIN_THIN_ACROSS = 0.7, 0.35
# Where there are rulings, shorter pieces of them are found, too: as shares of the picture's extent, thin nearly
# everywhere.
PIECE = 0.05
PIECE_THIN = 0.9
# What is this much thicker than the median of the rulings belongs to a stroke.
SLACK = 1
# Thickest hair, in pixels and as a share of the shorter side, its length in thicknesses, and its strength by that of
# thick strokes.
HAIR, HAIR_THICKNESS = 2, 0.004
LONG_HAIR = 4
FAINT = 0.6

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Lengths in pixels that tell a ruling from a stroke, of one picture."""

    length: int
    piece: int
    thickness: int
    gap: int


def remove_rulings(ink: Ink) -> Ink:
    """The same ink without rulings along rows and columns, give or take a degree; unchanged without any."""
    shorter = min(ink.mask.shape)
    thickness, gap = max(3, round(MAX_THICKNESS * shorter)), max(3, round(MAX_GAP * shorter))
    mask = ink.mask
    for axis in (1, 0):
        extent = mask.shape[axis]
        scale = _Scale(round(SHORTEST * extent), round(PIECE * extent), thickness, gap)
        # Columns second, in what is left: where two rulings cross, neither is thin before the other is gone.
        gone = _rulings(mask if axis else np.ascontiguousarray(mask.T), scale)
        if gone is not None:
            mask = mask & ~(gone if axis else gone.T)
    if mask is ink.mask:
        return ink
    return replace(ink, mask=mask, strength=ink.strength * (mask == ink.mask))


def remove_hairs(ink: Ink) -> Ink:
    """The same ink without thin straight pieces along rows and columns that are much fainter than the thick strokes.

    They are what the local threshold leaves of faint rulings beside strokes, too short to be known by their length.
    """
    thickness = max(HAIR, round(HAIR_THICKNESS * min(ink.mask.shape)))
    gone = np.zeros_like(ink.mask)
    thick = _open(ink.mask, thickness + 1) & _open(np.ascontiguousarray(ink.mask.T), thickness + 1).T
    if not thick.any():
        return ink
    faint = ink.mask & (ink.strength < FAINT * np.median(ink.strength[thick]))
    for axis in (1, 0):
        mask, weak = (ink.mask, faint) if axis else (np.ascontiguousarray(ink.mask.T), np.ascontiguousarray(faint.T))
        runs = find_runs(weak & ~_open(mask, thickness + 1))
        hairs = _paint(_choose(runs, runs.length >= LONG_HAIR * thickness), mask.shape)
        gone |= hairs if axis else hairs.T
    return replace(ink, mask=ink.mask & ~gone, strength=ink.strength * ~gone) if gone.any() else ink


def _rulings(mask: Mask, scale: _Scale) -> Mask | None:
    """The pixels of rulings along the rows of ``mask``, or None."""
    # A ruling that slopes a little changes rows: the row above and the one below are as good.
    runs = _join(find_runs(_thicken(mask)), scale.gap)
    runs = _choose(runs, runs.length >= min(scale.length, scale.piece))
    if not (runs.length >= scale.length).any():
        return None
    thin = mask & ~_open(mask, scale.thickness + 1)
    share = _count(_thicken(thin), runs) / runs.length
    across = (share >= MIN_THIN_ACROSS) & (runs.length >= ACROSS * mask.shape[1])
    whole = _choose(runs, ((share >= MIN_THIN) & (runs.length >= scale.length)) | across)
    if not len(whole.row):
        return None
    found = thin & _thicken(_paint(whole, mask.shape))
    usual = int(np.median(find_runs(np.ascontiguousarray(found.T)).length))
    whole = _choose(whole, whole.length >= LONG * usual)
    if not len(whole.row):
        return None
    pieces = _choose(runs, (share >= PIECE_THIN) & (runs.length >= max(LONG * usual // 2, scale.piece)))
    near = _thicken(_paint(whole, mask.shape) | _paint(pieces, mask.shape))
    gone: Mask = mask & near & ~_open(mask, usual + SLACK + 1)
    return gone


def _thicken(mask: Mask) -> Mask:
    """A pixel more above and below."""
    thick = mask.copy()
    thick[1:] |= mask[:-1]
    thick[:-1] |= mask[1:]
    return thick


def _open(mask: Mask, length: int) -> Mask:
    """What lies in runs of at least ``length`` pixels down a column."""
    if length > len(mask):
        return np.zeros_like(mask)
    kept, size = mask, 1
    while size < length:
        step = min(size, length - size)
        kept, size = kept[:-step] & kept[step:], size + step
    opened = np.zeros_like(mask)
    opened[: len(kept)] = kept
    size = 1
    while size < length:
        step = min(size, length - size)
        opened[step:] = opened[step:] | opened[:-step]
        size += step
    return opened


def _join(runs: Runs, gap: int) -> Runs:
    """Runs of a row that are at most ``gap`` apart as one."""
    if not len(runs.row):
        return runs
    new = (runs.row[1:] != runs.row[:-1]) | (runs.start[1:] - runs.end[:-1] > gap)
    first = np.flatnonzero(np.concatenate([[True], new]))
    last = np.flatnonzero(np.concatenate([new, [True]]))
    return Runs(runs.row[first], runs.start[first], runs.end[last])


def _choose(runs: Runs, chosen: Mask) -> Runs:
    return Runs(runs.row[chosen], runs.start[chosen], runs.end[chosen])


def _paint(runs: Runs, shape: tuple[int, ...]) -> Mask:
    length = runs.length
    begin = runs.row * shape[1] + runs.start
    places = np.repeat(begin - (np.cumsum(length) - length), length) + np.arange(length.sum())
    painted = np.zeros(shape, bool)
    painted.reshape(-1)[places] = True
    return painted


def _count(mask: Mask, runs: Runs) -> NDArray[np.intp]:
    """Pixels of ``mask`` in each run."""
    places = np.flatnonzero(mask)
    begin = runs.row * mask.shape[1]
    return np.searchsorted(places, begin + runs.end) - np.searchsorted(places, begin + runs.start)
