"""Keep tf2onnx from going through nodes as they lie in memory: what it leaves out followed from that now and then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableSet
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from edgedigits_export.lazy_imports import load

# Those that go through sets of nodes or of names.
_MODULES = (
    "graph", "optimizer.back_to_back_optimizer", "optimizer.identity_optimizer",
    "optimizer.merge_duplicated_nodes_optimizer", "optimizer.transpose_optimizer",
)  # fmt: skip


@contextmanager
def in_order() -> Iterator[None]:
    """Within it, sets of tf2onnx keep the order in which they were filled, and its names begin with one number."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(load("tf2onnx.utils"), "INTERNAL_NAME", 1))
        for name in _MODULES:
            patches.enter_context(patch.object(load(f"tf2onnx.{name}"), "set", _Ordered, create=True))
        yield


class _Ordered(MutableSet[Any]):
    """What of the builtin set tf2onnx uses, in order."""

    def __init__(self, members: Iterable[Any] = ()) -> None:
        self._members = dict.fromkeys(members)

    def __contains__(self, member: object) -> bool:
        return member in self._members

    def __iter__(self) -> Iterator[Any]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def add(self, value: Any) -> None:
        self._members[value] = None

    def discard(self, value: Any) -> None:
        self._members.pop(value, None)

    def union(self, other: Iterable[Any]) -> _Ordered:
        return _Ordered(self | _Ordered(other))

    def intersection(self, other: Iterable[Any]) -> _Ordered:
        return _Ordered(self & _Ordered(other))

    def issubset(self, other: Iterable[Any]) -> bool:
        return self <= _Ordered(other)
