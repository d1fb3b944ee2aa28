"""A Debian system as a folder: packages are fetched with this machine's apt and unpacked, and none of them is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from edgedigits.errors import TargetError

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# The names of releases in Debian's main archive.
_RELEASES = {
    "bullseye", "bookworm", "trixie", "forky", "duke", "sid",
    "oldoldstable", "oldstable", "stable", "testing", "unstable",
}  # fmt: skip
# With lists, archives and package status of its own, apt neither reads nor changes the machine's, and needs no root.
_CONFIGURATION = """\
APT::Architecture "{architecture}"; APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false"; APT::Sandbox::User ""; Acquire::Languages "none"; Acquire::Retries "3";
Dir::State "{folder}"; Dir::State::lists "{folder}/lists"; Dir::State::status "{folder}/status";
Dir::Cache "{folder}"; Dir::Cache::archives "{folder}/archives";
Dir::Etc::sourcelist "{folder}/sources.list"; Dir::Etc::sourceparts "-"; Debug::NoLocking "true";
"""


def unpack_packages(suite: str, architecture: str, packages: tuple[str, ...], root: Path) -> None:
    """Unpack ``packages`` of a Debian release and architecture, with all they depend on, into the folder ``root``.

    Raises
    ------
    TargetError: this machine has no apt, or no source of Debian packages, or they cannot be fetched.

    """
    mirrors = debian_mirrors()
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=root.parent) as name:
        folder = Path(name)
        for part in ("lists/partial", "archives/partial"):
            (folder / part).mkdir(parents=True)
        (folder / "status").touch()
        lines = [f"deb [signed-by={KEYRING}] {mirror} {suite} main\n" for mirror in mirrors]
        (folder / "sources.list").write_text("".join(lines))
        (folder / "apt.conf").write_text(_CONFIGURATION.format(architecture=architecture, folder=folder))
        _apt(folder, "update", "-qq")
        _apt(folder, "install", "-qq", "-y", "--download-only", *packages)
        for package in sorted(folder.glob("archives/*.deb")):
            _run(["dpkg-deb", "-x", str(package), str(root)], dict(os.environ))
    for name in ("lib", "lib64"):  # newer packages leave it to the installer to make these links
        if not (root / name).exists() and (root / "usr" / name).exists():
            (root / name).symlink_to(f"usr/{name}")


def debian_mirrors() -> list[str]:
    """Return the URLs from which this machine's apt fetches Debian's main archive.

    Raises
    ------
    TargetError: there is no apt, or it has no Debian source.

    """
    for program in ("apt-get", "dpkg-deb"):
        if shutil.which(program) is None:
            raise TargetError(
                f"emulated boards: need {program} of a Debian machine, found none; use Debian 12 or later"
            )
    asked = ["apt-get", "indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages", "Component: main"]
    sources = [line.split() for line in _run(asked, dict(os.environ)).splitlines()]
    mirrors = sorted({uri for release, uri in sources if release in _RELEASES})
    if not mirrors or not KEYRING.exists():
        others = ", ".join(sorted({release for release, _ in sources})) or "none"
        raise TargetError(
            f"emulated boards: expected a source of Debian packages in apt's configuration and {KEYRING}, found "
            f"releases {others} (Ubuntu's do not serve); use a Debian machine or container"
        )
    return mirrors


def _apt(folder: Path, *words: str) -> None:
    _run(["apt-get", *words], {**os.environ, "APT_CONFIG": str(folder / "apt.conf")})


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603  apt
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
        raise TargetError(
            f"emulated boards: {' '.join(command[:2])} failed ({' '.join(said)[:300]}); is this machine on the network?"
        )
    return done.stdout
