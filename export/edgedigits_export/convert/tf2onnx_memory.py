"""Keep tf2onnx from copying a model's weights dozens of times: 6 GB for a ResNet50 of 100 MB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from edgedigits_export.lazy_imports import load

_CATCHES = "TF2ONNX_CATCH_ERRORS"


@contextmanager
def without_copies() -> Iterator[None]:
    """Within it, tf2onnx copies no graph before it optimizes it, and no constant afterwards.

    An optimizer that fails then fails the conversion. The second kind of copies is one that nobody reads, in memory
    that protocol buffers do not free before their message ends.
    """
    node, before = load("tf2onnx.graph").Node, os.environ.get(_CATCHES)
    update = node.update_proto

    def update_all_but_constants(self: Any, *args: Any, **options: Any) -> None:
        if not self.is_const():
            update(self, *args, **options)

    os.environ[_CATCHES], node.update_proto = "FALSE", update_all_but_constants
    try:
        yield
    finally:
        node.update_proto = update
        del os.environ[_CATCHES]
        if before is not None:
            os.environ[_CATCHES] = before
