"""A fleet of eight boards on this machine, two of them emulated Raspberry Pis where their parts are there."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from boards import COLLECTION, Board, Fleet, free_ports
from PIL import Image

from edgedigits.datasets import Dataset


def programs() -> Path | None:
    """The folder of Ansible's commands, which `make fleet` names."""
    named = os.environ.get("EDGEDIGITS_ANSIBLE")
    return Path(named) if named else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needed = {"sshd": Path("/usr/sbin/sshd").exists(), "ssh": shutil.which("ssh"), "what make fleet brings": programs()}
    missing = [name for name, there in needed.items() if not there]
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.slow)
            if missing:
                item.add_marker(pytest.mark.skip(reason=f"not installed here: {', '.join(missing)}"))


@pytest.fixture(scope="session")
def drawn(digits: Dataset) -> dict[str, bytes]:
    """A PNG of each digit as a board keeps them, by file name."""
    found = {}
    for label in range(10):
        ink = digits.images[np.flatnonzero(digits.labels == label)[0], ..., 0]
        buffer = io.BytesIO()
        Image.fromarray(255 - ink).resize((112, 112)).save(buffer, "PNG")
        found[f"seen-{label}.png"] = buffer.getvalue()
    return found


@pytest.fixture(scope="session")
def emulated() -> Iterator[list[Path]]:
    """The Pythons of two emulated Raspberry Pis, as wrappers that set what a guest needs; or none."""
    from edgedigits_export.emulation.boards import BOARDS, SYSTEMS
    from edgedigits_export.emulation.cache import boards_cache
    from edgedigits_export.emulation.qemu import emulated_board

    if not ((boards_cache() / "debian-bookworm-arm64").is_dir() or os.environ.get("EDGEDIGITS_PI")):
        yield []
        return
    system, found = SYSTEMS["bookworm-arm64"], []
    with ExitStack() as stack:
        for name in ("pi4", "pi5"):
            engines = {"litert": system.engines["litert"], "tflite-runtime": system.engines["tflite-runtime"]}
            python = stack.enter_context(emulated_board(BOARDS[name], system, engines, print, service=True))
            settings = {k: v for k, v in python.environment.items() if k not in {"PATH", "HOME"}}
            wrapper = python.folder / "python-of-the-board"
            words = " ".join(f"'{key}={value}'" for key, value in settings.items())
            wrapper.write_text(f'#!/bin/sh\nexec env {words} {python.python} "$@"\n')
            wrapper.chmod(0o755)
            found.append(wrapper)
        yield found


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection, built and installed as its users do."""
    folder = tmp_path_factory.mktemp("collections")
    galaxy = programs() / "ansible-galaxy"
    environment = {**os.environ, "ANSIBLE_HOME": str(folder / "home")}
    for words in (
        ["collection", "build", COLLECTION, "--output-path", folder],
        ["collection", "install", "--offline", "-p", folder, folder / "edgedigits-fleet-0.1.0.tar.gz"],
    ):
        subprocess.run([galaxy, *words], check=True, capture_output=True, env=environment)
    return folder


@pytest.fixture(scope="module")
def make_fleet(collection: Path, drawn: dict[str, bytes]) -> Iterator[Callable[..., Fleet]]:
    """Start boards: as many as are asked for, the last ones with the Pythons that are given."""
    # Sockets of ssh have short names alone.
    with tempfile.TemporaryDirectory(prefix="fleet-", dir="/tmp") as name, ExitStack() as stack:
        folder = Path(name)

        def make(size: int, others: Sequence[Path] = (), small_disks: Sequence[int] = ()) -> Fleet:
            key = folder / "key"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
            (folder / "collections").symlink_to(collection)
            ports = free_ports(2 * size)
            pythons = [*[Path(sys.executable)] * (size - len(others)), *others]
            made = Fleet(folder, [], key, programs())
            for number, python in enumerate(pythons):
                board = Board(f"board{number}", folder / f"board{number}", python, ports[number], ports[size + number])
                board.store.mkdir(parents=True)
                if number in small_disks:
                    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", board.store]
                    if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                        stack.callback(subprocess.run, ["umount", "-l", board.store], check=True)
                stack.callback(board.end)
                board.begin(key, dict(list(drawn.items())[:2]) if board.emulated else drawn)
                made.boards.append(board)
            for board in made.boards:
                board.ready()
            return made

        yield make


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a bundle by a function of `planted`, and its archive."""
    folder = tmp_path_factory.mktemp("planted")

    @cache
    def run(plant: Callable[[Path], Path], key: Path | None = None) -> Path:
        place = folder / f"{plant.__name__}{'-signed' if key else ''}"
        edgedigits = [sys.executable, "-m", "edgedigits.cli.main", "bundle"]
        plant(place)
        if key is not None:
            subprocess.run([*edgedigits, "sign", place, "--key", key], check=True, capture_output=True)
        archive = place.with_suffix(".tar")
        subprocess.run([*edgedigits, "pack", place, "-o", archive], check=True, capture_output=True)
        return archive

    return run
