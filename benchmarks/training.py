"""How much of training is the input pipeline: whole epochs beside as many bare steps on one batch that is there.

    python benchmarks/training.py [MODEL ...] -o benchmarks/results/training.json

Both in turns, in one process, so that what else the machine does falls on both; the ratio is that of neighbours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

from edgedigits.files import write_atomic
from edgedigits_train.config import DEFAULT_MODEL, TrainConfig, resolve
from edgedigits_train.training import backend

_ROUNDS = 7


def main() -> None:
    """Measure each model and store what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=[DEFAULT_MODEL], metavar="MODEL")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE")
    args = parser.parse_args()
    backend.import_quietly()
    configs = [resolve({"model": model}) for model in args.models]
    backend.set_up(configs[0].threads)
    from edgedigits.measure.machine import describe_machine
    from edgedigits.records import to_plain

    rows = [_measure(config) for config in configs]
    told = {"machine": to_plain(describe_machine()), "versions": backend.versions(), "rows": rows}
    text = json.dumps(told, indent=1) + "\n"
    if args.output:
        write_atomic(args.output, text.encode())
    print(text, end="")


def _measure(config: TrainConfig) -> dict[str, Any]:
    import keras

    from edgedigits.datasets import load_splits
    from edgedigits.images.decode import read_pixels
    from edgedigits_train.data.augmentation import Range
    from edgedigits_train.data.epochs import Epoch, View
    from edgedigits_train.data.training_set import TrainingSet
    from edgedigits_train.training.loop import new_model, train_batches

    material = TrainingSet.of(load_splits("mnist", read_pixels).train)
    model = new_model(config, material)
    limits = Range(elastic=config.elastic) if config.augment else None
    epoch = Epoch(material, View.draw(material, limits, 1, seed=0, epoch=0), config.batch_size, seed=0, epoch=0)
    batch = epoch.batch(0)
    constant = tuple(keras.ops.convert_to_tensor(part) for part in batch)
    ways = {"bare": [constant] * len(epoch), "whole": epoch}
    train_batches(model, [batch, epoch.batch(len(epoch) - 1)])  # both sizes of a batch are compiled for
    seen: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(_ROUNDS):
        for name, batches in ways.items():
            started = time.perf_counter()
            train_batches(model, batches)
            seen[name].append(len(material) / (time.perf_counter() - started))
    costs = [bare / whole - 1 for bare, whole in zip(seen["bare"], seen["whole"], strict=True)]
    return {
        "model": config.model,
        "batch_size": config.batch_size,
        "images_per_second": {name: [round(value) for value in values] for name, values in seen.items()},
        "median": {name: round(statistics.median(values)) for name, values in seen.items()},
        "pipeline_costs": round(statistics.median(costs), 4),
    }


def training_table(result: dict[str, Any]) -> str:
    """A line a model: bare steps, whole epochs, and what lies between."""
    lines = [
        "| model | images a batch | bare steps, images a second | whole epochs | the pipeline costs | goal |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        found = row["median"]
        lines.append(
            f"| `{row['model']}` | {row['batch_size']} | {found['bare']:,} | {found['whole']:,} "
            f"| {100 * row['pipeline_costs']:.1f} % | ≤ 10 % |"
        )
    machine, versions = result["machine"], result["versions"]
    rounds = len(result["rows"][0]["images_per_second"]["bare"])
    lines += [
        "",
        f"The `quick` recipes; medians of {rounds} epochs each, in turns in one process. "
        f"{machine['board'] or machine['cpu']}, {machine['cores']} cores; keras {versions['keras']}, tensorflow "
        f"{versions['tensorflow']}. Measured by `make bench`, written by `make readme`.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
