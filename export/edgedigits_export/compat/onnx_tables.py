"""What onnxruntime has: `onnx.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgedigits_export.compat.toml_table import Kernels, Release, check_points, read_table

ONNX = Path(__file__).with_name("onnx.toml")


@dataclass(frozen=True, slots=True)
class OnnxTables:
    """The content of `onnx.toml`.

    Attributes
    ----------
    opsets: the release of onnxruntime that introduced each opset, by domain.
    ir_versions: the same for versions of the file format.
    kernels: for each operator and version of its definition, the types whose kernels each release introduced.

    """

    opsets: dict[str, dict[str, Release]]
    ir_versions: dict[str, Release]
    kernels: dict[str, dict[str, Kernels]]


def read_onnx_tables(path: Path) -> OnnxTables:
    """Read and check a file like `onnx.toml`.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or malformed.

    """
    tables = read_table(OnnxTables, path)
    rows = ((f"kernels: {name} {version}", row) for name, by in tables.kernels.items() for version, row in by.items())
    check_points(path, rows)
    return tables


@cache
def onnx_tables() -> OnnxTables:
    """Return the tables that ship in the package."""
    return read_onnx_tables(ONNX)
