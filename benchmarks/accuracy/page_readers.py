"""Programs that read whole photographs, all in one thread: edgedigits itself, and peers that everybody can install.

Each gives the digits that it reports with their places. Tesseract reads digits alone (its whitelist), in the page modes
that suit a grid: 6 one block of text, 11 sparse text, 12 sparse text with orientation. It reports a box a character.
RapidOCR, which runs the networks of PaddleOCR in onnxruntime, reports a box a word; it is parted evenly among the
word's characters.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from benchmarks.accuracy.grid_counts import ReadPhotograph, Spot
from benchmarks.harness.venvs import COMPILED, InstallError, installed_bytes, made_venv, project_venv, versions
from edgedigits import DigitClassifier
from edgedigits.errors import TargetError
from edgedigits.files import cache_folder, folder_atomic
from edgedigits_export.emulation.rootfs import unpack_packages

SUITE = "bookworm"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
TESSERACT_PACKAGES = ("tesseract-ocr", "tesseract-ocr-eng")
TESSERACT_MODES = (6, 11, 12)
RAPIDOCR = "rapidocr-onnxruntime"
RAPIDOCR_RELEASE = f"{RAPIDOCR}==1.4.4"
WORKER = Path(__file__).parent / "workers" / "rapidocr_worker.py"
DIGITS = frozenset("0123456789")


class ReaderError(RuntimeError):
    """A program that reads photographs cannot be had here, or failed."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A program that reads photographs.

    Attributes
    ----------
    version: its release.
    megabytes: what it takes on the disk with all that it needs, or None where nobody measured it.
    ways: functions that read a photograph, one for each of its settings, by the setting's name.

    """

    version: str
    megabytes: float | None
    ways: dict[str, ReadPhotograph]


def own_reader(classifier: DigitClassifier) -> ReadPhotograph:
    """Return the function that reads with a classifier."""

    def read(path: Path) -> list[Spot]:
        spots = []
        for digit in classifier.read(path).digits:
            top, left, bottom, right = digit.box
            spots.append(Spot("" if digit.rejection else digit.label, (left + right) / 2, (top + bottom) / 2))
        return spots

    return read


def own_megabytes() -> float | None:
    """Return what this project's wheel takes with all that it needs, None where it cannot be installed."""
    try:
        return installed_bytes(project_venv(cache_folder() / "reading" / "own", constrained=False)) / 1e6
    except InstallError:
        return None


@contextmanager
def tesseract() -> Iterator[Reader]:
    """Give Tesseract, unpacked from Debian's packages.

    Raises
    ------
    ReaderError: it cannot be fetched, or does not run here.

    """
    root = _unpacked_tesseract()
    (data,) = root.glob("usr/share/tesseract-ocr/*/tessdata")
    (loader,) = root.glob("lib/*-linux-gnu/ld-linux-*.so.*")
    libraries = ":".join(str(folder) for part in ("lib", "usr/lib") for folder in root.glob(f"{part}/*-linux-gnu"))
    environment = os.environ | {"TESSDATA_PREFIX": str(data), "OMP_THREAD_LIMIT": "1"}
    # Its own loader and libraries: it runs as in the Debian that it was made for.
    command = [str(loader), "--library-path", libraries, str(root / "usr" / "bin" / "tesseract")]

    def run(*words: str) -> str:
        try:
            done = subprocess.run([*command, *words], check=True, capture_output=True, text=True, env=environment)
        except (OSError, subprocess.CalledProcessError) as error:
            raise ReaderError(f"Tesseract does not run here ({getattr(error, 'stderr', None) or error})") from error
        return done.stdout

    def way(mode: int) -> ReadPhotograph:
        def read(path: Path) -> list[Spot]:
            with Image.open(path) as picture:
                height = picture.height
            words = ("--psm", str(mode), "-c", f"tessedit_char_whitelist={''.join(sorted(DIGITS))}", "makebox")
            return tesseract_spots(run(str(path), "stdout", *words), height)

        return read

    version = run("--version").split()[1]
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file() and not file.is_symlink()) / 1e6
    yield Reader(version, size, {f"mode {mode}": way(mode) for mode in TESSERACT_MODES})


def tesseract_spots(boxes: str, height: int) -> list[Spot]:
    """Return the digits of what Tesseract's ``makebox`` writes for a picture of so many rows.

    A line is a character with its left, bottom, right and top in pixels from the lower left corner, and the page.
    """
    spots = []
    for line in boxes.splitlines():
        character, *sides = line.split(" ")
        if character in DIGITS and len(sides) == 5:
            left, bottom, right, top = map(int, sides[:4])
            spots.append(Spot(character, (left + right) / 2, height - (bottom + top) / 2))
    return spots


@contextmanager
def rapidocr() -> Iterator[Reader]:
    """Give RapidOCR, in an environment and a process of its own.

    Raises
    ------
    ReaderError: it cannot be installed, or ends while it reads.

    """
    try:
        home = cache_folder() / "reading" / "venvs" / f"{RAPIDOCR_RELEASE}-py{platform.python_version()}"
        python = made_venv(home, sys.executable, [COMPILED, RAPIDOCR_RELEASE])
    except InstallError as error:
        raise ReaderError(str(error)) from error
    with subprocess.Popen(
        [python, str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:

        def answer() -> str:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise ReaderError(f"{RAPIDOCR} ended")
            return line

        def read(path: Path) -> list[Spot]:
            if process.stdin is None or process.poll() is not None:
                raise ReaderError(f"{RAPIDOCR} ended")
            process.stdin.write(f"{path.resolve()}\n")
            process.stdin.flush()
            return [spot for corners, text in json.loads(answer()) for spot in word_spots(corners, text)]

        answer()  # it has started: what that takes is not part of a photograph's seconds
        yield Reader(versions((RAPIDOCR,), python)[RAPIDOCR], installed_bytes(python) / 1e6, {"words": read})


def word_spots(corners: list[list[float]], text: str) -> list[Spot]:
    """Return the digits of a word, whose box (from top left, clockwise) is parted evenly among its characters."""
    top_left, top_right, bottom_right, bottom_left = corners
    spots = []
    for index, character in enumerate(text):
        if character in DIGITS:
            share = (index + 0.5) / len(text)
            x, y = (
                ((1 - share) * (top_left[axis] + bottom_left[axis]) + share * (top_right[axis] + bottom_right[axis]))
                / 2
                for axis in (0, 1)
            )
            spots.append(Spot(character, x, y))
    return spots


# By their names in tables.
PEERS: dict[str, Callable[[], AbstractContextManager[Reader]]] = {"Tesseract": tesseract, "RapidOCR": rapidocr}


def _unpacked_tesseract() -> Path:
    """Return the folder with Tesseract and all its libraries, fetched when it is not in the cache."""
    if platform.machine() not in ARCHITECTURES:
        raise ReaderError(f"no Debian packages of Tesseract are known for {platform.machine()}")
    architecture = ARCHITECTURES[platform.machine()]
    root = cache_folder() / "reading" / f"tesseract-{SUITE}-{architecture}"
    if not root.is_dir():
        try:
            with folder_atomic(root, overwrite=False) as folder:
                unpack_packages(SUITE, architecture, TESSERACT_PACKAGES, folder)
        except TargetError as error:
            raise ReaderError(str(error)) from error
    return root
