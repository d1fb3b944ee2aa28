"""Small real models of every shape that export promises to take, converted once for all tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import BUILDERS, Case, Outputs, make_case, read_case
from sharing import MadeOnce

from edgedigits.datasets import Dataset
from edgedigits.datasets.own import read_npz
from edgedigits.manifest import PRECISIONS
from edgedigits_export.convert import tflite_converter
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.tflite_flatbuffer import pack
from edgedigits_export.lazy_imports import load, quiet

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
TFLITE_ENGINES = {"litert": "ai_edge_litert", "tflite-runtime": "tflite_runtime"}
WALK = """
import sys
import numpy as np
from {package}.interpreter import Interpreter
outputs = {{}}
for file in sys.argv[2:]:
    interpreter = Interpreter(model_path=file, num_threads=1)
    interpreter.allocate_tensors()
    (image,), (probabilities,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert image["dtype"] is np.uint8 and probabilities["dtype"] is np.float32, file
    assert (image["name"], probabilities["name"]) == ("image", "probabilities"), file
    rows = []
    for picture in np.load(file.removesuffix(".tflite") + ".npy"):
        interpreter.set_tensor(image["index"], picture[np.newaxis])
        interpreter.invoke()
        rows.append(interpreter.get_tensor(probabilities["index"])[0])
    outputs[file] = np.stack(rows)
np.savez(sys.argv[1], **outputs)
"""


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Ten real digits a class."""
    return read_npz(DIGITS)


# Six models are trained and converted into seven files each.
@pytest.fixture(scope="session")
def cases(digits: Dataset, made_once: MadeOnce) -> dict[str, Case]:
    """Every model with all its files."""
    return {
        name: read_case(name, digits, made_once(f"case-{name}", partial(make_case, name, digits))) for name in BUILDERS
    }


@pytest.fixture(scope="session", params=sorted(BUILDERS))
def case(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    """Each model in turn."""
    return cases[request.param]


@pytest.fixture(scope="session", params=sorted(TFLITE_ENGINES))
def tflite_outputs(
    request: pytest.FixtureRequest, cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory
) -> Outputs:
    """The outputs of each TFLite engine, alone in a process, for every TFLite file: (model, precision) → rows."""
    package = TFLITE_ENGINES[request.param]
    if find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    files = {}
    for case in cases.values():
        for precision in PRECISIONS:
            file = folder / f"{case.name}-{precision}.tflite"
            file.write_bytes(case.files[f"{precision}.tflite"])
            np.save(file.with_suffix(".npy"), case.images)
            files[str(file)] = (case.name, precision)
    target = folder / "outputs.npz"
    walk = WALK.format(package=package)
    done = subprocess.run(
        [sys.executable, "-c", walk, str(target), *files], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    with np.load(target) as outputs:
        return {names: outputs[file] for file, names in files.items()}


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Case], bytes]:
    """Make a file with per-channel Dense weights, FULLY_CONNECTED 12: tflite-runtime 2.14 refuses it."""

    def make(case: Case) -> bytes:
        monkeypatch.setattr(tflite_converter, "DENSE_PER_TENSOR", "_not_asked_for")
        return convert_tflite(case.frozen, "dynamic-int8", case.images)

    return make


@pytest.fixture
def lying(newer: Callable[[Case], bytes]) -> Callable[[Case], bytes]:
    """Make such a file that declares version 1, as Google's recipe dynamic_wi8_afp32 does: its outputs are wrong."""

    def make(case: Case) -> bytes:
        schema: Any = load("ai_edge_litert.schema_py_generated", "check")
        model = schema.ModelT.InitFromPackedBuf(newer(case), 0)
        for code in model.operatorCodes:
            if code.builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
                code.version = 1
        return pack(schema, model)

    return make


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Save a small Keras model, of some layers and a Dense one, under a name that says in which form."""

    def write(*stack: Any, name: str = "model.keras") -> Path:
        keras = load("keras")
        path = tmp_path / name
        with quiet():
            tail = [keras.layers.Flatten(), keras.layers.Dense(3)]
            keras.Sequential([keras.Input((8, 8, 1)), *stack, *tail]).save(path)
        return path

    return write
