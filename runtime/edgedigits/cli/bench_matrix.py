"""The configurations that `bench` measures: every combination of options that a file and an engine support."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from itertools import product
from pathlib import Path

from edgedigits.bundle import Bundle
from edgedigits.console.chosen_files import choose_files
from edgedigits.datasets.own import image_files
from edgedigits.engines import ENGINES, choose_engine
from edgedigits.errors import UsageError
from edgedigits.manifest import SUFFIXES, Manifest
from edgedigits.measure.configuration import Configuration
from edgedigits.measure.recommend import SelectionCriteria
from edgedigits.measure.rounds import Plan
from edgedigits.model import is_model_file, lone_model
from edgedigits.verification.parity import pairs

LEAST_PROCESSES = 5
_UNITS = {"": 1, "B": 1, "KB": 1000, "MB": 1_000_000, "KIB": 1024, "MIB": 1024**2}


def plan_of(args: argparse.Namespace) -> Plan:
    """Return how many processes to measure, and for how long.

    Raises
    ------
    UsageError: there are fewer processes than an interval needs, or the time is negative.

    """
    if args.processes < LEAST_PROCESSES or not 0 <= args.seconds < float("inf"):
        raise UsageError(
            f"bench: expected at least {LEAST_PROCESSES} processes of 0 seconds or more, found {args.processes} of "
            f"{args.seconds:g}"
        )
    return Plan(args.processes, args.seconds)


def wish_of(args: argparse.Namespace) -> SelectionCriteria | None:
    """Return the objective and limits of --recommend; None without it.

    Raises
    ------
    UsageError: a size is invalid, or limits are given without --recommend.

    """
    if not args.recommend:
        if args.objective or args.max_drop is not None or args.max_size is not None:
            raise UsageError("bench: --objective, --max-drop and --max-size need --recommend; add it")
        return None
    if len(args.models) > 1 or any(map(is_model_file, args.models)):
        raise UsageError(
            "bench: --recommend needs the accuracies in a manifest: expected one bundle, found a file or several"
        )
    if args.max_drop is not None and not 0 <= args.max_drop <= 100:
        raise UsageError(f"--max-drop: expected points of accuracy from 0 to 100, found {args.max_drop:g}")
    return SelectionCriteria(
        args.objective or "p50", args.max_drop, None if args.max_size is None else _bytes(args.max_size)
    )


def matrix(args: argparse.Namespace) -> tuple[list[Configuration], Manifest | None]:
    """Return all configurations, and the manifest of the first bundle.

    Raises
    ------
    EdgeDigitsError: a model cannot be read, no engine reads it, or no configuration supports an option.

    """
    if args.images is not None:
        if not image_files(Path(args.images)):
            raise UsageError(f"{args.images}: expected a folder with images in it, found none")
        if args.delegate or args.spinning or args.batch != "1":
            raise UsageError(
                "bench: --images measures classify, which has no --batch, --delegate or --spinning; leave them away"
            )
    found: list[Configuration] = []
    manifest: Manifest | None = None
    for path in args.models or [None]:
        if path is not None and is_model_file(path):
            model = lone_model(Path(path))
            for engine in choose_engine(args.engine, model.format):
                lone = Configuration(
                    str(path),
                    Path(path).name,
                    len(model.data),
                    model.sha256,
                    None,
                    None,
                    engine,
                    1,
                    {},
                    1,
                    args.images,
                )
                found += _settings(args, lone)
            continue
        bundle = Bundle.load(path)
        manifest = manifest or bundle.manifest
        for file, engine in pairs(*choose_files(bundle, args.variant, args.engine)):
            bundle.read(file)  # raises if the file is not the one in the manifest
            variant = file.precision + SUFFIXES[file.format]
            one = Configuration(
                str(bundle.path / file.path), file.path, file.bytes, file.sha256, bundle.id, variant, engine, 1, {}, 1,
                args.images,
            )  # fmt: skip
            found += _settings(args, one)
    _refuse_unknown(args, found)
    return found, manifest


def _refuse_unknown(args: argparse.Namespace, found: list[Configuration]) -> None:
    """Refuse an option that no configuration supports, which would have no effect."""
    kinds = [ENGINES[one.engine] for one in found]
    if args.batch != "1" and not any(kind.format == "onnx" for kind in kinds):
        raise UsageError(
            "--batch: expected an .onnx file, whose batch size is free, found none; .tflite files have batch size 1"
        )
    for name in ("delegate", "spinning"):
        if getattr(args, name) is not None and not any(name in kind.options for kind in kinds):
            raise UsageError(f"--{name}: none of {', '.join({one.engine: 0 for one in found})} has this option")


def _settings(args: argparse.Namespace, configuration: Configuration) -> list[Configuration]:
    """Return a configuration with every combination of threads, options and batch that its engine supports."""
    kind = ENGINES[configuration.engine]
    batches = _numbers(args.batch, "--batch") if kind.format == "onnx" else [1]
    switches = {
        name: {"on": [True], "off": [False], "both": [True, False]}[said]
        for name in kind.options
        if (said := getattr(args, name)) is not None
    }
    options = [dict(zip(switches, values, strict=True)) for values in product(*switches.values())]
    return [
        replace(configuration, threads=threads, options=chosen, batch=batch)
        for threads, chosen, batch in product(_numbers(args.threads, "--threads"), options, batches)
    ]


def _numbers(text: str, what: str) -> list[int]:
    try:
        found = [int(word) for word in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise UsageError(f"{what}: expected whole numbers of at least 1, such as 1,2,4, found {text!r}")
    return list(dict.fromkeys(found))


def _bytes(text: str) -> int:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(|B|[KM]i?B)\s*", text, re.IGNORECASE)
    unit = match[2].upper() if match else "?"
    if match is None or unit not in _UNITS:
        raise UsageError(f"--max-size: expected a size such as 64KB, 64KiB or 0.5MB, found {text!r}")
    return int(float(match[1]) * _UNITS[unit])
