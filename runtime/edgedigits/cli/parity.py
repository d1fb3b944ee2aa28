"""The command `edgedigits parity`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.exporter_plugin import load_exporter_plugin
from edgedigits.console.options import add_choice, add_output, output_of
from edgedigits.console.progress import progress
from edgedigits.console.requests import PerLayerRequest
from edgedigits.console.tables import table
from edgedigits.errors import UsageError
from edgedigits.files import refuse_existing

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.datasets import Dataset
    from edgedigits.manifest import ModelFile
    from edgedigits.verification.inference import Inferences
    from edgedigits.verification.parity import ParityRow

_SHOWN_FLIPS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "bundles", nargs="*", metavar="BUNDLE",
        help="one bundle to compare with Keras, or OLD NEW to list the images whose label changes",
    )  # fmt: skip
    parser.add_argument(
        "--data", help="labelled images: mnist, a folder of label folders, or an .npz (default: those of the export)"
    )
    add_choice(parser)
    parser.add_argument(
        "--save-outputs", type=Path, metavar="DIR",
        help="store all outputs, one file for each variant and engine, to compare them on another machine; "
        "without a reference on this one, nothing else is done",
    )  # fmt: skip
    parser.add_argument(
        "--outputs",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="compare outputs that --save-outputs stored, and run nothing",
    )
    parser.add_argument(
        "--per-layer", type=Path, metavar="MODEL.keras",
        help="on a host, compare layer by layer with the Keras model and name the first layer that differs",
    )  # fmt: skip
    parser.add_argument(
        "--custom-objects", type=Path, metavar="FILE.py",
        help="with --per-layer: a Python file that defines the model's own layers and functions; it is run",
    )  # fmt: skip
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="with --per-layer: draw the comparison as .png or .svg"
    )
    parser.add_argument(
        "--margin", type=float, metavar="POINTS",
        help="the loss of accuracy that is allowed, at the upper 95 %% bound (default: the gate of the export)",
    )  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="exit with 4 where too few images cannot tell")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Compare a bundle with Keras, or two bundles with each other."""
    _check(args)
    from edgedigits.bundle import Bundle
    from edgedigits.manifest import GateChoice
    from edgedigits.verification.reference_data import load_reference_data

    loaded = [Bundle.load(place) for place in args.bundles or [None]]
    data = load_reference_data(loaded[0], args.data or loaded[0].manifest.reference.source)
    if args.per_layer:
        request = PerLayerRequest(args.per_layer, args.custom_objects, args.variant, args.picture, output_of(args))
        code: int = load_exporter_plugin("parity --per-layer", "cli.per_layer", "export").run(request, loaded[0], data)
        return code
    if args.margin is not None:
        manifest = loaded[0].manifest._replace(gate=GateChoice("accuracy", args.margin))
        loaded[0] = loaded[0]._replace(manifest=manifest)
    return _two(args, loaded, data) if len(loaded) > 1 else _one(args, loaded[0], data)


def _check(args: argparse.Namespace) -> None:
    output = output_of(args)
    output.refuse_existing()
    if len(args.bundles) > 2:
        raise UsageError(f"expected one bundle, or OLD and NEW, found {len(args.bundles)}")
    if len(args.bundles) > 1 and (args.save_outputs or args.outputs):
        raise UsageError("expected OLD NEW alone, or one bundle with --save-outputs or --outputs, found both")
    if args.per_layer and (len(args.bundles) > 1 or args.save_outputs or args.outputs or args.engine != "auto"):
        raise UsageError("--per-layer: expected one bundle and no OLD NEW, outputs or --engine with it, found more")
    if args.margin is not None and not 0 < args.margin < 100:
        raise UsageError(f"--margin: expected percentage points above 0 and below 100, found {args.margin:g}")
    if args.picture and not args.per_layer:
        raise UsageError("--picture draws the layers: expected --per-layer MODEL.keras with it, found none")
    if args.custom_objects and not args.per_layer:
        raise UsageError(
            "--custom-objects is for the Keras model: expected --per-layer MODEL.keras with it, found none"
        )
    if args.outputs and (args.save_outputs or args.variant or args.engine != "auto"):
        raise UsageError("--outputs runs nothing: expected no --save-outputs, --variant or --engine with it, found one")


def _one(args: argparse.Namespace, bundle: Bundle, data: Dataset) -> int:
    from edgedigits.cli.parity_text import last_words, remarks, tables
    from edgedigits.measure.machine import describe_machine
    from edgedigits.records import to_plain
    from edgedigits.verification.parity import compare_outputs, exit_code, explain_missing_reference

    here = to_plain(describe_machine())
    saved: list[str] = []
    if args.outputs:
        from edgedigits.verification.outputs import read_outputs

        rows = compare_outputs(bundle, [(path, read_outputs(path)) for path in args.outputs], data)
    else:
        rows = _measure(args, bundle, data, here, saved)
    why = explain_missing_reference(bundle, data)
    reference, code = bundle.manifest.reference, exit_code(rows, strict=args.strict)
    text = f"{bundle.manifest.name}, {len(data):,} images of {data.source}"
    text += f": nothing was compared: {why}" if why else f", {reference.of} {reference.accuracy.top1:.2%}\n\n"
    text += "" if why else tables(rows, here, reference.of)
    values = {"bundle": bundle.id, "data": data.source, "count": len(data), "machine": here}
    values |= {"reference": reference.of, "keras": to_plain(reference.accuracy)}
    passed = all(row.verdict is not None and row.verdict.outcome == "passed" for row in rows)
    values |= {"passed": None if why else passed, "not_compared": why, "saved": saved, "rows": to_plain(tuple(rows))}
    last = [] if why else ["", *last_words(rows, bundle.manifest.gate, args.bundles)]
    output_of(args).give(values, "\n".join([text, *remarks(rows), *(f"outputs: {place}" for place in saved), *last]))
    return code


def _measure(
    args: argparse.Namespace, bundle: Bundle, data: Dataset, here: dict[str, Any], saved: list[str]
) -> list[ParityRow]:
    """Run all files in all engines; the paths of stored outputs are added to ``saved``."""
    from edgedigits import __version__
    from edgedigits.console.chosen_files import choose_files
    from edgedigits.verification.outputs import SCHEMA, Header, Outputs, outputs_path, write_outputs
    from edgedigits.verification.parity import measure_parity, pairs

    def save(file: ModelFile, inferences: Inferences) -> None:
        header = Header(
            SCHEMA, bundle.id, file.path, file.sha256, inferences.engine, inferences.version, here,
            data.source, data.sha256(), len(data), __version__,
        )  # fmt: skip
        place = outputs_path(args.save_outputs, file.path, inferences.engine)
        write_outputs(Outputs(header, inferences.probabilities), place)
        saved.append(str(place))

    files, engines = choose_files(bundle, args.variant, args.engine)
    if args.save_outputs:
        for file, engine in pairs(files, engines):
            refuse_existing(outputs_path(args.save_outputs, file.path, engine), overwrite=args.overwrite)
    return measure_parity(bundle, files, engines, data, progress, args.threads, save if args.save_outputs else None)


def _two(args: argparse.Namespace, loaded: list[Bundle], data: Dataset) -> int:
    from edgedigits.engines import choose_engine
    from edgedigits.records import to_plain
    from edgedigits.verification.parity import compare_bundles

    engine = choose_engine(args.engine)[0]
    before, after, comparison = compare_bundles(loaded[0], loaded[1], args.variant, engine, data, args.threads)
    names = loaded[0].manifest.labels
    rows = [[str(f.index), names[f.label], names[f.before], names[f.after]] for f in comparison.flips]
    text = (
        f"{before.path} -> {after.path} in {engine}, {len(data)} images of {data.source}: {len(rows)} labels change, "
        f"accuracy {comparison.accuracy.top1:.2%} ({-comparison.drop:+.2f} percentage points)"
    )
    if rows:
        text += "\n\n" + table(["image", "label", "before", "after"], rows[:_SHOWN_FLIPS])
    if len(rows) > _SHOWN_FLIPS:
        text += f"\n... and {len(rows) - _SHOWN_FLIPS} more: --json lists all"
    values = {"old": loaded[0].id, "new": loaded[1].id, "engine": engine, "data": data.source}
    output_of(args).give(values | {"comparison": to_plain(comparison)}, text)
    return 0
