"""Compare a converted file with its Keras model layer by layer, by the signal over quantization noise.

A file has no layers, only operators: some layers were merged into one operator, others have none. Which operator
computes which layer is found on a file that is converted here from the same Keras model, by comparing values. The file
in question has the same operators in the same order, whatever its values are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import BundleError
from edgedigits.manifest import Format
from edgedigits_export.convert.onnx import convert_onnx
from edgedigits_export.convert.onnx_int8 import quantize_onnx
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.keras_model.frozen import FrozenModel
from edgedigits_export.layerwise.taps import Tap, file_taps, keras_taps

EXACT_DB = 144.5  # 24 bits of a float32's significand, 6.02 dB each: no larger ratio is reported
# From this ratio on it is certain that an operator computes a layer: another layer's values reach 66 dB where a batch
# normalization changes nearly nothing, and a few decibels elsewhere.
_MATCH_DB = {"float32": 90.0, "int8": 10.0}
# Noise adds up over layers. A layer that doubles it has a fault of its own: in a healthy MobileNetV2, whose noise grows
# over 52 layers, no layer lost more than 2.5 dB once below its tolerance.
_FALL_DB = 6.0

Values = NDArray[np.floating[Any]]
Operator = tuple[str, tuple[int, ...]]  # its type and the shape of its output


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer in one file.

    Attributes
    ----------
    index, layer, kind: the layer's index among the layers, its name and its class in Keras.
    merged: the layers before it that have no output of their own in this file; one operator computes them all.
    operator: the type of the operator that computes it in the file.
    sqnr_db: signal over quantization noise, ``10 log10(sum(keras**2) / sum((keras - file)**2))``, within ±EXACT_DB.
    fall_db: how many decibels less this is than at the layer before; None at the first.
    max_abs_difference: the largest difference of any value.

    """

    index: int
    layer: str
    kind: str
    merged: tuple[str, ...]
    operator: str
    sqnr_db: float
    fall_db: float | None
    max_abs_difference: float


@dataclass(frozen=True, slots=True)
class LayerTolerance:
    """The smallest signal over quantization noise of a healthy layer, and the reason for it."""

    sqnr_db: float
    reason: str


_TENTH = "noise of a tenth of the signal; layers of healthy small models were seen at"
TOLERANCES = {
    "float32": LayerTolerance(
        100.0, "one part in 100,000, as at the output; layers of healthy models were seen at 124 dB"
    ),
    "float16": LayerTolerance(50.0, "11 bits are 66 dB, and layers of healthy small models were seen at 65 dB"),
    "dynamic-int8": LayerTolerance(20.0, f"{_TENTH} 37 dB"),
    "int8": LayerTolerance(20.0, f"{_TENTH} 31 dB"),
    "int16x8": LayerTolerance(20.0, f"{_TENTH} 39 dB, as their weights have 8 bits"),
}


@dataclass(frozen=True, slots=True)
class LayerReport:
    """The comparison of one file with its Keras model.

    Attributes
    ----------
    departs: the first layer below the tolerance that is at least 6 dB below the layer before; None if there is none.

    """

    file: str
    precision: str
    tolerance: LayerTolerance
    rows: tuple[LayerRow, ...]
    departs: LayerRow | None


def sqnr_db(reference: Values, found: Values) -> float:
    """Return signal over quantization noise in decibels, within ±EXACT_DB; -EXACT_DB where a value is not finite."""
    signal = float(np.sum(np.square(reference, dtype=np.float64)))
    noise = float(np.sum(np.square(np.subtract(reference, found, dtype=np.float64))))
    if noise == 0:
        return EXACT_DB
    if not np.isfinite(noise) or signal == 0:
        return -EXACT_DB
    return float(np.clip(10 * np.log10(signal / noise), -EXACT_DB, EXACT_DB))


class LayerwiseReference:
    """The outputs of a Keras model's layers for some images, with which files are compared.

    Attributes
    ----------
    layers: name and class of each layer, in the order of computation.

    """

    def __init__(self, frozen: FrozenModel, images: NDArray[np.uint8]) -> None:
        """Compute the outputs of all layers for raw images uint8 ``[N, H, W, C]``."""
        self._frozen, self._images = frozen, images
        self._keras = keras_taps(frozen, images)
        self.layers = tuple((tap.name, tap.kind) for tap in self._keras)
        self._guides: dict[tuple[Format, str], tuple[list[Operator], dict[int, int]]] = {}

    def compare(self, name: str, data: bytes, format_: Format, precision: str, opset: int | None) -> LayerReport:
        """Compare one file with the layers.

        ``name`` is for messages; ``opset`` is that of an ONNX file.

        Raises
        ------
        ModelRejectedError: the engine refuses the file.
        UsageError: the model cannot be converted.
        BundleError: most operators of the file differ from those that export makes of the model.

        """
        taps = file_taps(data, format_, self._images)
        guide, layer_taps = self._guide(format_, precision, opset)
        aligned = _align_operators(guide, _operators(taps))
        matched = [(layer, taps[aligned[tap]]) for layer, tap in sorted(layer_taps.items()) if tap in aligned]
        if 2 * len(matched) < len(layer_taps):
            raise BundleError(
                f"{name}: expected the operators that export makes of the model, {len(layer_taps)} of which compute a "
                f"layer, found {len(matched)} of them; export it again"
            )
        rows = self._rows(matched)
        return LayerReport(name, precision, TOLERANCES[precision], tuple(rows), first_departure(rows, precision))

    def _rows(self, matched: Sequence[tuple[int, Tap]]) -> list[LayerRow]:
        rows: list[LayerRow] = []
        after = 0
        for index, tap in matched:
            layer = self._keras[index]
            values = _in_keras_layout(layer.values, tap.values)
            if values is None:
                continue
            found = sqnr_db(layer.values, values)
            rows.append(
                LayerRow(
                    index=index,
                    layer=layer.name,
                    kind=layer.kind,
                    merged=tuple(one.name for one in self._keras[after:index]),
                    operator=tap.kind,
                    sqnr_db=found,
                    fall_db=rows[-1].sqnr_db - found if rows else None,
                    max_abs_difference=float(np.abs(layer.values - values).max()),
                )
            )
            after = index + 1
        return rows

    def _guide(self, format_: Format, precision: str, opset: int | None) -> tuple[list[Operator], dict[int, int]]:
        """Return the operators of a file converted from the model itself, and the one that computes each layer.

        TFLite's operators are the same in every precision. The quantizer of onnxruntime merges some more, so that int8
        has a guide of its own. In it only the layers that float32 shows are looked for: after rounding, a layer's
        values may look like the next layer's.
        """
        key = (format_, precision if format_ == "onnx" else "float32")
        if key not in self._guides:
            taps = file_taps(self._convert(*key, opset), format_, self._images)
            known = range(len(self._keras)) if key[1] == "float32" else self._guide(format_, "float32", opset)[1]
            layers = {index: self._keras[index] for index in known}
            self._guides[key] = _operators(taps), match_layers(layers, taps, _MATCH_DB[key[1]])
        return self._guides[key]

    def _convert(self, format_: Format, precision: str, opset: int | None) -> bytes:
        if format_ == "tflite":
            return convert_tflite(self._frozen, precision, self._images)
        data = convert_onnx(self._frozen) if opset is None else convert_onnx(self._frozen, opset)
        return data if precision == "float32" else quantize_onnx(data, self._images)


def first_departure(rows: Sequence[LayerRow], precision: str) -> LayerRow | None:
    """Return the first layer below its precision's tolerance that is also 6 dB or more below the layer before it."""
    limit = TOLERANCES[precision].sqnr_db
    below = (row for row in rows if row.sqnr_db < limit)
    return next((row for row in below if row.fall_db is None or row.fall_db >= _FALL_DB), None)


def match_layers(layers: Mapping[int, Tap], taps: Sequence[Tap], least_db: float) -> dict[int, int]:
    """Return, by index, which tap shows the output of which layer.

    Pairs with the highest ratio are matched first, no layer and no tap twice, none below ``least_db``. Of several
    layers with the same values, such as a dropout and the layer before it, the first is matched. A layer that is
    missing has no output of its own in the file: it was merged with a later one, or does nothing.
    """
    pairs = []
    for (i, layer), (j, tap) in product(layers.items(), enumerate(taps)):
        values = _in_keras_layout(layer.values, tap.values)
        if values is not None and (found := sqnr_db(layer.values, values)) >= least_db:
            pairs.append((-min(round(found), _MATCH_DB["float32"]), i, j))
    matched: dict[int, int] = {}
    for _, i, j in sorted(pairs):
        if i not in matched and j not in matched.values():
            matched[i] = j
    return matched


def _in_keras_layout(wanted: Values, found: Values) -> Values | None:
    """Return a file's values with Keras' axes, None if their shape does not fit; ONNX has the channels in front."""
    forms = [found, found.transpose(0, 2, 3, 1)] if found.ndim == 4 else [found]
    axes = tuple(size for size in wanted.shape if size != 1)
    fitting = [form.reshape(wanted.shape) for form in forms if tuple(s for s in form.shape if s != 1) == axes]
    return max(fitting, key=lambda form: sqnr_db(wanted, form), default=None)


def _operators(taps: Sequence[Tap]) -> list[Operator]:
    return [(tap.kind, tap.values.shape) for tap in taps]


def _align_operators(guide: Sequence[Operator], found: Sequence[Operator]) -> dict[int, int]:
    """Return, by index, which operator of the file corresponds to which operator of the guide."""
    blocks = SequenceMatcher(None, guide, found, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}
