"""Real wheels of a board's platform: they are fetched with this machine's pip and unpacked, and none of them is run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from edgedigits.errors import TargetError
from edgedigits.scratch import ScratchFolder
from edgedigits_export.emulation.boards import EmulatedSystem

_MACHINES = {"arm64": "aarch64", "armhf": "armv7l"}
_OLDEST_PYTHON = "3.11"  # of the boards' systems
_OLDEST_GLIBC = 17  # of the manylinux tags that carry a version; manylinux2014 is its other name


def install_wheel(system: EmulatedSystem, package: str, version: str, folder: Path) -> None:
    """Unpack a release's wheel for the system into ``folder``.

    The dependencies that engines declare beyond numpy (protobuf, flatbuffers, …) are not used in inference; they are
    left out.

    Raises
    ------
    TargetError: there is no such wheel, or it cannot be fetched.

    """
    machine, (major, minor) = _MACHINES[system.architecture], system.glibc
    tags = ["manylinux2014", *(f"manylinux_{major}_{old}" for old in range(_OLDEST_GLIBC, minor + 1))]
    tag = f"cp{system.python.replace('.', '')}"
    wanted = f"{package}=={version}"
    _install_pinned(
        [
            "--no-deps", "--no-compile", "--target", str(folder), "--python-version", system.python,
            "--implementation", "cp", *(f"--abi={abi}" for abi in (tag, "abi3", "none")),
            *(f"--platform={name}_{machine}" for name in tags),
        ],
        [wanted],
        f"{wanted} for {system.suite} {system.architecture}, Python {system.python}",
    )  # fmt: skip


def install_pure(packages: Mapping[str, str], folder: Path) -> None:
    """Unpack releases (name → release) of pure Python packages, which fit every system, into ``folder``.

    Raises
    ------
    TargetError: there is no such wheel, or it cannot be fetched.

    """
    wanted = [f"{package}=={version}" for package, version in packages.items()]
    anywhere = ["--platform=any", "--implementation=py", "--abi=none", f"--python-version={_OLDEST_PYTHON}"]
    _install_pinned(["--no-deps", "--no-compile", "--target", str(folder), *anywhere], wanted, ", ".join(wanted))


def pinned() -> dict[str, str]:
    """Return the requirements with hashes, by ``name==release``, of all releases that boards get by default."""
    lines = (files("edgedigits_export.emulation") / "wheel_hashes.txt").read_text().splitlines()
    return {line.partition(" ")[0]: line for line in lines}


def _install_pinned(words: Sequence[str], wanted: Sequence[str], what: str) -> None:
    """Install releases whose wheels must have the hashes that are known here; another release has none."""
    known = pinned()
    if not known.keys() >= set(wanted):
        pip_install([*words, *wanted], what)
        return
    with ScratchFolder() as folder:
        file = Path(folder, "requirements.txt")
        file.write_text("".join(f"{known[one]}\n" for one in wanted))
        pip_install([*words, "--require-hashes", "--requirement", str(file)], what)


def pip_install(words: Sequence[str], what: str, before: Sequence[str] = ()) -> None:
    """Run ``pip install words`` with wheels only, as building a source package would run its code.

    Raises
    ------
    TargetError: pip fails; ``what`` says in the message what was to be installed.

    """
    if find_spec("pip") is None:
        raise TargetError(f"{what}: expected pip, found none installed; install it with: python -m ensurepip")
    command = [sys.executable, "-m", "pip", *before, "install", "--quiet", "--disable-pip-version-check"]
    command += ["--root-user-action=ignore", "--only-binary=:all:", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  pip of this Python
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        raise TargetError(f"{what}: pip found none to install ({' '.join(said[-1:])[:300] or done.stderr[-200:]})")
