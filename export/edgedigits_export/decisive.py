"""The sentence of an error that says what is wrong, without the configuration, the paths and the traces around it.

Keras, the TensorFlow converter, tf2onnx and onnxruntime tell the same thing in pages: a layer's whole configuration, an
MLIR listing, a traceback. One sentence of it is the reason.
"""

from __future__ import annotations

import re

_WRAPPED = re.compile(r"Exception encountered(?: when calling [^\n]*?\.)?:?\s")
# A place in a source or in a graph stands before it.
_MLIR = re.compile(r"\berror: (?!failed while converting)([^\n]+)")
_TRACE = re.compile(r"most recent call last|in user code:")
_NODES = re.compile(r"\{\{[^\n]*?\}\}|\[\[[^\n]*\]\]|\[Op:[^\]\n]*\]|\x1b\[\d*m")
# What follows is a dump of values, or advice for whoever calls Keras from Python.
_REST = re.compile(
    r"Arguments received by |Full object config: |,? ?config=\{|Please ensure |Make sure |See https?:|If you trust "
    r"|If they are already ",
)


def decisive_sentence(error: BaseException) -> str:
    """Return why a library failed, in its own words, whole and on one line, without the full stop."""
    text = _NODES.sub("", _WRAPPED.split(str(error))[-1])
    if found := dict.fromkeys(_MLIR.findall(text)):
        return "; ".join(found)
    if _TRACE.search(text):
        text = next((line for line in reversed(text.splitlines()) if line.strip()), "")
    said = " ".join(_REST.split(text)[0].split()).rstrip(" .:;")
    return said if " " in said else f"{type(error).__name__}: {said}".rstrip(" :")
