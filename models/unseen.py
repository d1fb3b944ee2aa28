"""Typefaces for letters that no network has learned: neither matplotlib's, which training has, nor those that judge."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from edgedigits.files import folder_atomic
from edgedigits_export.board_system import unpack_packages

SUITE, ARCHITECTURE = "bookworm", "amd64"
# Package of each file; no face that has capitals alone, where an i is drawn like a 1.
FACES = {
    "Andika-Regular.ttf": "fonts-sil-andika",
    "ClearSans-Regular.ttf": "fonts-clear-sans",
    "DancingScript-Regular.otf": "fonts-dancingscript",
    "femkeklaver.ttf": "fonts-femkeklaver",
    "FreeMono.ttf": "fonts-freefont-ttf",
    "FreeSans.ttf": "fonts-freefont-ttf",
    "FreeSerif.ttf": "fonts-freefont-ttf",
    "Go-Mono.ttf": "fonts-go",
    "Go-Regular.ttf": "fonts-go",
    "Isabella.ttf": "fonts-isabella",
    "JunicodeTwoBeta-Regular.otf": "fonts-junicode",
    "Play-Regular.ttf": "fonts-play",
    "Prociono.otf": "fonts-prociono",
}


def unseen_fonts(home: Path) -> tuple[Path, ...]:
    """The files of `FACES`, fetched into ``home`` when that is not there.

    Raises
    ------
    TargetError: no Debian packages can be fetched here.

    """
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fonts-", dir=home.parent) as name:
            unpack_packages(SUITE, ARCHITECTURE, tuple(dict.fromkeys(FACES.values())), Path(name))
            with folder_atomic(home, overwrite=False) as folder:
                for path in sorted(Path(name).rglob("*.?tf")):
                    if path.name in FACES:
                        shutil.copyfile(path, folder / path.name)
    return tuple(home / name for name in FACES)
