"""The one table of verbs: what each does, where it lives, what it needs."""

from __future__ import annotations

import os
from typing import NamedTuple

# Where Keras is told to compute with something else, that is what training needs.
_BACKEND = os.environ.get("KERAS_BACKEND") or "tensorflow"


class Verb(NamedTuple):
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


VERBS = {
    "classify": Verb("Read", "say which digit each image shows", "edgedigits.cli.classify"),
    "read": Verb("Read", "read all digits of each image, in lines and words", "edgedigits.cli.read"),
    "eval": Verb("Read", "measure accuracy over folders named by label", "edgedigits.cli.evaluate"),
    "serve": Verb(
        "Read",
        "answer on the network: a page to draw on, an interface for programs, a camera",
        "edgedigits.cli.serve",
        "serve",
        ("starlette", "uvicorn", "python_multipart", "prometheus_client"),
    ),
    "show": Verb("Trust", "print the model card of a bundle or a model file", "edgedigits.cli.show"),
    "check": Verb(
        "Trust",
        "derive what a file needs and say which engine releases run it",
        "edgedigits_export.check_cli",
        "check",
        ("ai_edge_litert", "flatbuffers", "onnx"),
    ),
    "selftest": Verb("Trust", "answer the golden inputs on this device", "edgedigits.cli.selftest"),
    "parity": Verb("Trust", "compare every variant in every engine with Keras", "edgedigits.cli.parity"),
    "doctor": Verb("Trust", "examine this machine and say what it needs to run an engine", "edgedigits.cli.doctor"),
    "train": Verb(
        "Make", "train a classifier", "edgedigits_train.cli", "train", (_BACKEND, "keras", "matplotlib")
    ),
    "export": Verb(
        "Make",
        "turn a Keras model into a verified bundle",
        "edgedigits_export.cli",
        "export",
        ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai_edge_litert", "jsonschema"),
    ),
    "report": Verb(
        "Make", "write a page about a run and its bundle", "edgedigits_export.report_cli", "export",
        ("matplotlib", "jinja2"),
    ),
    "bench": Verb("Measure", "measure latency on this device", "edgedigits.cli.bench"),
    "compare": Verb("Measure", "say what became slower between two measurements", "edgedigits.cli.compare"),
}  # fmt: skip
