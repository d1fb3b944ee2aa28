"""What reading costs beside Pillow's own work on the same picture: medians of interleaved repetitions, one thread."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from canvas import chosen
from drawing import Grey, finish, paper, shade
from pens import pen_stroke, stamp
from PIL import Image, ImageFilter

from edgedigits import DigitClassifier
from edgedigits.images import decode

FRAME, PHOTOGRAPH = (480, 640), (3000, 4000)
# A photograph is in colour, and its sensor has grain; rpicam-still writes this quality unless told otherwise.
QUALITY, TINT, GRAIN = 93, (1.0, 0.97, 0.9), 4.0
# The size a JPEG decoder is asked for decides its scale: the bare decode is asked for the same one.
DRAFT_SIZE = getattr(decode, "DRAFT_SIZE", (512, 512))
RADIUS = 12


def speed(classifier: DigitClassifier, rounds: int) -> dict[str, Any]:
    """Two ratios: a camera's frame against a box blur of it, a photograph's file against its bare draft decoding."""
    frame = _photograph(*FRAME)
    picture = Image.fromarray(frame)
    blur = ImageFilter.BoxBlur(RADIUS)
    with tempfile.TemporaryDirectory(prefix="edgedigits-reading-") as name:
        file = Path(name) / "photograph.jpg"
        write_photograph(file)
        return {
            "frame": _ratio(lambda: classifier.classify(frame), lambda: picture.filter(blur), rounds),
            "photograph": {"file_mb": file.stat().st_size / 1e6}
            | _ratio(lambda: classifier.classify(file), lambda: _bare(file), max(rounds // 5, 3)),
        }


def write_photograph(file: Path) -> None:
    """A JPEG of 12 megapixels of one pen digit on a sheet, in colour and with grain."""
    _colour(_photograph(*PHOTOGRAPH)).save(file, quality=QUALITY, subsampling="4:2:0")


def _bare(file: Path) -> None:
    with Image.open(file) as image:
        image.draft("L", DRAFT_SIZE)
        image.load()


def _photograph(height: int, width: int) -> Grey:
    """One pen digit on a sheet in uneven light."""
    rng = np.random.default_rng(0)
    layer = np.zeros((height, width))
    digit, _ = next(iter(chosen("validation", 0, 1)))
    ink = pen_stroke(digit, height // 2, 0.45)
    stamp(layer, ink, height // 4, (width - ink.shape[1]) // 2)
    return finish(paper(rng, height, width, 220, 2) * (1 - 0.8 * layer) * shade(rng, height, width, 0.7))


def _colour(grey: Grey) -> Image.Image:
    rng = np.random.default_rng(1)
    grain = GRAIN * rng.standard_normal((*grey.shape, 3), np.float32)
    return Image.fromarray(np.clip(grey[..., None] * np.float32(TINT) + grain, 0, 255).astype(np.uint8))


def _ratio(ours: Callable[[], object], theirs: Callable[[], object], rounds: int) -> dict[str, float]:
    times: tuple[list[int], list[int]] = ([], [])
    for number in range(rounds + 2):
        for kept, call in zip(times, (ours, theirs), strict=True):
            started = time.perf_counter_ns()
            call()
            if number >= 2:  # the first calls fill caches
                kept.append(time.perf_counter_ns() - started)
    mine, other = (median(kept) / 1e6 for kept in times)
    return {"ms": mine, "reference_ms": other, "ratio": mine / other, "rounds": rounds}
