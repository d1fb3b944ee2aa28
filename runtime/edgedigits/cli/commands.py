"""The one table of commands: what each does, which module runs it, which extra it needs."""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """A command of `edgedigits`.

    Attributes
    ----------
    group: the heading under which ``edgedigits --help`` lists it.
    module: has ``configure(parser)`` and ``run(args) -> exit code``, and imports nothing heavy by itself.
    extra: the extra that it needs, a key of `edgedigits.extras.PACKAGES`; None for none.

    """

    group: str
    help: str
    module: str
    extra: str | None = None


COMMANDS = {
    "classify": Command("Read", "classify the digit in each image", "edgedigits.cli.classify"),
    "read": Command("Read", "read all digits of each image, in lines and words", "edgedigits.cli.read"),
    "eval": Command("Read", "measure accuracy over folders named by label", "edgedigits.cli.evaluate"),
    "score": Command(
        "Read",
        "classify or read archives of any size, on one machine or a Ray cluster",
        "edgedigits.cli.score",
        "scale",
    ),
    "serve": Command(
        "Read",
        "serve a page to draw on, an interface for programs, and a camera on the network",
        "edgedigits.cli.serve",
        "serve",
    ),
    "show": Command("Trust", "print the model card of a bundle or a model file", "edgedigits.cli.show"),
    "check": Command(
        "Trust",
        "derive the requirements of a model file and list the engine releases that run it",
        "edgedigits_export.cli.check",
        "check",
    ),
    "selftest": Command(
        "Trust", "verify on this device that models give their recorded outputs", "edgedigits.cli.selftest"
    ),
    "parity": Command("Trust", "compare every variant in every engine with the Keras model", "edgedigits.cli.parity"),
    "doctor": Command(
        "Trust", "examine this machine and print what it needs to run an engine", "edgedigits.cli.doctor"
    ),
    "bundle": Command(
        "Trust",
        "keep bundles on this board, and switch to one if it answers here as it should",
        "edgedigits.cli.bundle",
    ),
    "train": Command("Make", "train a classifier", "edgedigits_train.cli", "train"),
    "export": Command("Make", "turn a Keras model into a verified bundle", "edgedigits_export.cli.export", "export"),
    "report": Command(
        "Make", "write a page about a bundle and what to ship of it", "edgedigits_export.cli.report", "report"
    ),
    "bench": Command("Measure", "measure latency on this device", "edgedigits.cli.bench"),
    "compare": Command("Measure", "compare two measurements and print what became slower", "edgedigits.cli.compare"),
}
