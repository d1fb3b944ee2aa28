"""The environment of each peer: a venv of its own, kept between runs, or the Python that runs this."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.harness.venvs import COMPILED, InstallError, made_venv, project_venv
from benchmarks.peers.peer import EDGEDIGITS, Peer, PeerError

# Its wheel declares torch, which is for models of PyTorch; from ONNX it converts without.
PNNX = "pnnx==20261020"


@dataclass(frozen=True, slots=True)
class PeerVenvs:
    """Venvs below ``folder``; with ``here`` none is made, and the Python that runs this serves all peers."""

    folder: Path
    here: bool = False

    def python(self, peer: Peer) -> str:
        """Return the Python that has a peer's packages.

        Raises
        ------
        PeerError: they are not installed here, or cannot be installed.

        """
        if self.here:
            if find_spec(peer.imports) is None:
                raise PeerError(f"{peer.imports} is not installed here")
            return sys.executable
        if peer is not EDGEDIGITS:
            return self._venv(key_of(*peer.packages), peer.packages)
        try:
            return project_venv(self.folder, constrained=False)
        except InstallError as failed:
            raise PeerError(str(failed)) from failed

    def installed(self, peer: Peer) -> dict[str, Any] | None:
        """List what a peer's venv has, with its bytes beyond an empty one; None ``here``, where all is mixed."""
        if self.here:
            return None
        python, empty = self.python(peer), self._venv("empty", ())
        there = distributions(path=[str(_site_packages(python))])
        return {
            "bytes": _size(_site_packages(python)) - _size(_site_packages(empty)),
            "packages": sorted((dist.name for dist in there), key=str.lower),
        }

    def pnnx(self) -> Path:
        """Return the path of ncnn's converter.

        Raises
        ------
        PeerError: it cannot be installed.

        """
        return _site_packages(self._venv(key_of(PNNX), ("--no-deps", PNNX))) / "pnnx" / "pnnx"

    def _venv(self, key: str, packages: tuple[str, ...]) -> str:
        version = ".".join(map(str, sys.version_info[:2]))
        home = self.folder / f"{key}-py{version}"
        try:
            return made_venv(home, sys.executable, *([(COMPILED, *packages)] if packages else []))
        except InstallError as failed:
            raise PeerError(str(failed)) from failed


def key_of(*packages: str) -> str:
    """Return a file name for releases."""
    return "-".join(packages).replace("==", "-")


def _size(folder: Path) -> int:
    """Count the bytes of all files but byte code, which comes and goes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")


def _site_packages(python: str) -> Path:
    (found,) = Path(python).parents[1].glob("lib/python3.*/site-packages")
    return found
