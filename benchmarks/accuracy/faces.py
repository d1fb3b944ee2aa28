"""Typefaces that training did not use: free fonts of Debian, fetched into the cache.

The trainer draws with all fonts that it finds, but holds out some families by their names
(`edgedigits_train.scenes.typefaces.is_held_out`). All of these are held out, so that no training has seen them.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

from edgedigits.files import cache_folder, folder_atomic
from edgedigits_export.emulation.rootfs import unpack_packages

SUITE, ARCHITECTURE = "bookworm", "amd64"
# One face of each family, with its package: serif, sans, mono, school and handwriting.
FACES = (
    "fonts-linex/Abecedario.ttf", "fonts-linex/emerita_latina.ttf", "fonts-arkpandora/Aerial.ttf",
    "fonts-anonymous-pro/Anonymous Pro.ttf", "fonts-alee/Bandal.ttf", "fonts-bebas-neue/BebasNeue-Regular.otf",
    "fonts-bwht/BecauseWeLearn-Regular.otf", "fonts-firacode/FiraCode-Regular.ttf",
    "fonts-gfs-theokritos/GFSTheokritos.otf", "fonts-georgewilliams/GWMonospace.ttf",
    "fonts-adf-irianis/IrianisADFStyleStd-Regular.otf", "fonts-adf-libris/LibrisADFStd-Regular.otf",
    "fonts-adf-solothurn/Solothurn-Regular.otf", "fonts-jetbrains-mono/JetBrainsMono-Regular.ttf",
    "fonts-junction/Junction.otf", "fonts-dustin/Junkyard.ttf", "fonts-ocr-b/OCRBL.otf",
    "fonts-routed-gothic/routed-gothic.ttf", "fonts-senamirmir-washra/goffer.ttf",
    "fonts-tiresias/tiresias_infofontz.ttf", "fonts-unikurdweb/Unikuweb.ttf", "fonts-uralic/gothub__.ttf",
)  # fmt: skip


@cache
def face_files() -> tuple[Path, ...]:
    """Return the files of `FACES`, fetched when they are not in the cache.

    Raises
    ------
    TargetError: no Debian packages can be fetched here.

    """
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
