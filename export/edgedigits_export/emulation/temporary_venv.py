"""A temporary virtual environment with chosen releases of engines."""

from __future__ import annotations

import os
import venv
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgedigits.engines import ENGINES
from edgedigits.extras import requirements_of
from edgedigits.scratch import ScratchFolder
from edgedigits_export.compat.check import numpy_limit
from edgedigits_export.compat.verdict import EngineRelease
from edgedigits_export.emulation.cache import Progress
from edgedigits_export.emulation.python_environment import PythonEnvironment, clean_environment, copy_package
from edgedigits_export.emulation.wheels import pip_install


@contextmanager
def temporary_venv(engines: Mapping[str, str], progress: Progress) -> Iterator[PythonEnvironment]:
    """Give a Python like this one, with the ``engines`` (name → release) and the other packages of their extras.

    Raises
    ------
    TargetError: there is no such release for this Python and machine.

    """
    releases = [EngineRelease(engine, version) for engine, version in engines.items()]
    wanted = [f"{release.distribution}=={release.version}" for release in releases]
    required = [line for engine in engines for line in requirements_of(ENGINES[engine].extra)]
    others = [line for line in required if not line.startswith(tuple(release.distribution for release in releases))]
    with ScratchFolder() as name:
        folder = Path(name)
        progress(f"making a temporary environment with {', '.join(wanted)}")
        builder = venv.EnvBuilder(symlinks=os.name != "nt")
        builder.create(folder / "venv")
        python = Path(builder.ensure_directories(folder / "venv").env_exe)
        numpy = [f"numpy{numpy_limit(release)}" for release in releases]
        pip_install([*numpy, "pillow", *others, *wanted], " ".join(wanted), ["--python", str(python)])
        package = copy_package(folder / "package")
        yield PythonEnvironment(python, clean_environment(folder, [package]), folder)
