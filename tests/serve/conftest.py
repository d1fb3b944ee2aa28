"""Running services and pictures to ask them with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from running import Running, Start, png_of, start_service

from edgedigits.datasets import Dataset

for package in ("starlette", "uvicorn", "python_multipart", "prometheus_client"):
    pytest.importorskip(package, reason=f"{package} is not installed: the extra [serve] is not there")


@pytest.fixture(scope="session")
def service() -> Iterator[Running]:
    """One that nobody ends or disturbs."""
    running = start_service()
    yield running
    assert running.end() == 0


@pytest.fixture
def start() -> Iterator[Start]:
    """Start services, which end with the test at the latest."""
    started: list[Running] = []

    def begin(*options: object, **more: Any) -> Running:
        started.append(start_service(*options, **more))
        return started[-1]

    yield begin
    for running in started:
        running.end(signal.SIGKILL)


@pytest.fixture(scope="session")
def drawn(digits: Dataset) -> dict[int, bytes]:
    """A PNG a digit, dark ink on white and larger, as from a page."""
    found = {}
    for label in range(10):
        ink = digits.images[np.flatnonzero(digits.labels == label)[0], ..., 0]
        found[label] = png_of(np.asarray(Image.fromarray(255 - ink).resize((140, 140))))
    return found


@pytest.fixture(scope="session")
def several(digits: Dataset) -> bytes:
    """A PNG with three digits beside each other: 1 2 3.

    Not the first of each: on so small a page the broad bar of that 2 is taken for a ruling.
    """
    page = Image.new("L", (520, 200), 255)
    for place, label in enumerate((1, 2, 3)):
        ink = digits.images[np.flatnonzero(digits.labels == label)[7], ..., 0]
        page.paste(Image.fromarray(255 - ink).resize((140, 140)), (30 + 160 * place, 30))
    return png_of(np.asarray(page))
