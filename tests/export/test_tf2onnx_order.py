"""The sets that tf2onnx gets are the builtin one in all that it asks of them, and keep their order."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edgedigits_export.convert import tf2onnx_order
from edgedigits_export.lazy_imports import load

Numbers = st.lists(st.integers(0, 9))


@given(Numbers, Numbers)
def test_they_answer_as_sets_do(left: list[int], right: list[int]) -> None:
    ours, known = tf2onnx_order._Ordered, set
    for name in ("union", "intersection", "issubset", "__and__", "__or__", "__sub__", "__le__", "__eq__"):
        said, expected = (getattr(kind(left), name)(kind(right)) for kind in (ours, known))
        assert (said if isinstance(said, bool) else set(said)) == expected
    assert list(ours(left)) == list(dict.fromkeys(left))


def test_they_have_every_method_of_sets_that_tf2onnx_calls() -> None:
    """Where a call is one of a set cannot be seen: so names count that no list, dictionary or string has."""
    others: set[str] = {*dir(list), *dir(dict), *dir(str)}
    for name in tf2onnx_order._MODULES:
        module: Any = load(f"tf2onnx.{name}")
        tree = ast.parse(Path(module.__file__).read_text())
        called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        assert called & (set(dir(set)) - others) <= set(dir(tf2onnx_order._Ordered))
