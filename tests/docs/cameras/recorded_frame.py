"""A frame that a camera saw, blue ink on grey paper: taken for RGB, its BGR has no contrast at all."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image

# Blue has the grey 29; with red and blue exchanged it has 76, which is the paper's.
INK, PAPER = (0, 0, 255), 76
SIZE = (640, 480)


def rgb():
    """uint8 [480, 640, 3]."""
    with np.load(os.environ["DIGITS"]) as digits:
        digit = Image.fromarray(digits["images"][0, ..., 0]).resize((280, 280))
    share = np.zeros((SIZE[1], SIZE[0], 1))
    share[100:380, 180:460, 0] = np.asarray(digit) / 255
    return np.rint(PAPER + share * (np.array(INK) - PAPER)).astype(np.uint8)


def yuv420(stride):
    """uint8 [720, stride], padding and chroma included, as picamera2 gives it."""
    planes = np.full((SIZE[1] * 3 // 2, stride), 255, np.uint8)
    planes[: SIZE[1], : SIZE[0]] = np.asarray(Image.fromarray(rgb()).convert("L"))
    return planes
