"""Of the pages in which libraries say why they failed, one sentence is told, and that one whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.errors import UsageError
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.lazy_imports import load, quiet

CONFIG = "config={'name': 'a', 'initializer': {'module': 'keras.initializers', 'config': {'seed': None}}}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"Error when deserializing class 'A' using {CONFIG}.\n\nException encountered: Error when deserializing "
            f"class 'B' using {CONFIG}.\n\nException encountered: int() argument must be a string, not 'list'",
            "int() argument must be a string, not 'list'",
        ),
        (
            "Unknown layer: 'Swishy'. Please ensure you are using a `keras.utils.custom_object_scope` and that this "
            "object is included in the scope. See https://www.tensorflow.org/guide for details.",
            "Unknown layer: 'Swishy'",
        ),
        (
            "Could not locate class 'Swishy'. Make sure custom classes are decorated with `@keras.saving`. If they are "
            f"already decorated, make sure they are imported. Full object {CONFIG.replace('=', ': ')}",
            "Could not locate class 'Swishy'",
        ),
        (
            "Exception encountered when calling Net.call().\n\n\x1b[1mname 'tf' is not defined\x1b[0m\n\nArguments "
            "received by Net.call():\n  • inputs=<KerasTensor>",
            "name 'tf' is not defined",
        ),
        (
            "Could not translate MLIR to FlatBuffer./home/a/b.py:23:1: error: 'tf.Digamma' op is neither a custom op "
            "nor a flex op\n    call()\n^\n/x.py:1:1: note: called from\n<unknown>:0: error: 'tf.Zeta' op is no custom "
            "op\n<unknown>:0: error: failed while converting: 'main': \nSome ops are custom ops",
            "'tf.Digamma' op is neither a custom op nor a flex op; 'tf.Zeta' op is no custom op",
        ),
        (
            "Graph execution error:\n\nDetected at node MatMul defined at (most recent call last):\n<stack traces "
            "unavailable>\nMatrix size-incompatible: In[0]: [1,2], In[1]: [3,4]\n\t [[{{node MatMul}}]] [Op:Run_5]",
            "Matrix size-incompatible: In[0]: [1,2], In[1]: [3,4]",
        ),
        ("", "ValueError"),
        ("'x'", "ValueError: 'x'"),
    ],
)
def test_the_decisive_sentence_is_told_alone(text: str, said: str) -> None:
    assert decisive_sentence(ValueError(text)) == said


@given(st.text())
def test_it_is_one_line_and_never_empty(text: str) -> None:
    said = decisive_sentence(ValueError(text))
    assert said
    assert len(said.splitlines()) == 1


@pytest.mark.tensorflow
def test_what_tflite_does_not_have_is_named_without_a_path_or_a_listing() -> None:
    keras = load("keras")

    class Odd(keras.layers.Layer):  # type: ignore[misc]
        def call(self, values: Any) -> Any:
            return load("tensorflow").math.digamma(values + 1.0)

    with quiet():
        frozen = freeze(
            keras.Sequential([keras.Input((8, 8, 1)), Odd(), keras.layers.Flatten(), keras.layers.Dense(3)])
        )
    with pytest.raises(UsageError) as caught:
        convert_tflite(frozen, "float32", np.zeros((0, 8, 8, 1), np.uint8))
    assert str(caught.value) == (
        "the model cannot be converted to TFLite float32: 'tf.Digamma' op is neither a custom op nor a flex op"
    )
