"""The trainer's record beside a Keras model, train.json, and what of it decides how the model's files are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from edgedigits.errors import BundleError
from edgedigits.json_text import parse_json
from edgedigits.records import from_plain
from edgedigits.regular_files import read_regular

NAME = "train.json"
_LARGEST = 64 << 20
_QUANTIZATION = "quantization"
# Long, and not what made the weights: another run would take another time.
_LEFT_OUT = frozenset({"history", "seconds"})


@dataclass(frozen=True, slots=True)
class TrainedQuantization:
    """The grid that a network was trained on, which its file has to have; in train.json it is ``quantization``.

    The weights are on their grid already: symmetric from -127 to 127, one scale for each output channel of a
    convolution and one for all of a dense layer. Activations have 256 levels from the low to the high end of a range,
    moved so that 0 is one of them.

    Attributes
    ----------
    precision: the precision of the file.
    ranges: the low and the high end of each layer's output by the layer's name, in the order of computation; the first
        is the input, in raw pixels. A layer without one is a part of the operator of the next layer, or only moves
        values, or is the softmax at the end.
    float_layers: the layers that were trained in float, and that stay in float in the file.

    """

    precision: Literal["int8"]
    ranges: dict[str, tuple[float, float]]
    float_layers: tuple[str, ...]


def read_training_record(model: Path, parameters: int) -> dict[str, Any] | None:
    """Read the trainer's record beside a ``.keras`` file; None where there is none of a model with these parameters."""
    for file in (model.with_suffix(f".{NAME}"), model.with_name(NAME)):
        if not file.is_file():
            continue
        try:
            record = parse_json(read_regular(file, _LARGEST))
        except (OSError, ValueError) as error:
            raise BundleError(
                f"{file}: expected the record of the model beside it, found a broken file ({error}); restore it, or "
                "move it away to export without it"
            ) from error
        if isinstance(record, dict) and record.get("parameters") == parameters:
            return {key: value for key, value in record.items() if key not in _LEFT_OUT}
    return None


def trained_quantization(record: Mapping[str, Any] | None, temperature: float = 1.0) -> TrainedQuantization | None:
    """Return the grid of a record's model; None for a model that was trained in float, or has no record.

    ``temperature`` is what the model's scores, the last of its ranges, have been divided by since.

    Raises
    ------
    BundleError: the record's entry is not what this release writes.

    """
    entry = (record or {}).get(_QUANTIZATION)
    if entry is None:
        return None
    found = from_plain(TrainedQuantization, entry, f"{NAME}: {_QUANTIZATION}")
    if not found.ranges:
        raise BundleError(f"{NAME}: {_QUANTIZATION}: ranges: expected one for each layer, found none")
    scores = next(reversed(found.ranges))
    low, high = found.ranges[scores]
    return replace(found, ranges={**found.ranges, scores: (low / temperature, high / temperature)})
