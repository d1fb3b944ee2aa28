"""Where the measured files lie in the work folder."""

from __future__ import annotations

from pathlib import Path

DIGITS = "digits.npy"


def model_file(folder: Path, width: int, precision: str, format_: str) -> Path:
    """The model of this width, precision and format."""
    return folder / f"{width}-{precision}.{format_}"
