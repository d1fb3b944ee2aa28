"""The exact pip line that brings what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec

from edgedigits.errors import ExtraMissingError

_EXTRA = r"""\s*(?:and\s+)?\(?extra\s*==\s*['"](?P<extra>[\w-]+)['"]\)?"""


def requirements_of(extra: str) -> list[str]:
    """What an extra asks for, as the installed package's own metadata says; empty when there is none."""
    from importlib.metadata import PackageNotFoundError, requires  # 20 ms that only a failure should cost

    try:
        lines = requires("edgedigits") or []
    except PackageNotFoundError:
        return []
    found = []
    for line in lines:
        match = re.search(_EXTRA, line)
        if match and match["extra"] == extra:
            found.append(re.sub(_EXTRA, "", line).rstrip().removesuffix(";").rstrip())
    return found


def pip_line(extra: str) -> str:
    """A command that installs the extra's packages, wherever edgedigits itself came from."""
    packages = " ".join(f'"{line}"' for line in requirements_of(extra))
    return f"install it with: pip install {packages}" if packages else f"install edgedigits with its extra [{extra}]"


def require_extra(what: str, extra: str, packages: Sequence[str]) -> None:
    """Refuse to begin ``what`` without the extra's ``packages``, given by their import names.

    Raises
    ------
    ExtraMissingError: some are not installed; the message has the pip line.

    """
    if missing := [package for package in packages if find_spec(package) is None]:
        raise ExtraMissingError(f"{what}: needs {', '.join(missing)}, not installed; {pip_line(extra)}")
