"""The family: what ships is chosen by validation digits, and the table tells means and spreads of what was measured."""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "models").is_dir(), reason="the wheel alone has no models")


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "models"))
    return importlib.import_module("make")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    return importlib.import_module("family")


def run(member: str, seed: int, validation: float, test: float, **others: Any) -> dict[str, Any]:
    told = {"member": member, "seed": seed, "validation": validation, "test": test, "paper": None, "seconds": 90}
    same = {"keras_validation_loss": 0.02, "bytes": 9876, "weight_bytes": 7654, "parameters": 7334, "macs": 127_180}
    return {**told, **same, **others}


def test_the_test_digits_have_no_say_in_what_ships(make):
    runs = [run("nano", 0, 0.991, 0.999), run("nano", 1, 0.993, 0.98), run("tiny", 2, 0.999, 0.999)]
    assert make.best_seed(runs, "nano") == 1
    runs.append(run("nano", 2, 0.993, 0.5, keras_validation_loss=0.01))
    assert make.best_seed(runs, "nano") == 2


def test_a_run_elsewhere_with_other_threads_is_the_same_run(make):
    assert make._alike({"model": "nano", "threads": 2}, {"model": "nano", "threads": 8})
    assert not make._alike({"model": "nano", "threads": 2}, {"model": "tiny", "threads": 2})


def test_every_member_has_a_recipe_and_learns_from_a_teacher_or_is_a_textbook_s(make):
    from edgedigits_train.config import PRESETS

    assert set(make.MEMBERS) == set(PRESETS["best"])
    assert next(iter(make.MEMBERS)) == make.TEACHER
    assert set(make.UNTAUGHT) == {make.TEACHER, "mlp", "lenet5"}


def test_constants_are_counted_once(make):
    from edgedigits_export.freeze import load_keras

    data = (ROOT / "runtime/edgedigits/bundles/small/small-int8.tflite").read_bytes()
    weighted = [
        layer.kernel.shape for layer in load_keras(ROOT / "models/small.keras").layers if hasattr(layer, "kernel")
    ]
    kernels, biases = sum(map(math.prod, weighted)), sum(shape[-1] for shape in weighted)
    # And at most a shape.
    assert 0 <= make._weight_bytes(data) - (kernels + 4 * biases) <= 16


def test_table_tells_mean_and_spread(table):
    paper = {"accuracy": 0.97}
    runs = [run("base", 0, 0.998, 0.9975, paper=paper), run("nano", 0, 0.991, 0.99), run("nano", 1, 0.993, 0.992)]
    lines = table.family_table({"runs": runs}).splitlines()
    assert lines[2].startswith("| `base` | 9,876 | 7,654 | 7,334 | 0.13 | 99.80 % | 99.75 % | 97.00 % | 2 |")
    assert "| 99.20 ± 0.14 % | 99.10 ± 0.14 % | – | 2 |" in lines[3]
    assert "over 2 seeds" in lines[-1]
