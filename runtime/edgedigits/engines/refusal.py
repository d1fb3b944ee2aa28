"""The error for a model that an engine refuses: the engine's own decisive sentence, and what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgedigits.errors import ModelRejectedError

if TYPE_CHECKING:
    from edgedigits.manifest import Format
    from edgedigits.model import Model

# Longer messages list what was found in the whole graph; their first sentences tell.
_LENGTH = 300
_READ = 4000  # names in a file, which messages repeat, may be of any length
# What engines write around the sentence: their name, a code, where in their source it was thrown, advice to
# programmers, and what follows from the failure.
_AROUND = (
    r"\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ",
    r"Load model from .*? failed: ?",
    r"Exception during initialization: ",
    r"Fatal error: ",
    r"This is an invalid model\. ?",
    r"In Node, .*? , Error ",
    r"Non-zero status code returned while running (?=\w+ node)",
    r"Status Message: ",
    r"[\w./+-]+\.(?:cc|cpp|h):\d+ (?:[^\n]*?onnxruntime::[^\n]*?\)(?: \[with [^\]]*\])?(?:::<lambda\(\)>)? )?",
    r"[\w./+-]+\.(?:cc|cpp|h):? ",
    r"ValidateExternalDataPathFromDir ",
    r"ONNX Runtime only \*guarantees\* support for models stamped with official released onnx opset versions\. ?",
    r"The operator schemas and or other functionality may change .*? guarantee backward compatibility\. ?",
    r"See instructions: \S+ ?",
    r"An older version of this builtin might be supported\. ?",
    r"Are you using an old TFLite binary with a newer model\? ?",
    r"If you need support create a github issue with justification\. ?",
    r"Registration failed\.",
    r"Failed to apply the default TensorFlow Lite delegate indexed at 0\.",
)
_AROUND_PATTERN = re.compile("|".join(_AROUND))
# TensorFlow Lite puts its sentences after each other without a space.
_SENTENCE = re.compile(r"\n|(?=Node number \d+ )|(?<=failed to prepare\.)|(?<=failed to invoke\.)")
# What an engine may refuse: the file, when it is loaded, or inputs of certain shapes, when it infers.
FILE = "the file"
_NEWER = ("Didn't find op", "opset", "IR version")
_OUTSIDE = ("External data",)
_CUSTOM = ("unresolved custom op", "is not a registered function/op", "No Op registered for")


def refusal(engine: str, version: str, model: Model, error: BaseException, what: str = FILE) -> ModelRejectedError:
    """Return the error for what an engine raised about ``what``: the model's file, or its inputs."""
    name = model.name if model.variant is None else f"{model.name} {model.variant}"
    sentence = decisive_sentence(error)
    cure = _cure(sentence, model) if what == FILE else "take another engine, or other shapes where dimensions are free"
    return ModelRejectedError(f"{name}: {engine} {version} refuses {what} ({sentence}); {cure}")


def decisive_sentence(error: BaseException) -> str:
    """Return on one line what an engine says about a model, without banner, paths and repetition.

    An exception without a message is named by its type.
    """
    sentences = (" ".join(part.split()) for part in _SENTENCE.split(_AROUND_PATTERN.sub("", str(error)[:_READ])))
    text = ". ".join(dict.fromkeys(sentence.rstrip(".") for sentence in sentences if sentence))
    if len(text) > _LENGTH:
        text = text[:_LENGTH].rpartition(" ")[0] + " ..."
    return text or type(error).__name__


def _cure(text: str, model: Model) -> str:
    if any(sign in text for sign in _NEWER):
        again = "" if model.bundle is None else ", or export the model again with edgedigits"
        return f"the file needs a newer engine: update it{again}"
    if model.bundle is not None:
        return "take another variant or engine, or export the model again"
    if (missing := why_not_whole(model.data, model.format)) is not None:
        why = "" if missing in text else f": {missing}"
        return f"it is no whole .{model.format} file{why}; copy it here again"
    if any(sign in text for sign in _OUTSIDE):
        return "its weights are in another file: store them inside, as onnx.save_model(onnx.load(FILE), FILE) does"
    if any(sign in text for sign in _CUSTOM):
        return "only programs that bring this operator with them run the file"
    return "the file is whole: take another engine, or make the file again for this one"


def why_not_whole(data: bytes, format_: Format) -> str | None:
    """Return what is wrong with a file's bytes; None where they hold all that they refer to."""
    from edgedigits.engines.flatbuffer_verify import verify_flatbuffer
    from edgedigits.engines.protobuf_verify import verify_protobuf

    try:
        (verify_flatbuffer if format_ == "tflite" else verify_protobuf)(data)
    except ValueError as error:
        return str(error)
    return None
