"""Does training on the grid of the int8 file win back what the file loses? Measured on two networks.

`python -m benchmarks.accuracy.quantization_training [-o FILE]`, or `make quantization-training` (half an hour). They
are trained on Fashion-MNIST, trained on by `edgedigits train --quantize int8`, and converted with the ranges of that
run. Every file runs over the 10,000 test images, in both TFLite engines.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy.own_networks import Images, read_images
from benchmarks.accuracy.quantized_networks import EPOCHS, NETWORKS, Network
from benchmarks.harness.benchmark import Benchmark, Result, describe, progress
from benchmarks.harness.markdown import machine_phrase, markdown_table, versions_phrase
from edgedigits.training_record import read_training_record, trained_quantization
from edgedigits.verification.inference import infer_isolated
from edgedigits_export.convert.recipe import WHOLE
from edgedigits_export.convert.tflite import convert_tflite
from edgedigits_export.convert.tflite_int8 import TfliteQuantizer
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.lazy_imports import load, quiet

QUANTIZED_EPOCHS = 3
# As many images as export takes by default.
CALIBRATION = 500
ENGINES = ("litert", "tflite-runtime")
# The goals: what plain int8 has to lose to show anything, and what may be lost after training, in points; how many
# images have to get the same answer from the trained network and from its file.
LOST, LEFT, AGREEMENT = 2.0, 0.3, 0.999
SMALLEST = 4_000
PACKAGES = ("edgedigits", "keras", "tensorflow", "ai-edge-litert", "tflite-runtime")


def measure(args: argparse.Namespace) -> Result:
    """Train, quantize and compare every network; the smallest run does so with the second one and few images."""
    train, test = read_images("train"), read_images("t10k")
    networks: tuple[Network, ...] = NETWORKS
    if args.smallest:
        train, test, networks = train.first(SMALLEST), test.first(SMALLEST), NETWORKS[1:]
    rows = []
    for network in networks:
        with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
            rows.append(_measure(network, train, test, Path(folder)))
    epochs = {"epochs": EPOCHS, "quantized_epochs": QUANTIZED_EPOCHS}
    return describe(PACKAGES) | epochs | {"images": len(test.labels), "rows": rows}


def _measure(network: Network, train: Images, test: Images, folder: Path) -> dict[str, Any]:
    progress(f"{network.name}: {EPOCHS} epochs in float")
    model = network.train(train)
    model.save(folder / "net.keras")
    in_float = _predicted(model, test)
    frozen, images = freeze(model), train.images[:CALIBRATION]
    files = {"plain": convert_tflite(frozen, "int8", images), "ranges": _with_ranges(folder / "net.keras", images)}
    progress(f"{network.name}: {QUANTIZED_EPOCHS} epochs on the grid")
    np.savez(folder / "train.npz", images=train.images, labels=train.labels)
    _train_quantized(folder)
    trained, quantization = _read_run(folder / "run")
    files["trained"] = TfliteQuantizer(freeze(trained), images, quantization).quantize(WHOLE)
    twin = _predicted(_twin(trained, quantization), test)
    return {
        "network": network.name,
        "parameters": model.count_params(),
        "float": _accuracy(in_float, test),
        "twin": _accuracy(twin, test),
        "files": {name: _file(name, data, folder, twin, test) for name, data in files.items()},
    }


def _with_ranges(path: Path, images: NDArray[np.uint8]) -> bytes:
    """Return the file that the run starts from: folded, with ranges of the least squared error, not trained."""
    from edgedigits_train.quantization.calibration import choose_ranges
    from edgedigits_train.quantization.source import read_source
    from edgedigits_train.quantization.twin import build_twin, finish_twin

    with quiet():
        source = read_source(str(path))
        ranges = choose_ranges(source.network, source.plan, images)
        start = finish_twin(source.network, source.plan, build_twin(source.network, source.plan, ranges))
    return TfliteQuantizer(freeze(start.model), images, start.quantization).quantize(WHOLE)


def _train_quantized(folder: Path) -> None:
    words = ("train", "--quantize", "int8", "--from", "net.keras", "--data", "train.npz", "--no-augment")
    command = [
        str(Path(sys.executable).with_name("edgedigits")),
        *words,
        "--epochs",
        str(QUANTIZED_EPOCHS),
        "-o",
        "run",
    ]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)


def _read_run(run: Path) -> tuple[Any, Any]:
    with quiet():
        model = load("keras").saving.load_model(run / "model.keras", compile=False)
    return model, trained_quantization(read_training_record(run / "model.keras", model.count_params()))


def _twin(model: Any, quantization: Any) -> Any:
    from edgedigits_train.quantization.twin import twin_of

    with quiet():
        return twin_of(model, quantization)


def _predicted(model: Any, data: Images) -> NDArray[np.float32]:
    with quiet():
        return np.asarray(model.predict(data.images.astype(np.float32), batch_size=500, verbose=0))


def _accuracy(outputs: NDArray[np.float32], data: Images) -> float:
    return float((outputs.argmax(axis=1) == data.labels).mean())


def _file(name: str, data: bytes, folder: Path, twin: NDArray[np.float32], test: Images) -> dict[str, Any]:
    """Return a file's size and, by engine, its accuracy and the share of images that it answers as the twin does."""
    path = folder / f"{name}.tflite"
    path.write_bytes(data)
    engines = {}
    for engine in ENGINES:
        progress(f"{name}.tflite in {engine}")
        said = infer_isolated(path, engine, test.images).probabilities
        agreement = float((said.argmax(axis=1) == twin.argmax(axis=1)).mean())
        engines[engine] = {"accuracy": _accuracy(said, test)} | ({"agreement": agreement} if name == "trained" else {})
    return {"bytes": len(data), "engines": engines}


def quantization_training_table(result: Result) -> str:
    """Return a row a network: its accuracy in float and in each of its int8 files, and whether the last one agrees."""
    first, second = ENGINES
    rows = [
        (
            row["network"], f"{row['parameters']:,}", f"{row['float']:.2%}",
            *(_loss(row, name, first) for name in ("plain", "ranges", "trained")),
            f"{_engine(row, 'trained', first)['agreement']:.2%}",
            f"{_loss(row, 'trained', second)}, {_engine(row, 'trained', second)['agreement']:.2%}",
        )
        for row in result["rows"]
    ]  # fmt: skip
    note = (
        f"Trained here for {result['epochs']} epochs on Fashion-MNIST, then {result['quantized_epochs']} epochs with "
        f"`--quantize int8`; accuracy on the {result['images']:,} test images, and points of it that an int8 file "
        "loses: as `export` makes it of the network in float; of what the run starts from, folded and with ranges of "
        "the least error; and after training. Same answers: the share of images on which the file agrees with the "
        f"network that was trained, all in {first} but for the last column. {machine_phrase(result['machine'])}; "
        f"{versions_phrase(result['versions'])}. Measured by `make quantization-training`, written by `make readme`."
    )
    head = (
        "network",
        "parameters",
        "float",
        "int8 loses",
        "with other ranges",
        "after training",
        "same answers",
        f"in {second}",
    )
    return markdown_table(head, "lr", rows, note)


def faults(result: Result) -> list[str]:
    """Return what a result misses of the goals; the smallest run hardly trains and has none."""
    if result["images"] <= SMALLEST:
        return []
    found = []
    for row in result["rows"]:
        plain, trained = (
            100 * (row["float"] - _engine(row, name, "litert")["accuracy"]) for name in ("plain", "trained")
        )
        agreement = _engine(row, "trained", "litert")["agreement"]
        if plain < LOST:
            found.append(f"{row['network']}: expected plain int8 to lose at least {LOST:g} points, found {plain:.2f}")
        if trained > LEFT:
            found.append(f"{row['network']}: expected at most {LEFT:g} points lost after training, found {trained:.2f}")
        if agreement < AGREEMENT:
            found.append(f"{row['network']}: expected the same answer on {AGREEMENT:.1%}, found {agreement:.2%}")
    return found


def _engine(row: dict[str, Any], file: str, engine: str) -> dict[str, float]:
    found: dict[str, float] = row["files"][file]["engines"][engine]
    return found


def _loss(row: dict[str, Any], file: str, engine: str) -> str:
    return f"{100 * (row['float'] - _engine(row, file, engine)['accuracy']):+.2f}"


BENCHMARK = Benchmark(
    "quantization-training",
    "Train two networks on the grid of their int8 file: what comes back, and does the file answer as was trained?",
    measure,
    quantization_training_table,
    failures=faults,
)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
