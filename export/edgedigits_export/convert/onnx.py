"""Convert to ONNX by tf2onnx, in float32, with the contract."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from edgedigits.errors import BundleError, UsageError
from edgedigits_export.convert import onnx_graph
from edgedigits_export.convert.onnx_order import put_in_order
from edgedigits_export.convert.stored_model import Convertible
from edgedigits_export.convert.tf2onnx_memory import without_copies
from edgedigits_export.convert.tf2onnx_order import in_order
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.frozen import INPUT_NAME, OUTPUT_NAME
from edgedigits_export.lazy_imports import load, quiet

DEFAULT_OPSET = 13  # IR 7: what onnxruntime 1.6 already ran; nothing a small classifier needs came later
_OPSETS = range(13, 19)  # tf2onnx 1.17 stops at 18; before 13 there are no per-channel QuantizeLinear weights


def convert_onnx(frozen: Convertible, opset: int = DEFAULT_OPSET) -> bytes:
    """Return an ONNX file from ``image`` uint8 ``[N, H, W, C]`` to ``probabilities`` float32 ``[N, classes]``, N free.

    The same model always gives the same bytes.

    Raises
    ------
    UsageError: the opset is not between 13 and 18, or tf2onnx cannot express a layer.

    """
    require_opset(opset)
    graph = frozen.contract_graph()
    try:
        with quiet():
            model = _converted(graph, opset)
            put_in_order(model)
            onnx_graph.replace_erfc(model)
            load("onnx").checker.check_model(model)
            onnx_graph.fix_reshapes(model, frozen.input_shape)
    # tf2onnx raises what its rewriters raise, or leaves operators that ONNX has not.
    except Exception as error:
        raise UsageError(f"the model cannot be converted to ONNX opset {opset}: {decisive_sentence(error)}") from error
    onnx_graph.keep_used_opsets(model, opset)
    if frozen.any_size:
        onnx_graph.free_size(model)
    return serialize_onnx(model)


def _converted(graph: Any, opset: int) -> Any:
    """Return what tf2onnx makes of a GraphDef."""

    def convert() -> Any:
        ends = {"input_names": [f"{INPUT_NAME}:0"], "output_names": [f"{OUTPUT_NAME}:0"]}
        with in_order():
            return load("tf2onnx").convert.from_graph_def(graph, opset=opset, **ends)[0]

    # Where one of its optimizers fails it can do without, and where something else does, the same happens again.
    with suppress(Exception), without_copies():
        return convert()
    return convert()


def require_opset(opset: int) -> None:
    """Refuse an opset that the converter does not write.

    Raises
    ------
    UsageError: it is not between 13 and 18.

    """
    if opset not in _OPSETS:
        raise UsageError(f"--opset: expected {_OPSETS.start} to {_OPSETS.stop - 1}, found {opset}")


def annotate_onnx(data: bytes, properties: Mapping[str, str]) -> bytes:
    """Return an ONNX file with these ``metadata_props`` (labels, contract), sorted by key, in place of its own.

    Raises
    ------
    BundleError: the bytes are not an ONNX file.

    """
    model = parse_onnx(data)
    del model.metadata_props[:]
    for key in sorted(properties):
        model.metadata_props.add(key=key, value=properties[key])
    return cast("bytes", model.SerializeToString(deterministic=True))


def serialize_onnx(model: Any) -> bytes:
    """Give the contract's names and origin to a model, let onnx check it, and return its bytes."""
    onnx_graph.rename(model, INPUT_NAME, OUTPUT_NAME)
    model.producer_name, model.producer_version, model.doc_string = "edgedigits", "", ""
    del model.metadata_props[:]
    load("onnx").checker.check_model(model, full_check=True)
    return cast("bytes", model.SerializeToString(deterministic=True))


def parse_onnx(data: bytes) -> Any:
    """Return the parsed model of an ONNX file.

    Raises
    ------
    BundleError: the bytes are not an ONNX file.

    """
    onnx = load("onnx")
    try:
        return onnx.load_model_from_string(data)
    except (load("google.protobuf.message").DecodeError, ValueError) as error:
        raise BundleError(
            f"expected an ONNX file, found other or truncated bytes ({decisive_sentence(error)})"
        ) from error
