"""The scaling of raw pixels that a Keras model was trained with, as the user says it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import UsageError


@dataclass(frozen=True, slots=True)
class Scaling:
    """The scaling from raw pixels to a model's input: ``(pixel * scale - mean) / std``; by default none.

    ``mean`` and ``std`` hold one value for all channels or one a channel, in the model's order: with ``bgr`` the model
    takes blue first, where pictures have red first.

    Raises
    ------
    UsageError: a value is not finite, or ``scale`` or ``std`` is zero.

    """

    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    bgr: bool = False

    def __post_init__(self) -> None:
        """Refuse values that would make all outputs the same."""
        values = (self.scale, *self.mean, *self.std)
        if not self.mean or not self.std or not all(map(math.isfinite, values)) or 0 in (self.scale, *self.std):
            raise UsageError(
                f"expected finite scaling with scale and std other than 0, found scale {self.scale}, "
                f"mean {list(self.mean)}, std {list(self.std)}; correct --scale, --mean, --std"
            )

    def affine(self, channels: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the same scaling as ``pixel * gain + offset``: two float32 ``[C]``.

        Raises
        ------
        UsageError: ``mean`` or ``std`` has neither one value nor one a channel.

        """
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                raise UsageError(f"expected 1 or {channels} values for --{name}, found {len(values)}")
        if self.bgr and channels != 3:
            raise UsageError(f"--bgr: expected a model of 3 channels, found {channels}; leave it out")
        gain = np.broadcast_to(self.scale / np.array(self.std), channels)
        offset = np.broadcast_to(-np.array(self.mean) / np.array(self.std), channels)
        return gain.astype(np.float32), offset.astype(np.float32)

    @property
    def options(self) -> str:
        """The options of `export` that say this scaling."""
        words = ["--scale", _fraction(self.scale)]
        if any(self.mean):
            words += ["--mean", *(f"{value:g}" for value in self.mean)]
        if set(self.std) != {1.0}:
            words += ["--std", *(f"{value:g}" for value in self.std)]
        return " ".join([*words, "--bgr"] if self.bgr else words)


def _fraction(value: float) -> str:
    return next((f"1/{below:g}" for below in (255, 127.5) if math.isclose(value, 1 / below)), f"{value:.9g}")
