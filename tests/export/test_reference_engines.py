from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.engines import installed_engines
from edgedigits.verification.golden import tolerance_of
from edgedigits.verification.inference import infer_isolated
from edgedigits_export.bundle.reference_engines import number_engines, run_reference_engines

pytestmark = pytest.mark.skipif(len(installed_engines("tflite")) < 2, reason="needs LiteRT and tflite-runtime")


def run(folder: Path, case: Any, data: bytes, precision: str) -> Any:
    file = folder / f"net-{precision}.tflite"
    file.write_bytes(data)
    first = infer_isolated(file, "litert", case.images)
    tolerance = tolerance_of("classify", precision, case.frozen.classes)
    return first, *run_reference_engines(
        first, "tflite", tolerance, lambda name: infer_isolated(file, name, case.images)
    )


def test_every_engine_that_computes_the_file_is_a_reference_engine(tmp_path: Path, cases: dict[str, Any]) -> None:
    first, found, differing = run(tmp_path, cases["cnn"], cases["cnn"].files["int8.tflite"], "int8")
    assert not differing
    assert [engine.engine for engine in found] == ["litert", "tflite-runtime"]
    for outputs in found.values():
        assert outputs.shape == first.probabilities.shape
    assert np.array_equal(next(iter(found.values())), first.probabilities)


def test_an_engine_that_computes_it_wrongly_is_no_reference_engine(
    tmp_path: Path, cases: dict[str, Any], lying: Any
) -> None:
    _, found, (sentence,) = run(tmp_path, cases["cnn"], lying(cases["cnn"]), "dynamic-int8")
    assert [engine.engine for engine in found] == ["litert"]
    assert sentence.startswith("tflite-runtime 2.14.0 answers otherwise than litert ")


def test_an_engine_that_refuses_the_file_is_no_reference_engine(
    tmp_path: Path, cases: dict[str, Any], newer: Any
) -> None:
    _, found, _ = run(tmp_path, cases["cnn"], newer(cases["cnn"]), "dynamic-int8")
    assert [engine.engine for engine in found] == ["litert"]


def test_reference_engines_are_numbered_once_over_all_files(tmp_path: Path, cases: dict[str, Any]) -> None:
    case = cases["cnn"]
    golden = {name: run(tmp_path, case, case.files[f"{name}.tflite"], name)[1] for name in ("float32", "int8")}
    engines, arrays = number_engines(golden)
    assert [engine.engine for engine in engines] == ["litert", "tflite-runtime"]
    assert set(arrays) == {f"expected/{index}/{name}" for index in (0, 1) for name in golden}
    assert np.array_equal(arrays["expected/1/int8"], golden["int8"][engines[1]])
