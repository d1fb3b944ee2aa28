"""A small script stands for apt, whose packages are large, and answers as it does."""

from __future__ import annotations

import os

import pytest

from edgedigits.errors import TargetError
from edgedigits_export.emulation import rootfs
from edgedigits_export.emulation.rootfs import debian_mirrors, unpack_packages

DEBIAN = "echo bookworm http://mirror/debian/; echo bookworm-updates http://mirror/debian/"


@pytest.fixture
def apt(tmp_path, monkeypatch):
    """An apt-get that runs this script, and a dpkg-deb that says what it is to unpack; nothing else on the PATH."""
    if os.name == "nt":
        pytest.skip("needs a shell")
    (tmp_path / "keyring").touch()
    monkeypatch.setattr(rootfs, "KEYRING", tmp_path / "keyring")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def write(script):
        (tmp_path / "bin").mkdir()
        for name, body in (("apt-get", script), ("dpkg-deb", 'printf "%s\\n" "$2" >> "$3/unpacked"')):
            program = tmp_path / "bin" / name
            program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")
            program.chmod(0o755)

    return write


def test_a_machine_without_apt_is_told_what_is_needed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match="need apt-get of a Debian machine, found none"):
        debian_mirrors()


def test_the_machines_own_mirror_is_taken_once(apt):
    apt(DEBIAN + "; echo stable http://other/debian/; echo jammy http://mirror/ubuntu/")
    assert debian_mirrors() == ["http://mirror/debian/", "http://other/debian/"]


@pytest.mark.parametrize("sources", ["echo noble http://mirror/ubuntu/", "true"])
def test_a_machine_without_debian_sources_is_told_that_ubuntus_do_not_serve(apt, sources):
    apt(sources)
    with pytest.raises(TargetError, match=r"found releases (noble|none) \(Ubuntu's do not serve\)"):
        debian_mirrors()


def test_packages_are_fetched_with_lists_of_their_own_and_unpacked(apt, tmp_path):
    apt(
        f'if [ "$1" = indextargets ]; then {DEBIAN}; exit; fi\n'
        'echo "$@" >> "$(dirname $0)/asked"; folder=$(dirname $APT_CONFIG)\n'
        'cp $APT_CONFIG $folder/sources.list "$(dirname $0)"\n'
        'if [ "$1" = install ]; then touch $folder/archives/b.deb $folder/archives/a.deb; fi'
    )
    root = tmp_path / "cache" / "root"
    (root / "usr/lib").mkdir(parents=True)
    unpack_packages("trixie", "arm64", ("python3.13",), root)
    unpacked = (root / "unpacked").read_text().split()
    assert [line.rpartition("/")[2] for line in unpacked] == ["a.deb", "b.deb"]
    assert (root / "lib").readlink().as_posix() == "usr/lib"
    assert [entry.name for entry in root.parent.iterdir()] == ["root"]
    asked = (tmp_path / "bin/asked").read_text().splitlines()
    assert [line.split()[0] for line in asked] == ["update", "install"]
    assert "--download-only python3.13" in asked[1]
    sources = (tmp_path / "bin/sources.list").read_text()
    assert sources == f"deb [signed-by={tmp_path / 'keyring'}] http://mirror/debian/ trixie main\n"
    assert 'APT::Architecture "arm64"' in (tmp_path / "bin/apt.conf").read_text()


def test_what_apt_says_is_told_when_it_fails(apt, tmp_path):
    apt(
        f'if [ "$1" = indextargets ]; then {DEBIAN}; exit; fi\n'
        'if [ "$1" = install ]; then echo W: a hint >&2; echo E: Unable to locate package x >&2; exit 100; fi'
    )
    (tmp_path / "root").mkdir()
    with pytest.raises(TargetError, match=r"apt-get install failed \(E: Unable to locate package x\)"):
        unpack_packages("bookworm", "arm64", ("x",), tmp_path / "root")
