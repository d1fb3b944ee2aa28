"""Train bodies that have no name and keep how well they do on the validation digits; the test digits are never loaded.

    python models/search.py "16k5s2 32s2 48 64s2" "16k5s2 32s2d 48d 64s2d" --epochs 8 --seeds 0 1

A body is written as `edgedigits_train.models.architectures.parse_stages` reads it. Each result is a line of the log,
and what stands there already is not trained again, so a stopped search goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgedigits_train.config import TrainConfig, resolve
from edgedigits_train.models.architectures import parse_stages
from edgedigits_train.training import backend

LOG = Path(__file__).with_name("search.jsonl")
# What a machine decides, or the body.
_ELSEWHERE = ("threads", "data", "model", "preset")


def main() -> None:
    """Train what was asked for, one after the other."""
    args = _arguments()
    backend.import_quietly()
    config = resolve({name: value for name, value in vars(args).items() if value is not None})
    backend.set_up(config.threads)
    known = [json.loads(line) for line in args.log.read_text().splitlines()] if args.log.exists() else []
    todo = [(body, seed) for seed in args.seeds for body in args.bodies]
    material = validation = None
    for body, seed in todo:
        wanted = {"body": body, **_config(config, seed)}
        if any(wanted.items() <= entry.items() for entry in known):
            continue
        if material is None:
            material, validation = _load(config)
        result = _train(body, config, seed, material, validation)
        with args.log.open("a") as file:
            file.write(json.dumps({**wanted, **result}) + "\n")
        print(body, seed, result, file=sys.stderr, flush=True)


def _load(config: TrainConfig) -> tuple[Any, Any]:
    from edgedigits.datasets import load_splits
    from edgedigits.images.decode import read_pixels
    from edgedigits_train.data.training_set import TrainingSet
    from edgedigits_train.synthetic.pool_cache import cached_pool

    splits = load_splits("mnist", read_pixels)
    pool = cached_pool(splits.train, seed=0, side=0, processes=config.threads) if config.paper else None
    return TrainingSet.of(splits.train, pool, config.label_smoothing), splits.validation


def _train(body: str, config: TrainConfig, seed: int, material: Any, validation: Any) -> dict[str, Any]:
    import keras

    from edgedigits_train.data.epochs import count_batches
    from edgedigits_train.models.build import build_from, count_macs
    from edgedigits_train.training.distillation import sharpen
    from edgedigits_train.training.evaluation import mean_loss, predict
    from edgedigits_train.training.loop import compile_model, train_epochs

    config = resolve({**_given(config), "seed": seed})
    keras.utils.set_random_seed(seed)
    model = build_from(parse_stages(body), "candidate", material.parts[0].shape[1:], material.targets.shape[1])
    compile_model(model, config, count_batches(len(material), config.batch_size))
    started, curve = time.perf_counter(), []
    for epoch in train_epochs(model, material, validation, config, 0):
        curve.append(round(epoch.validation_accuracy, 4))
        print(
            f"  {epoch.epoch} {epoch.loss:.4f} {100 * epoch.validation_accuracy:.2f} {epoch.seconds:.1f} s", flush=True
        )
    if config.teacher:
        sharpen(model, config.temperature)
    answers = predict(model, validation.images)[:, : material.classes]
    return {
        "parameters": model.count_params(),
        "macs": count_macs(model),
        "validation": float((answers.argmax(axis=1) == validation.labels).mean()),
        "validation_loss": mean_loss(answers, validation.labels),
        "curve": curve,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _given(config: TrainConfig) -> dict[str, Any]:
    return {name: value for name, value in asdict(config).items() if value is not None}


def _config(config: TrainConfig, seed: int) -> dict[str, Any]:
    return {name: value for name, value in asdict(config).items() if name not in _ELSEWHERE} | {"seed": seed}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bodies", nargs="+", metavar="BODY")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--log", type=Path, default=LOG)
    for name, kind in (
        ("epochs", int),
        ("batch-size", int),
        ("learning-rate", float),
        ("elastic", float),
        ("ema", float),
    ):
        parser.add_argument(f"--{name}", type=kind)
    for name, kind in (
        ("paper-share", float),
        ("label-smoothing", float),
        ("temperature", float),
        ("teacher", str),
        ("optimizer", str),
    ):
        parser.add_argument(f"--{name}", type=kind)
    parser.add_argument("--paper", action="store_true", default=None)
    parser.add_argument("--augment", action=argparse.BooleanOptionalAction, default=None)
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
