"""How much does the self-test notice? Flip single bits of the int8 file's weights, one at a time, and count.

`python benchmarks/bit_flips.py -o FILE` (`make bit-flips`). A flipped file would be refused by its hash; here the
hash is passed over, as if the file had been written so, or the engine read it so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.bundle import Bundle
from edgedigits.datasets import load_splits
from edgedigits.engines import load_engine
from edgedigits.manifest import ModelFile, ReferenceEngine
from edgedigits.measure.machine import describe_machine
from edgedigits.model import Model, model_of_bundle
from edgedigits.verification.golden import check_golden
from edgedigits_export.lazy_imports import load

ENGINE = "litert"
SEED = 20261123
DIGITS = 1000
TOP = 7
WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


@dataclass(frozen=True)
class Flip:
    """One bit: what noticed it, and whether an answer to a validation digit changed."""

    bit: int
    exactly: bool
    up_to_rounding: bool
    harmful: bool


def weight_positions(data: bytes) -> NDArray[np.int64]:
    """Where in a .tflite file its int8 weights are."""
    schema: Any = load("ai_edge_litert.schema_py_generated", "check")
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    found = []
    for operator in model.subgraphs[0].operators:
        if names[model.operatorCodes[operator.opcodeIndex].builtinCode] in WEIGHTED:
            weights = bytes(model.buffers[model.subgraphs[0].tensors[operator.inputs[1]].buffer].data)
            found.append(np.arange(len(weights)) + data.index(weights))
    return np.concatenate(found)


def flips(bundle: Bundle, file: ModelFile, digits: NDArray[np.uint8], count: int) -> Iterator[Flip]:
    """Flip ``count`` seeded random bits, one at a time."""
    golden = bundle.golden().images
    model = model_of_bundle(bundle, file)
    me = next(witness for witness in bundle.golden().expected[file.path] if witness.engine == ENGINE)
    other = me._replace(version="another")
    right = answers(model, digits).argmax(axis=1)
    rng = np.random.default_rng(SEED)
    for position in rng.choice(weight_positions(model.data), count):
        bit = int(rng.integers(8))
        data = bytearray(model.data)
        data[position] ^= 1 << bit
        found = answers(model._replace(data=bytes(data)), np.concatenate([golden, digits]))
        told = [noticed(bundle, file, found[: len(golden)], who) for who in (me, other)]
        yield Flip(bit, told[0], told[1], bool((found[len(golden) :].argmax(axis=1) != right).any()))


def answers(model: Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the engine answers, float32 ``[N, classes]``."""
    engine = load_engine(ENGINE, model)
    values: NDArray[np.float32] = engine.run(images)
    return values


def noticed(bundle: Bundle, file: ModelFile, found: NDArray[np.float32], who: ReferenceEngine) -> bool:
    """Whether the full self-test fails."""
    return not check_golden(bundle, file, found, who).passed


def summary(told: list[Flip]) -> dict[str, Any]:
    """Shares noticed, of all, of top bits, of harmful ones; by both ways to compare."""
    groups = {
        "all": told, "top": [f for f in told if f.bit == TOP], "harmful": [f for f in told if f.harmful],
    }  # fmt: skip
    return {
        name: {
            "count": len(group),
            "exactly": sum(f.exactly for f in group),
            "up_to_rounding": sum(f.up_to_rounding for f in group),
        }
        for name, group in groups.items()
    }


def main() -> int:
    """Flip, count, store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", help="default: the bundle in the package")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    bundle = Bundle.load(args.bundle)
    file = bundle.pick("int8.tflite", ["tflite"])
    digits = load_splits(None, lambda path: np.empty(0, np.uint8)).validation.images[:DIGITS]
    told = []
    for number, flip in enumerate(flips(bundle, file, digits, args.count), 1):
        told.append(flip)
        if number % 100 == 0:
            print(f"{number} of {args.count}", file=sys.stderr)
    result = {
        "bundle": bundle.id, "file": file.path, "seed": SEED, "golden": bundle.manifest.golden.file.count,
        "digits": len(digits), "noticed": summary(told), "machine": asdict(describe_machine()),
    }  # fmt: skip
    args.output.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["noticed"], indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
