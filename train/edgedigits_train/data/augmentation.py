"""Augmentation: every image turned, scaled, sheared, shifted and bent a little, differently each epoch.

The method is that of P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003: affine transforms and smooth random displacements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits_train.data.warp import warp

# Displacements are drawn at KNOTS x KNOTS places and spread by a Gaussian as wide as the places are apart.
KNOTS = 5


@dataclass(frozen=True, slots=True)
class Range:
    """How far an image may move; all but ``bend`` are the half-width of a uniform distribution around "unchanged".

    Attributes
    ----------
    rotation: degrees.
    scale: share of the size, drawn for each axis on its own.
    shear: horizontal shift a pixel of height.
    shift: share of height and of width.
    bend: standard deviation of a pixel's own displacement, in each direction, as a share of the size.

    """

    rotation: float = 12.0
    scale: float = 0.12
    shear: float = 0.2
    shift: float = 0.07
    bend: float = 0.0


@dataclass(frozen=True, slots=True)
class Moves:
    """One transform an image; all arrays but the last float64 ``[N]``.

    Attributes
    ----------
    rotation: radians, counter-clockwise as seen on the screen.
    scale_y, scale_x: factor on the size of the ink.
    shear: pixels to the right a pixel upwards, before the rotation.
    shift_y, shift_x: pixels down and to the right, after all else.
    bends: pixels at each knot, downwards then to the right, float32 ``[2, N, KNOTS ** 2]``; None for none.

    """

    rotation: NDArray[np.float64]
    scale_y: NDArray[np.float64]
    scale_x: NDArray[np.float64]
    shear: NDArray[np.float64]
    shift_y: NDArray[np.float64]
    shift_x: NDArray[np.float64]
    bends: NDArray[np.float32] | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, size: tuple[int, int], limits: Range) -> Moves:
        """Draw ``count`` transforms for images of ``size`` (height, width); the generator decides all."""
        values = rng.uniform(-1.0, 1.0, (6, count))
        height, width = size
        bends = None
        if limits.bend:
            bends = rng.standard_normal((2, count, KNOTS**2), np.float32)
            bends *= np.float32(limits.bend) * np.array(size, np.float32)[:, np.newaxis, np.newaxis]
        return cls(
            rotation=np.deg2rad(limits.rotation) * values[0],
            scale_y=1.0 + limits.scale * values[1],
            scale_x=1.0 + limits.scale * values[2],
            shear=limits.shear * values[3],
            shift_y=limits.shift * height * values[4],
            shift_x=limits.shift * width * values[5],
            bends=bends,
        )

    @classmethod
    def identity(cls, count: int) -> Moves:
        """Transforms that leave ``count`` images as they are."""
        zeros, ones = np.zeros(count), np.ones(count)
        return cls(zeros, ones, ones, zeros, zeros, zeros)


@dataclass(frozen=True, slots=True)
class Field:
    """`Moves` ready to be applied, to all images or to some at a time.

    Attributes
    ----------
    x, y: float32 ``[N, K]`` each; times ``basis`` they are the column and the row that each pixel is read from.
    basis: float32 ``[K, H * W]``: column, row, one, and with bends a bump a knot.

    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    basis: NDArray[np.float32]

    @classmethod
    def of(cls, moves: Moves, size: tuple[int, int]) -> Field:
        """For images of ``size`` (height, width)."""
        x, y = _inverse(moves, size)
        basis = _grid(size)
        if moves.bends is not None:
            x, y = np.concatenate([x, moves.bends[1]], axis=1), np.concatenate([y, moves.bends[0]], axis=1)
            basis = np.concatenate([basis, _bumps(size)])
        return cls(x, y, basis)

    def apply(self, images: NDArray[np.uint8], rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float32]:
        """Transform uint8 ``[N, H, W, C]``, each by its row; bilinear, black outside; float32 0-255 back."""
        return warp(images, self.x[rows], self.y[rows], self.basis)


def join(fields: list[Field]) -> Field:
    """The fields of several sets of images, one behind the other; of those without bends all knots are still."""
    basis = max((field.basis for field in fields), key=len)

    def padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.pad(values, ((0, 0), (0, len(basis) - values.shape[1])))

    x, y = (
        np.concatenate([padded(part) for part in parts]) for parts in zip(*((f.x, f.y) for f in fields), strict=True)
    )
    return Field(x, y, basis)


def _inverse(moves: Moves, size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Rows ``[a, b, c]`` with ``x' = a x + b y + c``, and the same for ``y'``, from output to input."""
    cos, sin, zero = np.cos(moves.rotation), np.sin(moves.rotation), np.zeros_like(moves.rotation)
    # The screen's y axis points down: "upwards" and "counter-clockwise" turn signs round.
    turn = _stack(cos, sin, -sin, cos)
    shear = _stack(zero + 1.0, -moves.shear, zero, zero + 1.0)
    scale = _stack(moves.scale_x, zero, zero, moves.scale_y)
    inverse = np.linalg.inv(turn @ shear @ scale)
    centre = np.array([size[1] - 1, size[0] - 1]) / 2.0
    moved = centre + np.stack([moves.shift_x, moves.shift_y], axis=-1)
    offset = centre - np.einsum("nij,nj->ni", inverse, moved)
    rows = np.concatenate([inverse, offset[..., np.newaxis]], axis=-1).astype(np.float32)
    return rows[:, 0], rows[:, 1]


def _grid(size: tuple[int, int]) -> NDArray[np.float32]:
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32).reshape(2, -1)
    return np.stack([x, y, np.ones_like(x)])


def _bumps(size: tuple[int, int]) -> NDArray[np.float32]:
    """How much each pixel follows each knot; scaled so that the sum over independent knots has their variance."""
    y, x = (np.linspace(0, KNOTS - 1, length)[:, np.newaxis] - np.arange(KNOTS) for length in size)
    tall, wide = np.exp(-0.5 * y**2), np.exp(-0.5 * x**2)
    bumps = np.einsum("hi,wj->ijhw", tall, wide).reshape(KNOTS**2, -1)
    return np.asarray(bumps / np.sqrt((bumps**2).sum(axis=0)), np.float32)


def _stack(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Matrices ``[[a, b], [c, d]]``, one an image, float64 ``[N, 2, 2]``."""
    return np.stack([np.stack([a, b], -1), np.stack([c, d], -1)], -2)
