"""Fixtures that make a model file lie, and that put it into a bundle with a matching hash."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from planted import replace

from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.lazy_imports import load

Change = Callable[[Any, Any, Any], object]


@pytest.fixture
def rewrite() -> Callable[[Path, Change], bytes]:
    """Change a .tflite file's content: ``change(schema, model, graph)``."""
    if find_spec("flatbuffers") is None:
        pytest.skip("needs flatbuffers, of the extra [check]")

    def run(file: Path, change: Change) -> bytes:
        schema: Any = load("ai_edge_litert.schema_py_generated", "check")
        model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
        change(schema, model, model.subgraphs[0])
        return bytes(pack(schema, model))

    return run


@pytest.fixture
def smuggle() -> Callable[[Path, str, bytes], Path]:
    """Put other bytes in a file's place, its hash in the manifest included; returns the bundle."""

    def run(folder: Path, name: str, data: bytes) -> Path:
        replace(folder, name, data)
        return folder

    return run
