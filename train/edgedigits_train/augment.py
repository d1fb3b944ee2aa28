"""Affine augmentation: every image turned, scaled, sheared and shifted a little, differently each epoch.

The method is the affine half of P. Simard, D. Steinkraus, J. Platt, "Best Practices for Convolutional Neural
Networks Applied to Visual Document Analysis", ICDAR 2003.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class AffineRange:
    """How far an image may move; every value is the half-width of a uniform distribution around "unchanged".

    Attributes
    ----------
    rotation: degrees.
    scale: share of the size, drawn for each axis on its own.
    shear: horizontal shift a pixel of height.
    shift: share of height and of width.

    """

    rotation: float = 12.0
    scale: float = 0.12
    shear: float = 0.2
    shift: float = 0.07


@dataclass(frozen=True, slots=True)
class AffineParameters:
    """One transform an image; all arrays float64 ``[N]``.

    Attributes
    ----------
    rotation: radians, counter-clockwise as seen on the screen.
    scale_y, scale_x: factor on the size of the ink.
    shear: pixels to the right a pixel upwards, before the rotation.
    shift_y, shift_x: pixels down and to the right, after all else.

    """

    rotation: NDArray[np.float64]
    scale_y: NDArray[np.float64]
    scale_x: NDArray[np.float64]
    shear: NDArray[np.float64]
    shift_y: NDArray[np.float64]
    shift_x: NDArray[np.float64]

    @classmethod
    def draw(cls, rng: np.random.Generator, count: int, size: tuple[int, int], limits: AffineRange) -> AffineParameters:
        """Draw ``count`` transforms for images of ``size`` (height, width); the generator decides all."""
        values = rng.uniform(-1.0, 1.0, (6, count))
        height, width = size
        return cls(
            rotation=np.deg2rad(limits.rotation) * values[0],
            scale_y=1.0 + limits.scale * values[1],
            scale_x=1.0 + limits.scale * values[2],
            shear=limits.shear * values[3],
            shift_y=limits.shift * height * values[4],
            shift_x=limits.shift * width * values[5],
        )

    @classmethod
    def identity(cls, count: int) -> AffineParameters:
        """Transforms that leave ``count`` images as they are."""
        zeros, ones = np.zeros(count), np.ones(count)
        return cls(zeros, ones, ones, zeros, zeros, zeros)

    def matrices(self, size: tuple[int, int]) -> NDArray[np.float32]:
        """Rows ``[a0, a1, a2, b0, b1, b2, 0, 0]`` as `keras.ops.image.affine_transform` wants them, float32 ``[N, 8]``.

        Such a row maps output to input: ``x' = a0 x + a1 y + a2``, ``y' = b0 x + b1 y + b2``. So the transform of
        the ink, about the image's centre, is inverted here.
        """
        cos, sin, zero = np.cos(self.rotation), np.sin(self.rotation), np.zeros_like(self.rotation)
        # The screen's y axis points down: "upwards" and "counter-clockwise" turn signs round.
        turn = _stack(cos, sin, -sin, cos)
        shear = _stack(zero + 1.0, -self.shear, zero, zero + 1.0)
        scale = _stack(self.scale_x, zero, zero, self.scale_y)
        inverse = np.linalg.inv(turn @ shear @ scale)
        centre = np.array([size[1] - 1, size[0] - 1]) / 2.0
        moved = centre + np.stack([self.shift_x, self.shift_y], axis=-1)
        offset = centre - np.einsum("nij,nj->ni", inverse, moved)
        rows = np.concatenate([inverse, offset[..., np.newaxis]], axis=-1).reshape(-1, 6)
        return np.pad(rows, ((0, 0), (0, 2))).astype(np.float32)


def apply_affine(images: NDArray[np.uint8], matrices: NDArray[np.float32]) -> NDArray[np.float32]:
    """Transform uint8 ``[N, H, W, C]`` by ``matrices`` ``[N, 8]``; bilinear, black outside; float32 0-255 back."""
    moved = keras.ops.image.affine_transform(
        images.astype(np.float32), matrices, interpolation="bilinear", fill_mode="constant", fill_value=0.0,
        data_format="channels_last",
    )  # fmt: skip
    return np.asarray(keras.ops.convert_to_numpy(moved), dtype=np.float32)


def _stack(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], d: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Matrices ``[[a, b], [c, d]]``, one an image, float64 ``[N, 2, 2]``."""
    return np.stack([np.stack([a, b], -1), np.stack([c, d], -1)], -2)
