"""The second zoo: the backend tests of ONNX, files of mostly one operator with inputs and the outputs that it defines.

Wheels of ``onnx`` ship them up to 1.14; older releases have other tests and older opsets.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.compat.cases import Case, Row, write_case, write_zoo
from benchmarks.harness.venvs import unpacked
from edgedigits_export.lazy_imports import load

# From opsets 1 to 6 to the last with tests inside, each with a Python that it has wheels for.
RELEASES = {"1.14.1": "3.8", "1.10.2": "3.6", "1.7.0": "3.6", "1.5.0": "3.6", "1.3.0": "3.6", "1.1.2": "3.6"}
_DATA = Path("onnx", "backend", "test", "data")
_SET = "test_data_set_0"
# complex128; bfloat16 and the types after it have no array of numpy's own.
_LAST_OF_NUMPY = 15
# What these draw differs from run to run: only whether they run counts.
_RANDOM = ("bernoulli", "random", "training_dropout")
# These need a locale of the machine, en_US, whatever the engine.
_LOCALE = "strnorm"


def make_backend_tests(folder: Path) -> None:
    """Unpack the wheels and write a case for each test, beside the list of all."""
    rows = [row for release in RELEASES for row in _of_release(folder, release)]
    write_zoo(folder, rows, {"onnx": ", ".join(RELEASES)})


def _of_release(folder: Path, release: str) -> Iterator[Row]:
    unpacked(folder / release, f"onnx=={release}", RELEASES[release])
    for model in sorted((folder / release / _DATA).glob("*/*/model.onnx")):
        case = None if _LOCALE in model.parent.name else read_test(model)
        if case is None:
            continue
        write_case(Path(f"{model}.pkl"), case)
        name = f"{model.parent.parent.name}/{model.parent.name}"
        sha256 = hashlib.sha256(model.read_bytes()).hexdigest()
        file = str(model.relative_to(folder))
        yield {"net": name, "how": f"onnx {release}", "file": file, "sha256": sha256}


def read_test(model: Path) -> Case | None:
    """Return a test's inputs and outputs; None where they have types that numpy does not know, or are not there."""
    onnx = load("onnx")
    graph = onnx.load(model, load_external_data=False).graph
    initialized = {tensor.name for tensor in graph.initializer}
    sources = [value for value in graph.input if value.name not in initialized]
    try:
        inputs = [_value(onnx, model, "input", index, value.type) for index, value in enumerate(sources)]
        outputs = [_value(onnx, model, "output", index, value.type) for index, value in enumerate(graph.output)]
    except (FileNotFoundError, TypeError):
        return None
    if any(value.type.tensor_type.elem_type > _LAST_OF_NUMPY for value in (*sources, *graph.output)):
        return None
    random = any(word in model.parent.name for word in _RANDOM)
    return Case([value.name for value in sources], inputs, None if random else outputs)


def _value(onnx: Any, model: Path, kind: str, index: int, declared: Any) -> Any:
    """Return one value of a test: an array, a list of arrays, or None."""
    data = (model.parent / _SET / f"{kind}_{index}.pb").read_bytes()
    helper = onnx.numpy_helper
    which = declared.WhichOneof("value")
    if which == "optional_type":
        value = helper.to_optional(_parsed(onnx.OptionalProto(), data))
    elif which == "sequence_type":
        value = helper.to_list(_parsed(onnx.SequenceProto(), data))
    elif which == "tensor_type":
        value = helper.to_array(_parsed(onnx.TensorProto(), data))
    else:
        raise TypeError(which)
    arrays = value if isinstance(value, list) else [value]
    if any(array is not None and array.dtype.isbuiltin != 1 for array in arrays):
        raise TypeError(declared)
    return value


def _parsed(message: Any, data: bytes) -> Any:
    message.ParseFromString(data)
    return message


if __name__ == "__main__":
    make_backend_tests(Path(sys.argv[1]))
