"""What TFLite engines have: `tflite.toml`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from edgedigits_export.compat.toml_table import Kernels, Point, check_points, read_table

TFLITE = Path(__file__).with_name("tflite.toml")


@dataclass(frozen=True, slots=True)
class TfliteTables:
    """The content of `tflite.toml`.

    Attributes
    ----------
    operators: the releases that introduced version 1, 2, 3, ... of each operator.
    kernels: for each operator, the types whose kernels each release introduced.
    wrong_from: for each operator, the release from which types without a kernel are computed wrongly instead of being
        refused.

    """

    operators: dict[str, tuple[Point, ...]]
    kernels: dict[str, Kernels]
    wrong_from: dict[str, dict[str, Point]]


def read_tflite_tables(path: Path) -> TfliteTables:
    """Read and check a file like `tflite.toml`.

    Raises
    ------
    BundleError: it cannot be read, is not TOML, or a field is missing, unknown or malformed.

    """
    tables = read_table(TfliteTables, path)
    check_points(path, ((f"kernels: {name}", row) for name, row in tables.kernels.items()))
    return tables


@cache
def tflite_tables() -> TfliteTables:
    """Return the tables that ship in the package."""
    return read_tflite_tables(TFLITE)
