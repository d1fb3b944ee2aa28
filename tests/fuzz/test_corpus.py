"""What the fuzzers have found so far is read or refused as the readers say, and is small."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from targets import TARGETS, run

CORPUS = Path(__file__).with_name("corpus")
LARGEST = 1_000_000  # bytes in all
NEEDED = {"tflite": "flatbuffers", "onnx": "onnx"}


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_is_read_or_refused(name):
    if (package := NEEDED.get(name)) and not find_spec(package):
        pytest.skip(f"{package} is not installed here")
    inputs = sorted((CORPUS / name).iterdir())
    assert inputs
    for file in inputs:
        run(name, file.read_bytes())


def test_the_corpus_is_small():
    assert sum(file.stat().st_size for file in CORPUS.rglob("*") if file.is_file()) <= LARGEST
