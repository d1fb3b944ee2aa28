"""The one table of verbs: what each does, where it lives, what it needs."""

from __future__ import annotations

import os
from typing import NamedTuple

# Where Keras is told to compute with something else, that is what training needs.
_BACKEND = os.environ.get("KERAS_BACKEND") or "tensorflow"


class Command(NamedTuple):
    """A verb of the command.

    Attributes
    ----------
    module: has ``configure(parser)`` and ``run(args) -> exit code``, and imports nothing heavy by itself.
    extra: the extra whose packages it needs, or None; ``needs`` are those packages' import names.

    """

    group: str
    help: str
    module: str
    extra: str | None = None
    needs: tuple[str, ...] = ()


COMMANDS = {
    "classify": Command("Read", "say which digit each image shows", "edgedigits.cli.classify"),
    "read": Command("Read", "read all digits of each image, in lines and words", "edgedigits.cli.read"),
    "eval": Command("Read", "measure accuracy over folders named by label", "edgedigits.cli.evaluate"),
    "serve": Command(
        "Read",
        "answer on the network: a page to draw on, an interface for programs, a camera",
        "edgedigits.cli.serve",
        "serve",
        ("starlette", "uvicorn", "python_multipart", "prometheus_client"),
    ),
    "show": Command("Trust", "print the model card of a bundle or a model file", "edgedigits.cli.show"),
    "check": Command(
        "Trust",
        "derive what a file needs and say which engine releases run it",
        "edgedigits_export.cli.check",
        "check",
        ("ai_edge_litert", "flatbuffers", "onnx"),
    ),
    "selftest": Command("Trust", "answer the golden inputs on this device", "edgedigits.cli.selftest"),
    "parity": Command("Trust", "compare every variant in every engine with Keras", "edgedigits.cli.parity"),
    "doctor": Command("Trust", "examine this machine and say what it needs to run an engine", "edgedigits.cli.doctor"),
    "train": Command(
        "Make", "train a classifier", "edgedigits_train.cli", "train", (_BACKEND, "keras", "matplotlib")
    ),
    "export": Command(
        "Make",
        "turn a Keras model into a verified bundle",
        "edgedigits_export.cli.export",
        "export",
        ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "jsonschema"),
    ),
    "report": Command(
        "Make", "write a page about a run and its bundle", "edgedigits_export.cli.report", "export",
        ("matplotlib", "jinja2"),
    ),
    "bench": Command("Measure", "measure latency on this device", "edgedigits.cli.bench"),
    "compare": Command("Measure", "say what became slower between two measurements", "edgedigits.cli.compare"),
}  # fmt: skip
