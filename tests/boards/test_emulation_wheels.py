"""Wheels for a board's platform come from the package index, and are unpacked without being run."""

from __future__ import annotations

import subprocess

import pytest

from edgedigits.engines import ENGINES
from edgedigits.errors import TargetError
from edgedigits_export.emulation import wheels
from edgedigits_export.emulation.boards import SERVICE, SYSTEMS
from edgedigits_export.emulation.qemu import _cached_folders
from edgedigits_export.emulation.wheels import install_pure, install_wheel, pinned

# Small, without dependencies, and compiled for every platform.
PACKAGE, VERSION = "markupsafe", "3.0.2"
# The processor in the head of an ELF file.
AARCH64 = 183


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bookworm-arm64", "trixie-arm64"])
def test_a_wheel_of_the_boards_processor_and_python_is_unpacked(tmp_path, name):
    system = SYSTEMS[name]
    install_wheel(system, PACKAGE, VERSION, tmp_path)
    (compiled,) = tmp_path.rglob("*.so")
    assert f"cpython-{system.python.replace('.', '')}-aarch64" in compiled.name
    assert int.from_bytes(compiled.read_bytes()[18:20], "little") == AARCH64


@pytest.mark.slow
def test_pure_packages_fit_every_system(tmp_path):
    install_pure({"h11": "0.16.0"}, tmp_path)
    assert (tmp_path / "h11" / "__init__.py").exists()
    assert not list(tmp_path.rglob("*.so"))


@pytest.mark.slow
def test_a_release_that_does_not_exist_is_told_in_pips_words(tmp_path):
    wanted = (
        r"^markupsafe==0\.0\.1 for bookworm armhf, Python 3\.11: pip found none .*\(ERROR: No matching distribution"
    )
    with pytest.raises(TargetError, match=wanted):
        install_wheel(SYSTEMS["bookworm-armhf"], PACKAGE, "0.0.1", tmp_path)


def test_wheels_must_fit_the_systems_python_machine_and_c_library(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(
        wheels.subprocess, "run", lambda command, **_: asked.append(command) or subprocess.CompletedProcess(command, 0)
    )
    install_wheel(SYSTEMS["bookworm-armhf"], "tflite-runtime", "2.14.0", tmp_path)
    (words,) = asked
    assert "--require-hashes" in words
    assert {"--platform=manylinux_2_36_armv7l", "--platform=manylinux2014_armv7l", "--abi=cp311"} <= set(words)
    assert not [word for word in words if "2_37" in word or "aarch64" in word]
    assert {"--only-binary=:all:", "--no-deps"} <= set(words)


def test_every_release_that_boards_get_is_pinned_with_its_hash():
    releases = {f"{name}=={version}" for name, version in SERVICE.items()}
    for system in SYSTEMS.values():
        wheels_ = system.wheels | {ENGINES[name].distribution: version for name, version in system.engines.items()}
        releases |= {f"{name}=={version}" for name, version in wheels_.items()}
    assert pinned().keys() == releases


@pytest.mark.slow
def test_a_wheel_of_another_hash_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "pinned", lambda: {"h11==0.16.0": f"h11==0.16.0 --hash=sha256:{'0' * 64}"})
    with pytest.raises(TargetError, match=r"h11==0\.16\.0: pip found none to install"):
        install_pure({"h11": "0.16.0"}, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_python_without_pip_is_told_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setattr(wheels, "find_spec", lambda _: None)
    with pytest.raises(TargetError, match=r"expected pip, .*ensurepip"):
        install_pure({"h11": "0.16.0"}, tmp_path)


def test_the_folders_of_wheels_have_the_names_that_pip_knows():
    system = SYSTEMS["bookworm-arm64"]
    names = [folder.name for folder in _cached_folders(system, system.engines)][2:]
    assert names == [
        f"{name}-bookworm-arm64"
        for name in ("numpy-1.26.4", "pillow-13.0.0", "ai-edge-litert-2.3.0", "tflite-runtime-2.14.0",
                     "onnxruntime-1.32.0")
    ]  # fmt: skip
