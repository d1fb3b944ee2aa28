"""Scripts that stand outside the packages."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """Imports ``models/make`` and the like by their place, with the folder's other scripts at hand as when run."""

    def find(place: str) -> ModuleType:
        folder, name = place.rsplit("/", 1)
        monkeypatch.syspath_prepend(str(ROOT / folder))
        return importlib.import_module(name)

    return find
