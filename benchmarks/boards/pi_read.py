"""Reading a page and classifying a picture on an emulated board: the text beside the host's, and the instructions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.bundle import Bundle
from edgedigits_export.emulation.python_environment import PythonEnvironment

MARKS = Path(__file__).with_name("mark_reads.py")
READS = 2
# A page as a small camera gives it: rows of digits of MNIST, dark on white.
SIZE, ROWS, COLUMNS, DIGIT = (480, 640), 4, 10, 56
LEFT, TOP, PITCH, LEADING = 30, 40, 58, 105


def write_page(images: NDArray[np.uint8], path: Path) -> None:
    """Write a page with the first of these digits, uint8 ``[N, 28, 28, 1]``."""
    page = np.full(SIZE, 255, np.uint8)
    for index, image in enumerate(images[: ROWS * COLUMNS]):
        top, left = TOP + LEADING * (index // COLUMNS), LEFT + PITCH * (index % COLUMNS)
        digit = Image.fromarray(image[..., 0]).resize((DIGIT, DIGIT), Image.Resampling.BICUBIC)
        page[top : top + DIGIT, left : left + DIGIT] -= np.asarray(digit)
    Image.fromarray(page).save(path)


def read_on_host(engine: str, bundle: Bundle, page: Path, picture: Path) -> str:
    """Return what the same engine reads here."""
    words = [sys.executable, str(MARKS), engine, "0", *map(str, (bundle.path, page, picture))]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def read_on_board(
    python: PythonEnvironment, engine: str, bundle: Bundle, page: Path, picture: Path, plugin: str | None
) -> tuple[str, dict[str, float], str]:
    """Return what is read, the guest instructions of one ``read`` and one ``classify``, and what went wrong.

    ``plugin`` are QEMU's words for the counting plugin, but for its file; without it nothing is counted.
    """
    marks = python.folder / f"{engine}.reads"
    board = python.with_variables(QEMU_PLUGIN=f"{plugin},out={marks}") if plugin else python
    done = board.run([str(MARKS), engine, str(READS), *map(str, (bundle.path, page, picture))])
    if done.returncode:
        return "", {}, f"reading a page in {engine} ended with {done.returncode}: {done.stderr.strip()[-200:]}"
    if not plugin:
        return done.stdout, {}, ""
    read, classify = np.diff(np.loadtxt(marks, dtype=np.int64)[:, 1]) / READS
    return done.stdout, {"read": float(read), "classify": float(classify)}, ""
