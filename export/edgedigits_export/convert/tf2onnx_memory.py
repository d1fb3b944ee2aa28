"""Keep tf2onnx from copying a model's weights dozens of times: 6 GB for a ResNet50 of 100 MB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from edgedigits_export.lazy_imports import load

_CATCHES = "TF2ONNX_CATCH_ERRORS"


@contextmanager
def without_copies() -> Iterator[None]:
    """Within it, tf2onnx copies no graph before it optimizes it, and no constant afterwards, and freezes nothing.

    An optimizer that fails then fails the conversion. The second kind of copies is one that nobody reads, in memory
    that protocol buffers do not free before their message ends; the third is thrown away, too.
    """
    node = load("tf2onnx.graph").Node
    update = node.update_proto

    def update_all_but_constants(self: Any, *args: Any, **options: Any) -> None:
        if not self.is_const():
            update(self, *args, **options)

    with (
        patch.dict(os.environ, {_CATCHES: "FALSE"}),
        patch.object(node, "update_proto", update_all_but_constants),
        patch.object(load("tf2onnx.tf_loader"), "freeze_session"),
    ):
        yield
