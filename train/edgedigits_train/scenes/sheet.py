"""A sheet: ink, tints and shapes on a flat ground, and the view of it that a picture shows.

A sheet is drawn at twice the resolution of the pictures, so that characters can stand between two pixels, and seen
through a projective transform. Every character keeps a few points of its outline, from which the view derives its box.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits_train.synthetic.ink import Ink

Floats = NDArray[np.float64]

# The pixels of a sheet along one of the picture's.
FINE = 2
# Labels besides the digits: a mark that belongs to numbers, and what is neither a digit nor looks like one.
MARK, OTHER = 10, -1

_ANGLES = np.arange(12) * np.pi / 6
_DIRECTIONS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_INK = 100


class Truth(NamedTuple):
    """A character and its box in a picture; the box ends where the picture does.

    Attributes
    ----------
    label: a digit, `MARK` or `OTHER`.
    box: top, left, bottom, right in pixels.
    visible: the share of the character's box that is in the picture.
    height: the height of the digits of its line, pixels of the picture.
    printed: whether it was printed, not written by hand.

    """

    label: int
    box: tuple[float, float, float, float]
    visible: float
    height: float
    printed: bool = False


class View(NamedTuple):
    """What a picture shows of a sheet: ink and tint, uint8 ``[H, W]`` from 0 (none) to 255, and the characters."""

    ink: NDArray[np.uint8]
    tint: NDArray[np.uint8] | None
    truths: tuple[Truth, ...]


class _Placed(NamedTuple):
    label: int
    outline: Floats  # [2, directions], right and down
    height: float
    printed: bool


class Sheet:
    """A ground of ``size`` (width, height) picture pixels on which layouts draw; all their lengths are fine pixels."""

    def __init__(self, size: tuple[float, float]) -> None:
        """Make an empty sheet."""
        self.width, self.height = (int(np.ceil(side * FINE)) for side in size)
        self.ink = np.zeros((self.height, self.width), np.uint8)
        self._tint: NDArray[np.uint8] | None = None
        self._placed: list[_Placed] = []

    def tint(self, box: tuple[float, float, float, float], level: int) -> None:
        """Shade a rectangle (left, top, right, bottom) under the ink."""
        if self._tint is None:
            self._tint = np.zeros_like(self.ink)
        left, top, right, bottom = (max(0, round(side)) for side in box)
        self._tint[top:bottom, left:right] = level

    def stamp(
        self, ink: Ink, corner: tuple[float, float], depth: float, label: int | None, height: float, *, printed: bool
    ) -> None:
        """Put ink with its left upper ``corner`` there; ``depth`` is its darkness, ``height`` that of its line."""
        left, top = corner
        x, y = round(left), round(top)
        pixels = np.asarray(ink)
        rows, columns = slice(max(0, -y), max(0, self.height - y)), slice(max(0, -x), max(0, self.width - x))
        inside = pixels[rows, columns]
        if not inside.size:
            return
        place = self.ink[max(0, y) :, max(0, x) :][: inside.shape[0], : inside.shape[1]]
        dark = inside if depth >= 1 else (inside.astype(np.uint16) * round(256 * depth) >> 8).astype(np.uint8)
        np.maximum(place, dark, out=place)
        if label is not None:
            self._placed.append(_Placed(label, _outline(pixels) + np.array([[x], [y]], np.float64), height, printed))

    def add(self, layer: Image.Image | NDArray[np.uint8]) -> None:
        """Add the ink of a layer as large as the sheet."""
        np.maximum(self.ink, np.asarray(layer), out=self.ink)

    def view(self, size: tuple[int, int], transform: Floats) -> View:
        """Return the picture of ``size`` (width, height) whose pixels lie at ``transform @ [x, y, 1]`` on the sheet."""
        tint = None if self._tint is None else _warped(self._tint, size, transform)
        return View(_warped(self.ink, size, transform), tint, self._seen(size, np.linalg.inv(transform)))

    def _seen(self, size: tuple[int, int], inverse: Floats) -> tuple[Truth, ...]:
        if not self._placed:
            return ()
        points = np.stack([placed.outline for placed in self._placed])
        moved = np.einsum("ij,njk->nik", inverse[:, :2], points) + inverse[:, 2][:, np.newaxis]
        moved = moved[:, :2] / moved[:, 2:]
        low, high = moved.min(axis=2), moved.max(axis=2)
        first, last = np.clip(low, 0, size), np.clip(high, 0, size)
        visible = (last - first).prod(axis=1) / np.maximum((high - low).prod(axis=1), 1e-9)
        scale = float(np.sqrt(abs(np.linalg.det(inverse[:2, :2]))))
        return tuple(
            Truth(one.label, (*first[i, ::-1], *last[i, ::-1]), float(visible[i]), scale * one.height, one.printed)
            for i, one in enumerate(self._placed)
            if visible[i] > 0
        )


def looking_at(
    centre: tuple[float, float],
    size: tuple[int, int],
    rng: np.random.Generator,
    *,
    turn: float = 0.0,
    steep: float = 0.0,
) -> Floats:
    """Return the transform of a view whose middle is ``centre``, in fine pixels.

    ``turn`` is the rotation in radians; ``steep`` the standard deviation of shear and of perspective, as the relative
    change of scale from the middle to a side.
    """
    cos, sin = np.cos(turn), np.sin(turn)
    shear, stretch = rng.normal(0, steep, 2)
    linear = FINE * np.array([[cos, -sin], [sin, cos]]) @ np.array([[1, shear], [0, 1 + stretch]])
    tilt = rng.normal(0, steep, 2) / (max(size) / 2)
    projective = np.array([[1, 0, 0], [0, 1, 0], [tilt[0], tilt[1], 1]])
    moved = np.eye(3)
    moved[:2, :2], moved[:2, 2] = linear, centre
    middle = np.array([[1, 0, -size[0] / 2], [0, 1, -size[1] / 2], [0, 0, 1]])
    return np.asarray(moved @ projective @ middle)


def _warped(pixels: NDArray[np.uint8], size: tuple[int, int], transform: Floats) -> NDArray[np.uint8]:
    terms = (transform / transform[2, 2]).reshape(-1)[:8].tolist()
    image = Image.fromarray(pixels)
    return np.asarray(image.transform(size, Image.Transform.PERSPECTIVE, terms, Image.Resampling.BILINEAR))


def _outline(pixels: NDArray[np.uint8]) -> Floats:
    """Return the outermost points of ink in every direction, ``[2, directions]`` right and down."""
    step = max(1, min(pixels.shape) // 16)
    found = pixels[::step, ::step] > _INK
    rows = found.any(axis=1).nonzero()[0]
    if not len(rows):
        rows, found = np.array([0, found.shape[0] - 1]), np.ones_like(found)
    first, last = found[rows].argmax(axis=1), found.shape[1] - 1 - found[rows, ::-1].argmax(axis=1)
    corners = np.stack([np.concatenate([first, last]), np.concatenate([rows, rows])]) * float(step)
    corners = np.concatenate([corners, corners + step], axis=1)
    outermost = corners[:, (_DIRECTIONS @ corners).argmax(axis=1)]
    limit = np.array([[pixels.shape[1]], [pixels.shape[0]]], np.float64)
    return np.asarray(np.minimum(outermost, limit), np.float64)
