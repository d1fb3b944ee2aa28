"""How much of training is the input pipeline: whole epochs beside as many bare steps on one batch that is there.

Both in turns, in one process, so that whatever else the machine does meets both; the ratio is that of neighbours.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from benchmarks.harness.benchmark import Benchmark, Result, describe
from benchmarks.harness.markdown import markdown_table
from edgedigits_train.config import DEFAULT_MODEL, TrainConfig, resolve
from edgedigits_train.training import backend

_ROUNDS, _SMALLEST_IMAGES = 7, 1000


def measure(args: argparse.Namespace) -> Result:
    """Measure the default model's quick recipe."""
    backend.import_quietly()
    config = resolve({"model": DEFAULT_MODEL})
    backend.set_up(config.threads)
    row = _measure(config, 1, _SMALLEST_IMAGES) if args.smallest else _measure(config, _ROUNDS, None)
    return describe(["edgedigits"]) | {"versions": backend.versions(), "rows": [row]}


def _measure(config: TrainConfig, rounds: int, images: int | None) -> dict[str, Any]:
    import keras

    from edgedigits.datasets import load_splits
    from edgedigits.images.decode import read_pixels
    from edgedigits_train.data.augmentation import Range
    from edgedigits_train.data.epochs import Epoch, View
    from edgedigits_train.data.training_set import TrainingSet
    from edgedigits_train.training.loop import new_model, train_batches

    digits = load_splits("mnist", read_pixels).train
    training_set = TrainingSet.of(digits.take(np.arange(images or len(digits))))
    model = new_model(config, training_set)
    limits = Range(elastic=config.elastic) if config.augment else None
    epoch = Epoch(training_set, View.draw(training_set, limits, 1, seed=0, epoch=0), config.batch_size, seed=0, epoch=0)
    batch = epoch.batch(0)
    constant = tuple(keras.ops.convert_to_tensor(part) for part in batch)
    ways: dict[str, Any] = {"bare": [constant] * len(epoch), "whole": epoch}
    train_batches(model, [batch, epoch.batch(len(epoch) - 1)])  # both sizes of a batch are compiled for
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, batches in ways.items():
            started = time.perf_counter()
            train_batches(model, batches)
            seen[name].append(len(training_set) / (time.perf_counter() - started))
    costs = [bare / whole - 1 for bare, whole in zip(seen["bare"], seen["whole"], strict=True)]
    return {
        "model": config.model,
        "batch_size": config.batch_size,
        "images_per_second": {name: [round(value) for value in values] for name, values in seen.items()},
        "median": {name: round(statistics.median(values)) for name, values in seen.items()},
        "pipeline_costs": round(statistics.median(costs), 4),
    }


def training_table(result: Result) -> str:
    """Lay out bare steps, whole epochs, and what lies between, a row a model."""
    rows = [
        (f"`{row['model']}`", row["batch_size"], f"{row['median']['bare']:,}", f"{row['median']['whole']:,}",
         f"{100 * row['pipeline_costs']:.1f} %", "≤ 10 %")
        for row in result["rows"]
    ]  # fmt: skip
    machine, versions = result["machine"], result["versions"]
    note = (
        f"The `quick` recipes; medians of {len(result['rows'][0]['images_per_second']['bare'])} epochs each, in turns "
        f"in one process. {machine['board'] or machine['cpu']}, {machine['cores']} cores; keras {versions['keras']}, "
        f"tensorflow {versions['tensorflow']}. Measured by `make input-pipeline`, written by `make readme`."
    )
    head = ("model", "images a batch", "bare steps, images a second", "whole epochs", "the pipeline costs", "goal")
    return markdown_table(head, "lr", rows, note)


BENCHMARK = Benchmark("training", "How much of training is the input pipeline?", measure, training_table)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
