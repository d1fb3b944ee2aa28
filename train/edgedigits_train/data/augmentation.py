"""Augmentation: random affine transforms and elastic deformations, drawn anew for every image and epoch.

The method is that of P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural Networks Applied to
Visual Document Analysis", ICDAR 2003.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits_train.data.warp import warp

# Random displacements are drawn at KNOTS x KNOTS evenly spaced knots and interpolated by Gaussians, whose standard
# deviation is the distance between two knots.
KNOTS = 5


@dataclass(frozen=True, slots=True)
class Range:
    """The range of the random transforms.

    All values but ``elastic`` are the half-width of a uniform distribution, whose centre leaves the image unchanged.

    Attributes
    ----------
    rotation: degrees.
    scale: share of the size, drawn for each axis on its own.
    shear: pixels of horizontal shift for each pixel of height.
    shift: share of the height and of the width.
    elastic: standard deviation of a pixel's own displacement in each direction, as a share of the size.

    """

    rotation: float = 12.0
    scale: float = 0.12
    shear: float = 0.2
    shift: float = 0.07
    elastic: float = 0.0


@dataclass(frozen=True, slots=True)
class Transforms:
    """The parameters of N transforms, one for each image; all arrays but the last are float64 ``[N]``.

    Attributes
    ----------
    rotation: radians, counter-clockwise as seen on the screen.
    scale_y, scale_x: factors on the height and the width of the ink.
    shear: pixels to the right for each pixel upwards, applied before the rotation.
    shift_y, shift_x: pixels down and to the right, applied last.
    displacements: pixels at each knot, downwards then to the right, float32 ``[2, N, KNOTS ** 2]``; None without an
        elastic deformation.

    """

    rotation: NDArray[np.float64]
    scale_y: NDArray[np.float64]
    scale_x: NDArray[np.float64]
    shear: NDArray[np.float64]
    shift_y: NDArray[np.float64]
    shift_x: NDArray[np.float64]
    displacements: NDArray[np.float32] | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, size: tuple[int, int], limits: Range) -> Transforms:
        """Draw ``count`` transforms for images of ``size`` (height, width) from the generator ``rng``."""
        values = rng.uniform(-1.0, 1.0, (6, count))
        height, width = size
        displacements = None
        if limits.elastic:
            displacements = rng.standard_normal((2, count, KNOTS**2), np.float32)
            displacements *= np.float32(limits.elastic) * np.array(size, np.float32)[:, np.newaxis, np.newaxis]
        return cls(
            rotation=np.deg2rad(limits.rotation) * values[0],
            scale_y=1.0 + limits.scale * values[1],
            scale_x=1.0 + limits.scale * values[2],
            shear=limits.shear * values[3],
            shift_y=limits.shift * height * values[4],
            shift_x=limits.shift * width * values[5],
            displacements=displacements,
        )

    @classmethod
    def identity(cls, count: int) -> Transforms:
        """Return transforms that leave ``count`` images unchanged."""
        zeros, ones = np.zeros(count), np.ones(count)
        return cls(zeros, ones, ones, zeros, zeros, zeros)


@dataclass(frozen=True, slots=True)
class SamplingGrid:
    """The input coordinates from which N transformed images are sampled, kept as coefficients of basis images.

    Attributes
    ----------
    x, y: float32 ``[N, K]`` each; ``x @ basis`` and ``y @ basis`` are the column and the row that each pixel is read
        from.
    basis: float32 ``[K, H * W]``: the column, the row, the constant one, and for elastic deformations a Gaussian around
        each knot.

    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    basis: NDArray[np.float32]

    @classmethod
    def of(cls, transforms: Transforms, size: tuple[int, int]) -> SamplingGrid:
        """Return the sampling grid of the transforms, for images of ``size`` (height, width)."""
        x, y = _inverse(transforms, size)
        basis = _affine_basis(size)
        if transforms.displacements is not None:
            down, right = transforms.displacements
            x, y = np.concatenate([x, right], axis=1), np.concatenate([y, down], axis=1)
            basis = np.concatenate([basis, _elastic_basis(size)])
        return cls(x, y, basis)

    def apply(self, images: NDArray[np.uint8], rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float32]:
        """Return uint8 images ``[N, H, W, C]`` transformed, each by its row of the grid, as float32 0-255.

        The interpolation is bilinear; outside of an image everything is black.
        """
        return warp(images, self.x[rows], self.y[rows], self.basis)


def join(grids: list[SamplingGrid]) -> SamplingGrid:
    """Return one sampling grid for several sets of images, in their order; the sets may differ in being elastic."""
    basis = max((grid.basis for grid in grids), key=len)

    def padded(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.pad(values, ((0, 0), (0, len(basis) - values.shape[1])))

    x, y = (
        np.concatenate([padded(part) for part in parts])
        for parts in zip(*((grid.x, grid.y) for grid in grids), strict=True)
    )
    return SamplingGrid(x, y, basis)


def _inverse(transforms: Transforms, size: tuple[int, int]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return rows ``[a, b, c]`` with ``x' = a x + b y + c``, and the same for ``y'``, from output to input."""
    cos, sin, zero = np.cos(transforms.rotation), np.sin(transforms.rotation), np.zeros_like(transforms.rotation)
    # The screen's y axis points down, so "upwards" and "counter-clockwise" invert signs.
    turn = _stack(cos, sin, -sin, cos)
    shear = _stack(zero + 1.0, -transforms.shear, zero, zero + 1.0)
    scale = _stack(transforms.scale_x, zero, zero, transforms.scale_y)
    inverse = np.linalg.inv(turn @ shear @ scale)
    centre = np.array([size[1] - 1, size[0] - 1]) / 2.0
    moved = centre + np.stack([transforms.shift_x, transforms.shift_y], axis=-1)
    offset = centre - np.einsum("nij,nj->ni", inverse, moved)
    rows = np.concatenate([inverse, offset[..., np.newaxis]], axis=-1).astype(np.float32)
    return rows[:, 0], rows[:, 1]


def _affine_basis(size: tuple[int, int]) -> NDArray[np.float32]:
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32).reshape(2, -1)
    return np.stack([x, y, np.ones_like(x)])


def _elastic_basis(size: tuple[int, int]) -> NDArray[np.float32]:
    """Return how much each pixel follows each knot, scaled so that a pixel's displacement has a knot's variance."""
    y, x = (np.linspace(0, KNOTS - 1, length)[:, np.newaxis] - np.arange(KNOTS) for length in size)
    tall, wide = np.exp(-0.5 * y**2), np.exp(-0.5 * x**2)
    gaussians = np.einsum("hi,wj->ijhw", tall, wide).reshape(KNOTS**2, -1)
    return np.asarray(gaussians / np.sqrt((gaussians**2).sum(axis=0)), np.float32)


def _stack(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return matrices ``[[a, b], [c, d]]``, one for each image, float64 ``[N, 2, 2]``."""
    return np.stack([np.stack([a, b], -1), np.stack([c, d], -1)], -2)
