"""What do the variants of other people's networks lose? Four common ones, trained here on Fashion-MNIST.

`python -m benchmarks.accuracy.own_models [-o FILE]`, or `make own-models` (half an hour). Each is trained, saved and
exported by the command that a user types; then every file runs over the 10,000 test images beside Keras.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.own_networks import NETWORKS, Images, Network, read_images
from benchmarks.harness.benchmark import Benchmark, Result, describe, progress
from benchmarks.harness.child import run_command
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from edgedigits.manifest import GateChoice
from edgedigits.verification.compare import accuracy_of, compare
from edgedigits.verification.gates import judge_variant
from edgedigits.verification.inference import infer_isolated

GATE = GateChoice("accuracy", 0.5)
# Of the training images, for `export`: a tenth of them chooses the temperature, 500 set ranges.
FOR_EXPORT = 10_000
# In how few steps the smallest run shows that everything works.
SMALLEST = 600
# What every one of them reaches in a few minutes.
LEAST = 0.85
ENGINES = {"tflite": "litert", "onnx": "onnxruntime"}
PACKAGES = ("edgedigits", "keras", "tensorflow", "ai-edge-litert", "onnxruntime")


def measure(args: argparse.Namespace) -> Result:
    """Train, export and compare every network; the smallest run does so with the first one and few images."""
    train, test = read_images("train"), read_images("t10k")
    networks: tuple[Network, ...] = NETWORKS
    if args.smallest:
        train, test, networks = train.first(SMALLEST), test.first(SMALLEST), NETWORKS[:1]
    rows = []
    for network in networks:
        progress(f"{network.name}: {network.epochs} epochs")
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            rows.append(_measure(network, train, test, Path(folder)))
    return describe(PACKAGES) | {"gate": GATE._asdict(), "images": len(test.labels), "rows": rows}


def _measure(network: Network, train: Images, test: Images, folder: Path) -> dict[str, Any]:
    model = network.train(train)
    model.save(folder / "net.keras")
    some = train.first(FOR_EXPORT)
    np.savez(folder / "some.npz", images=some.images, labels=some.labels)
    progress(f"{network.name}: export")
    manifest = export_net(folder, "some.npz", "bundle", "--scale", network.scale)
    told = np.asarray(model.predict(network.pixels(test), batch_size=500, verbose=0))
    return {
        "network": network.name,
        "scale": network.scale,
        "epochs": network.epochs,
        "parameters": model.count_params(),
        "keras": accuracy_of(told, test.labels).top1,
        "temperature": manifest["confidence"]["temperature"],
        "left_out": {one["variant"]: one["reason"] for one in manifest["left_out"]},
        "files": {_variant(file): _compared(folder / "bundle", file, told, test) for file in manifest["files"]},
    }


def export_net(folder: Path, data: str, bundle: str, *words: str) -> dict[str, Any]:
    """Export ``net.keras`` of a folder as a user does and return the manifest.

    Raises
    ------
    ChildError: there is no bundle; where a variant failed or is left out, there is one.

    """
    command = [str(Path(sys.executable).with_name("edgedigits")), "export", "net.keras", "--calibration", data]
    told = run_command([*command, *words, "-o", bundle, "--json"], "export", folder, done_with=(0, 1))
    manifest: dict[str, Any] = json.loads(told)
    return manifest


def _variant(file: dict[str, Any]) -> str:
    return f"{file['precision']}.{file['format']}"


def _compared(bundle: Path, file: dict[str, Any], told: NDArray[np.float32], test: Images) -> dict[str, Any]:
    """Return what a file loses against Keras on the test images, and the gate's verdict on that."""
    progress(file["path"])
    said = infer_isolated(bundle / file["path"], ENGINES[file["format"]], test.images).probabilities
    found = compare(said, told, test.labels)
    return {
        "bytes": file["bytes"],
        "accuracy": found.accuracy.top1,
        "drop": found.drop,
        "drop_ci95": found.drop_ci95,
        "flips": len(found.flips),
        "outcome": judge_variant(file["precision"], found, "classify", GATE).outcome,
    }


# The columns of the table: files whose size is told, and variants whose loss is.
SIZES = ("float32.tflite", "int8.tflite")
SHOWN = ("float16.tflite", "dynamic-int8.tflite", "int8.tflite", "int8.onnx")


def own_models_table(result: Result) -> str:
    """Return a row a network: its sizes, its accuracy, and what each variant loses."""
    rows = [
        (row["network"], f"{row['parameters']:,}", f"{row['keras']:.2%}", *(_size(row, name) for name in SIZES),
         *(_loss(row, name) for name in SHOWN))
        for row in result["rows"]
    ]  # fmt: skip
    epochs = ", ".join(f"{row['epochs']} of {row['network']}" for row in result["rows"])
    note = (
        f"Trained here on the 60,000 training images (epochs: {epochs}), exported by `edgedigits export`, and every "
        f"file run over the {result['images']:,} test images beside Keras: percentage points of accuracy lost and, "
        "behind the slash, the upper end of the 95 % interval. Bold is what the gate does not pass at a margin of "
        f"{result['gate']['margin']:g}. {machine_phrase(result['machine'])}; {versions_phrase(result['versions'])}. "
        "Measured by `make own-models`, written by `make readme`."
    )
    head = ("network", "parameters", "Keras", *(f"{name}, KB" for name in SIZES), *(f"{name} loses" for name in SHOWN))
    return markdown_table(head, "lr", rows, note)


def faults(result: Result) -> list[str]:
    """Return the networks that have not learned enough for their losses to mean anything."""
    return [
        f"{row['network']}: expected {LEAST:.0%} of the test images right in Keras, found {row['keras']:.1%}"
        for row in result["rows"]
        if row["keras"] < LEAST and len(result["rows"]) > 1  # the smallest run hardly trains
    ]


def _size(row: dict[str, Any], variant: str) -> str:
    file = row["files"].get(variant)
    return f"{file['bytes'] / 1000:,.0f}" if file else "-"


def _loss(row: dict[str, Any], variant: str) -> str:
    """Return what a variant loses and may lose, or that there is none."""
    file = row["files"].get(variant)
    if file is None:
        return "left out"
    told = f"{file['drop']:+.2f} / {file['drop_ci95'][1]:+.2f}"
    return told if file["outcome"] == "passed" else f"**{told}**"


BENCHMARK = Benchmark(
    "own-models",
    "Train four common networks on Fashion-MNIST: what does each variant lose?",
    measure,
    own_models_table,
    failures=faults,
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
