"""Free fonts of Debian, fetched into the cache; none of matplotlib's, which training may have seen."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path

import matplotlib as mpl

from edgedigits.files import cache_folder, folder_atomic
from edgedigits_export.emulation.rootfs import unpack_packages

SUITE, ARCHITECTURE = "bookworm", "amd64"
# Package of each file, serif, sans, mono, school and handwriting: one regular face a family.
FACES = {
    "LiberationSans-Regular.ttf": "fonts-liberation2",
    "LiberationSerif-Regular.ttf": "fonts-liberation2",
    "LiberationMono-Regular.ttf": "fonts-liberation2",
    "Roboto-Regular.ttf": "fonts-roboto-unhinted",
    "Lato-Regular.ttf": "fonts-lato",
    "OpenSans-Regular.ttf": "fonts-open-sans",
    "Cantarell-Regular.otf": "fonts-cantarell",
    "LinLibertine_R.otf": "fonts-linuxlibertine",
    "GenBasR.ttf": "fonts-sil-gentium-basic",
    "Inconsolata.otf": "fonts-inconsolata",
    "Comfortaa-Regular.ttf": "fonts-comfortaa",
    "Quicksand-Regular.ttf": "fonts-quicksand",
    "EBGaramond12-Regular.otf": "fonts-ebgaramond",
    "Vollkorn-Regular.ttf": "fonts-vollkorn",
    "Carlito-Regular.ttf": "fonts-crosextra-carlito",
    "Caladea-Regular.ttf": "fonts-crosextra-caladea",
    "Humor-Sans.ttf": "fonts-humor-sans",
    "dkg.ttf": "fonts-dkg-handwriting",
    "breipfont.ttf": "fonts-breip",
    "OldStandard-Regular.ttf": "fonts-oldstandard",
    "Jura-Regular.otf": "fonts-jura",
    "Ecolier-court.ttf": "fonts-ecolier-court",
    "tuffy_regular.ttf": "fonts-tuffy",
    "Dosis-Medium.otf": "fonts-dosis",
    "Kristi.ttf": "fonts-kristi",
    "Rufscript010.ttf": "fonts-rufscript",
    "Courier Prime.otf": "fonts-courier-prime",
    "Anonymous Pro.ttf": "fonts-anonymous-pro",
    "LobsterTwo-Regular.otf": "fonts-lobstertwo",
    "mononoki-Regular.ttf": "fonts-mononoki",
    "Cabin-Regular.otf": "fonts-cabin",
    "Karla-Regular.otf": "fonts-karla",
    "TomsonTalks.ttf": "fonts-tomsontalks",
    "YanoneKaffeesatz-Regular.otf": "fonts-yanone-kaffeesatz",
    "Domestic_Manners.ttf": "fonts-dustin",
}
# Neither training has these nor do they judge: choices between networks are made with their letters. No face that has
# capitals alone, where an i is drawn like a 1.
UNSEEN = {
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
# Old-style figures, in which 1 is a small capital I, and a hairline drawn twice.
ODD_DIGITS = frozenset({"Ecolier-court.ttf", "EBGaramond12-Regular.otf", "Vollkorn-Regular.ttf"})
TUNING = (
    "DejaVuSans", "DejaVuSans-Oblique", "DejaVuSerif", "DejaVuSansMono", "STIXGeneral", "STIXGeneralItalic",
    "cmr10", "cmss10", "cmtt10",
)  # fmt: skip


def fonts() -> tuple[Path, ...]:
    """The files of `FACES` in its order; fetched when they are not there.

    Raises
    ------
    TargetError: no Debian packages can be fetched here.

    """
    return _fetched(tuple(FACES.items()))


def unseen_fonts() -> tuple[Path, ...]:
    """The files of `UNSEEN`, as `fonts` has its own."""
    return _fetched(tuple(UNSEEN.items()))


@cache
def _fetched(faces: tuple[tuple[str, str], ...]) -> tuple[Path, ...]:
    """Files of these names out of their packages, kept in the cache."""
    wanted = dict(faces)
    home = cache_folder() / "reading" / f"fonts-{hashlib.sha256(repr(wanted).encode()).hexdigest()[:8]}"
    if not home.is_dir():
        home.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".fonts-", dir=home.parent) as name,
            folder_atomic(home, overwrite=False) as folder,
        ):
            unpack_packages(SUITE, ARCHITECTURE, tuple(dict.fromkeys(wanted.values())), Path(name))
            for path in sorted(Path(name).rglob("*.?tf")):
                if path.name in wanted:
                    shutil.copyfile(path, folder / path.name)
    return tuple(home / name for name in wanted)


def tuning_fonts() -> tuple[Path, ...]:
    """Fonts that matplotlib ships: thresholds are chosen with them, `fonts` judge."""
    home = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return tuple(home / f"{name}.ttf" for name in TUNING)
