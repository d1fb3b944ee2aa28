"""The trained classifier that a run with ``--quantize`` starts from, and what its own training says about this one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from edgedigits.errors import UsageError
from edgedigits.training_record import read_training_record
from edgedigits_train.config import option
from edgedigits_train.quantization.lowering import lower
from edgedigits_train.quantization.network import Network, trace
from edgedigits_train.quantization.plan import Plan, plan_ranges
from edgedigits_train.training.keras_file import load_model

OPTION = option("from_model")
# What the run that made a model says about the next one with it.
_CARRIED = ("model", "data", "augment", "elastic", "paper", "paper_share", "label_smoothing")


@dataclass(frozen=True, slots=True)
class Source:
    """A trained classifier.

    Attributes
    ----------
    model: as it was read.
    network: its layers, each of which is one operator of the file.
    plan: the ranges that it needs.
    options: the options that its own record and its input decide.

    """

    model: keras.Model
    network: Network
    plan: Plan
    options: Mapping[str, Any]

    def notes(self) -> list[str]:
        """Return a line about the layers that are not trained on the grid, if there are any."""
        if not self.plan.in_float:
            return []
        names = ", ".join(f"{node.name!r} ({node.kind})" for node in self.plan.in_float)
        return [f"note: trained in float, and to be left in float in the file: {names}"]


def read_source(path: str) -> Source:
    """Read the model of a .keras file and find out what its int8 file will round.

    Raises
    ------
    InputError: Keras cannot read the file.
    UsageError: it is no classifier of images of one size, or see `trace` and `lower`.

    """
    model = load_model(path, OPTION)
    network = lower(trace(model))
    if len(network.shape) != 3 or None in network.shape:
        raise UsageError(
            f"{OPTION}: expected a model that takes images [H, W, C], found {list(network.shape)} in {path}"
        )
    plan = plan_ranges(network)
    recorded = (read_training_record(Path(path), model.count_params()) or {}).get("config", {})
    options = {"model": _name(Path(path)), **{name: recorded[name] for name in _CARRIED if name in recorded}}
    return Source(model, network, plan, {**options, "size": "{}x{}".format(*network.shape)})


def _name(path: Path) -> str:
    return path.resolve().parent.name if path.stem == "model" else path.stem
