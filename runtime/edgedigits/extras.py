"""The extras: which packages each brings, and the exact pip line that installs them."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec

from edgedigits.errors import ExtraMissingError

# The import names of the packages that each extra brings; those of the engines stand in `edgedigits.engines.ENGINES`.
# Keras may be told to compute with another backend than TensorFlow, which training then needs in its place.
PACKAGES = {
    "camera": ("av",),
    "check": ("ai_edge_litert", "flatbuffers", "onnx"),
    "export": (
        "tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "matplotlib", "jinja2", "jsonschema",
    ),
    "report": ("matplotlib", "jinja2"),
    "scale": ("ray", "pyarrow"),
    "serve": ("starlette", "uvicorn", "python_multipart", "prometheus_client"),
    "train": (os.environ.get("KERAS_BACKEND") or "tensorflow", "keras", "matplotlib", "jinja2"),
}  # fmt: skip
_EXTRA = r"""\s*(?:and\s+)?\(?extra\s*==\s*['"](?P<extra>[\w-]+)['"]\)?"""


def requirements_of(extra: str) -> list[str]:
    """Return an extra's requirements from the metadata of the installed package; empty where there is none."""
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
    """Return a command that installs the extra's packages, wherever edgedigits itself was installed from."""
    packages = " ".join(f'"{line}"' for line in requirements_of(extra))
    return f"install it with: pip install {packages}" if packages else f"install edgedigits with its extra [{extra}]"


def require_extra(what: str, extra: str) -> None:
    """Refuse to begin ``what`` without the packages of an extra.

    Raises
    ------
    ExtraMissingError: some of the packages are not installed; the message has the pip line.

    """
    if missing := [package for package in PACKAGES[extra] if find_spec(package) is None]:
        raise ExtraMissingError(f"{what}: needs {', '.join(missing)}, not installed; {pip_line(extra)}")
