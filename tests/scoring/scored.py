"""The command `edgedigits score` as a process, its rows, and the plain loop that they are compared with."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgedigits.classifier import DigitClassifier
from edgedigits.errors import EdgeDigitsError
from edgedigits.images.decode import ImageSource

# Label, confidence, reason of a refusal, and whether there was an error.
Expected = list[tuple[str | None, float | None, str | None, bool]]


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def decoded(pictures: Sequence[bytes]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in pictures[:-1]])


def loop(pictures: Sequence[ImageSource]) -> Iterator[tuple[str | None, float | None, str | None, bool]]:
    """Yield label, confidence, reason of a refusal, and whether there was an error, as a plain loop finds them."""
    with DigitClassifier() as classifier:
        for picture in pictures:
            try:
                found = classifier.classify(picture)
                yield found.label, found.confidence, found.rejected, False
            except EdgeDigitsError:
                yield None, None, None, True


def rows_of(output: Path) -> list[dict[str, Any]]:
    """Return all rows of a result in the order of its files."""
    from pyarrow import parquet

    return [row for file in sorted(output.glob("*.parquet")) for row in parquet.read_table(file).to_pylist()]


def assert_rows(rows: Sequence[dict[str, Any]], expected: Expected) -> None:
    found = [(row["label"], row["rejected"], row["error"] is not None) for row in rows]
    assert found == [(label, rejected, error) for label, _, rejected, error in expected]
    for row, (_, confidence, _, _) in zip(rows, expected, strict=True):
        assert row["confidence"] == (None if confidence is None else pytest.approx(confidence, abs=1e-6))


def start_scoring(*words: object, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    # A process started in the background may have inherited that Ctrl-C is ignored.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from edgedigits.cli.main import main"
    )
    program = f"{code}\nif __name__ == '__main__': raise SystemExit(main())"
    command = [sys.executable, "-c", program, "score", *map(str, words)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | (environment or {})
    )
