"""Generated pictures of letters: no digits, though drawn with the same strokes, and to be refused.

The fonts are free ones of Debian, fetched into the cache; none of matplotlib's, whose letters training may have seen.
"""

from __future__ import annotations

import hashlib
import shutil
import string
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.accuracy.samples import LabelledPicture
from edgedigits.files import cache_folder, folder_atomic
from edgedigits_export.emulation.rootfs import unpack_packages

SUITE, ARCHITECTURE = "bookworm", "amd64"
# One regular face of each family, with its package: serif, sans, mono, school and handwriting.
FACES = (
    "fonts-liberation2/LiberationSans-Regular.ttf", "fonts-liberation2/LiberationSerif-Regular.ttf",
    "fonts-liberation2/LiberationMono-Regular.ttf", "fonts-roboto-unhinted/Roboto-Regular.ttf",
    "fonts-lato/Lato-Regular.ttf", "fonts-open-sans/OpenSans-Regular.ttf", "fonts-cantarell/Cantarell-Regular.otf",
    "fonts-linuxlibertine/LinLibertine_R.otf", "fonts-sil-gentium-basic/GenBasR.ttf",
    "fonts-inconsolata/Inconsolata.otf", "fonts-comfortaa/Comfortaa-Regular.ttf",
    "fonts-quicksand/Quicksand-Regular.ttf", "fonts-ebgaramond/EBGaramond12-Regular.otf",
    "fonts-vollkorn/Vollkorn-Regular.ttf", "fonts-crosextra-carlito/Carlito-Regular.ttf",
    "fonts-crosextra-caladea/Caladea-Regular.ttf", "fonts-humor-sans/Humor-Sans.ttf",
    "fonts-dkg-handwriting/dkg.ttf", "fonts-breip/breipfont.ttf", "fonts-oldstandard/OldStandard-Regular.ttf",
    "fonts-jura/Jura-Regular.otf", "fonts-ecolier-court/Ecolier-court.ttf", "fonts-tuffy/tuffy_regular.ttf",
    "fonts-dosis/Dosis-Medium.otf", "fonts-kristi/Kristi.ttf", "fonts-rufscript/Rufscript010.ttf",
    "fonts-courier-prime/Courier Prime.otf", "fonts-anonymous-pro/Anonymous Pro.ttf",
    "fonts-lobstertwo/LobsterTwo-Regular.otf", "fonts-mononoki/mononoki-Regular.ttf",
    "fonts-cabin/Cabin-Regular.otf", "fonts-karla/Karla-Regular.otf", "fonts-tomsontalks/TomsonTalks.ttf",
    "fonts-yanone-kaffeesatz/YanoneKaffeesatz-Regular.otf", "fonts-dustin/Domestic_Manners.ttf",
)  # fmt: skip
# Drawn like a digit by somebody: 0, 1, 5, 2, 8, 9, 6.
LIKE_DIGITS = frozenset("OoIlSsZzBqgb")
LETTERS = "".join(letter for letter in string.ascii_letters if letter not in LIKE_DIGITS)
SMALLEST, LARGEST = 64, 96  # pixels to the em
CANVAS = 200


def letters(seed: int, count: int) -> Iterator[LabelledPicture]:
    """Yield ``count`` of all pairs of letter and font in random order: dark on white.

    Raises
    ------
    TargetError: no Debian packages can be fetched here.

    """
    rng = np.random.default_rng(seed)
    every = [(font, letter) for font in _fonts() for letter in LETTERS]
    for index in rng.permutation(len(every))[:count]:
        font, letter = every[index]
        ink = _printed(letter, font, int(rng.integers(SMALLEST, LARGEST + 1)))
        top, left = (int(rng.integers(5, max(CANVAS - side - 5, 6))) for side in ink.shape)
        canvas = np.zeros((CANVAS, CANVAS))
        canvas[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
        yield LabelledPicture(np.rint(255 * (1 - canvas)).astype(np.uint8), "")


def _printed(letter: str, font: Path, size: int) -> NDArray[np.float64]:
    """Draw a letter, 0 (paper) to 1 (ink), without the empty rows and columns around it."""
    face = ImageFont.truetype(str(font), size)
    left, top, right, bottom = face.getbbox(letter)
    canvas = Image.new("L", (max(round(right - left), 1) + 4, max(round(bottom - top), 1) + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), letter, fill=255, font=face)
    ink = np.asarray(canvas, np.float64) / 255
    strong = ink > 0.25
    rows, columns = np.flatnonzero(strong.any(axis=1)), np.flatnonzero(strong.any(axis=0))
    top, left = max(rows[0] - 1, 0), max(columns[0] - 1, 0)
    return ink[top : rows[-1] + 2, left : columns[-1] + 2]


@cache
def _fonts() -> tuple[Path, ...]:
    """Return the files of `FACES`, fetched when they are not in the cache."""
    home = cache_folder() / "reading" / f"fonts-{hashlib.sha256(repr(FACES).encode()).hexdigest()[:8]}"
    packages, files = zip(*(face.split("/") for face in FACES), strict=True)
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".fonts-", dir=home.parent) as name,
            folder_atomic(home, overwrite=False) as folder,
        ):
            unpack_packages(SUITE, ARCHITECTURE, tuple(dict.fromkeys(packages)), Path(name))
            for path in sorted(Path(name).rglob("*.?tf")):
                if path.name in files:
                    shutil.copyfile(path, folder / path.name)
    return tuple(home / name for name in files)
