"""An emulated Raspberry Pi: Debian's Python and the real wheels of its platform in QEMU's user-mode emulation."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from edgedigits.engines import ENGINES
from edgedigits.measure.machine import EMULATED
from edgedigits.scratch import ScratchFolder
from edgedigits_export.emulation.boards import SERVICE, EmulatedBoard, EmulatedSystem, processor_of, write_kernel_files
from edgedigits_export.emulation.cache import CachedFolder, Progress, ensure_cached
from edgedigits_export.emulation.python_environment import PythonEnvironment, clean_environment, copy_package
from edgedigits_export.emulation.rootfs import unpack_packages
from edgedigits_export.emulation.wheels import install_pure, install_wheel

# One release of QEMU for every machine, so that what it counts and computes is comparable.
_QEMU_SUITE = "bookworm"
_EMULATORS = {"arm64": "qemu-aarch64", "armhf": "qemu-arm"}
_LIBRARIES = ("libstdc++6", "libgcc-s1", "zlib1g", "libatomic1")
# Measured sizes in megabytes: to download, and unpacked.
_SIZES = {
    "qemu": (30, 42), "bookworm-arm64": (25, 75), "bookworm-armhf": (45, 141), "trixie-arm64": (25, 69),
    "numpy": (15, 56), "pillow": (7, 21), "tflite-runtime": (3, 7), "ai-edge-litert": (15, 41), "onnxruntime": (24, 59),
    "service": (1, 4),
}  # fmt: skip


@contextmanager
def emulated_board(
    board: EmulatedBoard,
    system: EmulatedSystem,
    engines: Mapping[str, str],
    progress: Progress,
    package: Path | None = None,
    *,
    service: bool = False,
) -> Iterator[PythonEnvironment]:
    """Give the board's Python, ready to run, with the ``engines`` (name → release) installed.

    Parameters
    ----------
    package: a folder that contains `edgedigits`; None for the installed package.
    service: also install what `edgedigits serve` needs.

    Raises
    ------
    TargetError: this machine cannot fetch Debian packages, or there is no such wheel.

    """
    qemu, debian, *wheels = ensure_cached(_cached_folders(system, engines, service=service), progress)
    with ScratchFolder() as name:
        folder = Path(name)
        root = folder / "root"
        root.mkdir()
        for entry in debian.iterdir():
            (root / entry.name).symlink_to(entry)
        write_kernel_files(board, system, root)
        python = folder / "python"
        python.write_text(_wrapper(qemu, debian, root, processor_of(board, system), system))
        python.chmod(0o755)
        tested = package or copy_package(folder / "package")
        yield PythonEnvironment(python, _environment(folder, [tested, *wheels], debian), folder)


def _wrapper(qemu: Path, debian: Path, root: Path, processor: str, system: EmulatedSystem) -> str:
    """Return a script for the host that runs the guest's Python in QEMU.

    The guest has the script as its `sys.executable`. A guest that starts it enters QEMU again, although the kernel does
    not know of programs for another processor. QEMU brings its own C library and loader, so the host's may be older.
    """
    libraries = [qemu / "lib/x86_64-linux-gnu", qemu / "usr/lib/x86_64-linux-gnu"]
    emulator = [libraries[0] / "ld-linux-x86-64.so.2", "--library-path", ":".join(map(str, libraries))]
    emulator += [qemu / "usr/bin" / _EMULATORS[system.architecture], "-L", root, "-cpu", processor]
    python = debian / f"usr/bin/python{system.python}"
    # The signal tells of a crash; a core file of QEMU would help nobody.
    return f'#!/bin/sh\nulimit -c 0\nexec {_quoted(*emulator)} -0 "$0" {_quoted(python)} "$@"\n'


def _quoted(*words: object) -> str:
    return shlex.join(map(str, words))


def _environment(folder: Path, path: list[Path], debian: Path) -> dict[str, str]:
    """Return environment variables that are the same at every run, with one thread."""
    return clean_environment(folder, path) | {
        "PYTHONHOME": str(debian / "usr"),
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        EMULATED: "1",
    }


def _cached_folders(system: EmulatedSystem, engines: Mapping[str, str], *, service: bool = False) -> list[CachedFolder]:
    """Return the folders of the cache that a board is made of: QEMU, Debian, and a folder for each wheel."""
    packages = (f"python{system.python}", *_LIBRARIES, *system.debian)
    wheels = {**system.wheels, **{ENGINES[name].distribution: version for name, version in engines.items()}}
    return [
        CachedFolder(f"qemu-{_QEMU_SUITE}", _unpack_qemu, *_SIZES["qemu"]),
        CachedFolder(f"debian-{system.name}", partial(_unpack_debian, system, packages), *_SIZES[system.name]),
        *(
            CachedFolder(
                f"{name}-{version}-{system.name}", partial(install_wheel, system, name, version), *_SIZES[name]
            )
            for name, version in wheels.items()
        ),
        *([CachedFolder(_service_name(), partial(install_pure, SERVICE), *_SIZES["service"])] if service else []),
    ]


def _service_name() -> str:
    """Return a name that changes with the releases of the packages."""
    return f"service-{hashlib.sha256(repr(SERVICE).encode()).hexdigest()[:12]}"


def _unpack_qemu(folder: Path) -> None:
    """Unpack Debian's dynamic build for the boards' processors; unlike the static build it can load plugins."""
    unpack_packages(_QEMU_SUITE, "amd64", ("qemu-user",), folder)
    for program in folder.glob("usr/bin/*"):
        if program.name not in _EMULATORS.values():
            program.unlink()


def _unpack_debian(system: EmulatedSystem, packages: tuple[str, ...], folder: Path) -> None:
    unpack_packages(system.suite, system.architecture, packages, folder)
    for library in folder.glob("usr/lib/*/*/lib*.so.3"):
        if library.parent.name in {"blas", "lapack"}:  # a link that the alternatives system would have made
            (library.parents[1] / library.name).symlink_to(f"{library.parent.name}/{library.name}")
