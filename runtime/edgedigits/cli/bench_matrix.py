"""The configurations that `bench` measures: every combination of options that a file and an engine support."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

from edgedigits.bundle import Bundle
from edgedigits.console.chosen_files import choose_files
from edgedigits.datasets.own import image_files
from edgedigits.engines import ENGINES, choose_engine
from edgedigits.engines.inspect import inspect_isolated
from edgedigits.errors import TargetError, UsageError
from edgedigits.input_shapes import parse_shapes, refuse_unknown_names, resolve_shapes
from edgedigits.manifest import Manifest, TensorInfo
from edgedigits.measure.configuration import Configuration, configuration_of
from edgedigits.measure.recommend import SelectionCriteria
from edgedigits.measure.rounds import Plan
from edgedigits.model import is_model_file, lone_model
from edgedigits.random_inputs import require_numbers
from edgedigits.tensors import follows_contract
from edgedigits.verification.parity import pairs

# Height and width of a page from a small camera, in which the locator is measured: it takes any size.
PAGE = (480, 640)
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


class _Target(NamedTuple):
    """A file in an engine that reads it.

    Attributes
    ----------
    inputs: what has to be fed; None where nothing has, since pictures are classified or the engine refuses the file.
    batch: the length of a free first dimension of which nothing is said; None where it has to be said.

    """

    configuration: Configuration
    inputs: tuple[TensorInfo, ...] | None
    batch: int | None


def matrix(args: argparse.Namespace) -> tuple[list[Configuration], Manifest | None]:
    """Return all configurations, and the manifest of the first bundle.

    Raises
    ------
    EdgeDigitsError: a model cannot be read, no engine reads it, no configuration supports an option, or the shape of an
        input is not known.

    """
    shapes = parse_shapes(args.shape)
    _refuse_combinations(args)
    targets: list[_Target] = []
    manifest: Manifest | None = None
    for path in args.models or [None]:
        if path is not None and is_model_file(path):
            targets += _lone_targets(args, Path(path))
            continue
        bundle = Bundle.load(path)
        manifest = manifest or bundle.manifest
        targets += _bundle_targets(args, bundle)
    _refuse_unknown(args, [target.configuration for target in targets])
    if all(target.inputs is not None for target in targets):
        refuse_unknown_names(shapes, [one for target in targets for one in target.inputs or ()])
    return [one for target in targets for one in _settings(args, target, shapes)], manifest


def _refuse_combinations(args: argparse.Namespace) -> None:
    """Refuse options that contradict each other."""
    if args.shape and args.batch is not None:
        raise UsageError("bench: --shape and --batch both say how long an input is; take one of them")
    if args.images is None:
        return
    if not image_files(Path(args.images)):
        raise UsageError(f"{args.images}: expected a folder with images in it, found none")
    if args.delegate or args.spinning or args.batch is not None or args.shape:
        raise UsageError(
            "bench: --images measures classify, which has no --batch, --delegate or --spinning, nor --shape; "
            "leave them away"
        )


def _lone_targets(args: argparse.Namespace, path: Path) -> Iterator[_Target]:
    """Yield a file without a bundle in each engine; only an engine can tell its inputs."""
    model = lone_model(path)
    for engine in choose_engine(args.engine, model.format):
        one = Configuration(
            str(path), path.name, len(model.data), model.sha256, None, None, engine, 1, {}, 1, (), args.images
        )
        try:
            found = None if args.images else inspect_isolated(path, engine)
        except TargetError:  # the process that measures will fail in the same way, beside those of other files
            found = None
        if found is None:
            yield _Target(one, None, None)
        else:
            require_numbers(found.inputs, path.name)
            yield _Target(one, found.inputs, 1 if follows_contract(found.inputs, found.outputs) else None)


def _bundle_targets(args: argparse.Namespace, bundle: Bundle) -> Iterator[_Target]:
    """Yield each file of a bundle in each engine."""
    for file, engine in pairs(*choose_files(bundle, args.variant, args.engine)):
        one, image = configuration_of(bundle, file, engine, args.images), file.image
        if bundle.manifest.task == "locate" and not args.shape:
            image = image._replace(shape=(image.shape[0], *PAGE, image.shape[3]))
        yield _Target(one, None if args.images else (image,), 1)


def _refuse_unknown(args: argparse.Namespace, found: list[Configuration]) -> None:
    """Refuse an option that no configuration supports, which would have no effect."""
    kinds = [ENGINES[one.engine] for one in found]
    if args.batch not in {None, "1"} and not any(kind.format == "onnx" for kind in kinds):
        raise UsageError(
            "--batch: expected an .onnx file, whose batch size is free, found none; .tflite files have batch size 1"
        )
    for name in ("delegate", "spinning"):
        if getattr(args, name) is not None and not any(name in kind.options for kind in kinds):
            raise UsageError(f"--{name}: none of {', '.join({one.engine: 0 for one in found})} has this option")


def _settings(
    args: argparse.Namespace, target: _Target, shapes: Mapping[str, tuple[int, ...]]
) -> Iterator[Configuration]:
    """Yield a configuration with every combination of threads, options and batch that its engine supports."""
    kind = ENGINES[target.configuration.engine]
    batches = [target.batch] if args.batch is None or kind.format != "onnx" else _numbers(args.batch, "--batch")
    switches = {
        name: {"on": [True], "off": [False], "both": [True, False]}[said]
        for name in kind.options
        if (said := getattr(args, name)) is not None
    }
    options = [dict(zip(switches, values, strict=True)) for values in product(*switches.values())]
    for threads, chosen, batch in product(_numbers(args.threads, "--threads"), options, batches):
        one = replace(target.configuration, threads=threads, options=chosen, batch=batch or 1)
        if target.inputs is not None:
            found = resolve_shapes(one.file, target.inputs, shapes, batch)
            images = found[0].shape[0] if shapes and target.batch is not None else one.batch
            one = replace(one, shapes=found, batch=images)
        yield one


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
