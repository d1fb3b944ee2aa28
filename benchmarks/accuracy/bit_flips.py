"""How much does the self-test notice? Flip single bits of the int8 file's weights, one at a time, and count.

`python -m benchmarks.accuracy.bit_flips [-o FILE]`, or `make bit-flips`. A flipped file would be refused by its hash;
here the hash is not checked, as if the file had been written so, or the engine read it so.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness.benchmark import Benchmark, Result, progress
from benchmarks.harness.markdown import markdown_table
from edgedigits.bundle import Bundle
from edgedigits.datasets import load_splits
from edgedigits.engines import load_engine
from edgedigits.manifest import ModelFile
from edgedigits.measure.machine import describe_machine
from edgedigits.model import Model, model_of_bundle
from edgedigits.verification.golden import check_golden
from edgedigits_export.lazy_imports import load

ENGINE = "litert"
SEED = 20261123
COUNT, SMALLEST = 1000, 10
DIGITS = 1000
TOP = 7
WEIGHTED = {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"}


@dataclass(frozen=True)
class BitFlip:
    """One bit: which comparison noticed it, and whether the class of a validation digit changed."""

    bit: int
    exactly: bool
    up_to_rounding: bool
    harmful: bool


def weight_positions(data: bytes) -> NDArray[np.int64]:
    """Return where in a .tflite file its int8 weights are."""
    schema: Any = load("ai_edge_litert.schema_py_generated", "check")
    names = {value: name for name, value in vars(schema.BuiltinOperator).items()}
    model = schema.ModelT.InitFromPackedBuf(data, 0)
    found = []
    for operator in model.subgraphs[0].operators:
        if names[model.operatorCodes[operator.opcodeIndex].builtinCode] in WEIGHTED:
            weights = bytes(model.buffers[model.subgraphs[0].tensors[operator.inputs[1]].buffer].data)
            found.append(np.arange(len(weights)) + data.index(weights))
    return np.concatenate(found)


def flip_bits(bundle: Bundle, file: ModelFile, digits: NDArray[np.uint8], count: int) -> Iterator[BitFlip]:
    """Flip ``count`` seeded random bits, one at a time."""
    golden = bundle.golden().images
    model = model_of_bundle(bundle, file)
    recorded = next(engine for engine in bundle.golden().expected[file.path] if engine.engine == ENGINE)
    engines = recorded, recorded._replace(version="another")
    right = infer(model, digits).argmax(axis=1)
    rng = np.random.default_rng(SEED)
    for number, position in enumerate(rng.choice(weight_positions(model.data), count), 1):
        if number % 100 == 0:
            progress(f"{number} of {count}")
        bit = int(rng.integers(8))
        data = bytearray(model.data)
        data[position] ^= 1 << bit
        outputs = infer(model._replace(data=bytes(data)), np.concatenate([golden, digits]))
        exactly, up_to_rounding = (
            not check_golden(bundle, file, outputs[: len(golden)], engine).passed for engine in engines
        )
        yield BitFlip(bit, exactly, up_to_rounding, bool((outputs[len(golden) :].argmax(axis=1) != right).any()))


def infer(model: Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the engine's outputs, float32 ``[N, classes]``."""
    engine = load_engine(ENGINE, model)
    values: NDArray[np.float32] = engine.run(images)
    return values


def summarise(flips: list[BitFlip]) -> dict[str, Any]:
    """Return how many of all, of top bits, and of harmful ones were noticed, by both ways to compare."""
    groups = {
        "all": flips, "top": [f for f in flips if f.bit == TOP], "harmful": [f for f in flips if f.harmful],
    }  # fmt: skip
    return {
        name: {
            "count": len(group),
            "exactly": sum(f.exactly for f in group),
            "up_to_rounding": sum(f.up_to_rounding for f in group),
        }
        for name, group in groups.items()
    }


def measure(args: argparse.Namespace) -> Result:
    """Flip and count; the smallest run flips ten bits."""
    bundle = Bundle.load()
    file = bundle.pick("int8.tflite", ["tflite"])
    digits = load_splits(None, lambda path: np.empty(0, np.uint8)).validation.images[:DIGITS]
    flips = list(flip_bits(bundle, file, digits, SMALLEST if args.smallest else COUNT))
    return {
        "bundle": bundle.id, "file": file.path, "seed": SEED, "golden": bundle.manifest.golden.file.count,
        "digits": len(digits), "noticed": summarise(flips), "machine": asdict(describe_machine()),
    }  # fmt: skip


def flips_table(result: Result) -> str:
    """Return how many single-bit errors the self-test notices."""
    names = {"all": "any bit", "top": "the top bit", "harmful": "changes an answer among the validation digits"}
    rows = []
    for key, name in names.items():
        told = result["noticed"][key]
        count = told["count"]
        shares = (f"{told[how]} ({100 * told[how] / max(count, 1):.1f} %)" for how in ("exactly", "up_to_rounding"))
        rows.append((name, count, *shares))
    head = ("flipped weight bit", "of", "noticed by the release whose outputs were recorded", "by another release")
    note = (
        f"Of `{result['file']}`, bundle `{result['bundle'][:12]}`: {result['golden']} golden inputs, "
        f"{result['digits']:,} validation digits, seed {result['seed']}; measured by `make bit-flips`."
    )
    return markdown_table(head, "lr", rows, note)


BENCHMARK = Benchmark("bit-flips", "Count how many flipped weight bits the self-test notices.", measure, flips_table)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
