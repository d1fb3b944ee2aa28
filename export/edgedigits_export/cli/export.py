"""The command `edgedigits export`: its options and its run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from edgedigits.console.progress import clear_progress, note, progress
from edgedigits.errors import UsageError
from edgedigits.manifest import PRECISIONS, SUFFIXES, GateChoice
from edgedigits_export.bundle.replace import refuse_to_replace

if TYPE_CHECKING:
    from edgedigits.manifest import Format, Precision
    from edgedigits_export.bundle.job import ExportRequest
    from edgedigits_export.convert.variants import Variant

_DEFAULT = "float32,float16,dynamic-int8,int8"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "model", metavar="MODEL", type=Path,
        help="a Keras classifier of images (.keras, .h5, or a SavedModel's folder), or a finished .tflite or .onnx "
        "file, which is wrapped as it is",
    )  # fmt: skip
    parser.add_argument(
        "--custom-objects", type=Path, metavar="FILE.py",
        help="a Python file that defines the model's own layers and functions; it is run",
    )  # fmt: skip
    parser.add_argument(
        "--calibration", required=True, metavar="DATA",
        help="mnist, a folder of label folders, or an .npz with images and labels; its training part sets the ranges "
        "of int8 files",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="BUNDLE", help="the folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace BUNDLE if it exists")
    parser.add_argument(
        "--variants", default=_DEFAULT,
        help=f"comma-separated precisions out of {', '.join(PRECISIONS)}, each with .tflite or .onnx for that format "
        f"alone (default: {_DEFAULT})",
    )  # fmt: skip
    parser.add_argument("--opset", type=int, default=13, help="the ONNX operator set (default: 13)")
    parser.add_argument(
        "--calibration-samples", type=int, default=500, metavar="N",
        help="the number of images that set the ranges of int8 files (default: 500)",
    )  # fmt: skip
    parser.add_argument(
        "--seed", type=int, default=0, help="the seed of the choice of calibration and golden images (default: 0)"
    )
    parser.add_argument(
        "--labels", type=Path, metavar="FILE", help="a text file with one label a line (default: the data's labels)"
    )
    parser.add_argument(
        "--name", help="the model's name in the bundle (default: the name in train.json, or that of the file)"
    )
    parser.add_argument(
        "--input-size", type=_size, metavar="HxW", help="height and width of images, where the model leaves them free"
    )
    parser.add_argument(
        "--layout",
        choices=("NHWC", "NCHW"),
        help="the order of the axes of a finished file, where its input does not tell",
    )
    parser.add_argument(
        "--preprocess", choices=("digit", "resize"),
        help="how pictures become the model's pixels: digit finds the digit in them, resize brings them to the model's "
        "size (default: digit for what edgedigits trained on MNIST, else resize)",
    )  # fmt: skip
    scaling = parser.add_argument_group(
        "scaling, for a model that does not scale pixels itself",
        "(pixel * scale - mean) / std. Where none is said, the model is asked on the data whether it takes raw pixels.",
    )
    scaling.add_argument(
        "--scale", type=_number, metavar="FACTOR", help="the factor of each pixel, such as 1/255; 1 for raw pixels"
    )
    scaling.add_argument("--mean", type=float, nargs="+", help="one value, or one for each channel (default: 0)")
    scaling.add_argument("--std", type=float, nargs="+", help="one value, or one for each channel (default: 1)")
    scaling.add_argument("--bgr", action="store_true", help="the model takes blue first, as OpenCV reads pictures")
    gate = parser.add_argument_group("gate, which each variant has to pass")
    gate.add_argument(
        "--margin", type=float, default=0.5, metavar="POINTS",
        help="the loss of accuracy against Keras that is allowed, at the upper 95 %% bound (default: 0.5)",
    )  # fmt: skip
    gate.add_argument(
        "--gate", choices=("accuracy", "shipped"), default="accuracy",
        help="accuracy: the margin decides; shipped: the limits of this package's own models, on every answer",
    )  # fmt: skip
    gate.add_argument(
        "--no-repair",
        action="store_true",
        help="leave int8 files outside the margin as they are (default: other ranges, then the most harmful operators "
        "in float, until the loss is within it)",
    )
    gate.add_argument(
        "--runs-on",
        default="",
        metavar="TARGETS",
        help="boards or engines that a repaired file has to run on, such as pi3,pi4,tflite-runtime==2.14.0",
    )
    gate.add_argument(
        "--measure", action="store_true", help="of repaired files, take the fastest on this machine, not the smallest"
    )  # fmt: skip
    gate.add_argument("--strict", action="store_true", help="exit with 4 where too few images cannot tell")
    parser.add_argument(
        "--without-reference", action="store_true", help="leave out Keras' outputs, which makes the bundle smaller"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest and nothing else")


def _number(text: str) -> float:
    """Return ``0.5`` or ``1/255`` as a number."""
    above, slash, below = text.partition("/")
    try:
        return float(above) / float(below) if slash else float(above)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(f"expected a number such as 0.5 or 1/255, found {text!r}") from error


def _size(text: str) -> tuple[int, int]:
    """Return ``224x160`` as height and width."""
    height, cross, width = text.partition("x")
    sides = (height, width if cross else height)
    if not all(side.isdecimal() and int(side) for side in sides):
        raise argparse.ArgumentTypeError(f"expected height and width such as 224x160, found {text!r}")
    return int(sides[0]), int(sides[1])


def run(args: argparse.Namespace) -> int:
    """Export every variant; return 1 when one fails or is left out, 4 where ``--strict`` and too few images tell."""
    refuse_to_replace(args.output, overwrite=args.overwrite)
    request = _request(args)
    from edgedigits_export.bundle.build import build_bundle
    from edgedigits_export.bundle.prepare import prepare_job
    from edgedigits_export.cli.export_results import results_text

    job = prepare_job(request, progress, note)
    evaluation = build_bundle(job, args.output, overwrite=args.overwrite, progress=progress)
    manifest = args.output / "manifest.json"
    clear_progress()
    print(json.dumps(json.loads(manifest.read_text())) if args.json else results_text(args.output, job, evaluation))
    return evaluation.exit_code(strict=args.strict)


def _request(args: argparse.Namespace) -> ExportRequest:
    variants = parse_variants(args.variants)
    from edgedigits_export.bundle.job import ExportRequest, RepairChoice
    from edgedigits_export.bundle.naming import require_name
    from edgedigits_export.compat.runs_on import parse_runs_on
    from edgedigits_export.keras_model.scaling import Scaling

    if args.name is not None:
        require_name(args.name)
    if not 0 < args.margin < 100:
        raise UsageError(f"--margin: expected percentage points above 0 and below 100, found {args.margin:g}")
    if args.seed < 0:
        raise UsageError(f"--seed: expected 0 or more, found {args.seed}")
    runs_on = parse_runs_on(args.runs_on)
    if args.no_repair and (runs_on or args.measure):
        raise UsageError("--no-repair: nothing is repaired for --runs-on or --measure; leave one of them out")
    said = args.bgr or any(value is not None for value in (args.scale, args.mean, args.std))
    scale = 1.0 if args.scale is None else args.scale
    return ExportRequest(
        model=args.model,
        custom_objects=args.custom_objects,
        input_size=args.input_size,
        layout=args.layout,
        scaling=Scaling(scale, tuple(args.mean or (0.0,)), tuple(args.std or (1.0,)), args.bgr) if said else None,
        scale_was_said=args.scale is not None,
        preprocess=args.preprocess,
        gate=GateChoice(args.gate, args.margin),
        data=args.calibration,
        variants=variants,
        opset=args.opset,
        calibration_samples=args.calibration_samples,
        seed=args.seed,
        labels=args.labels,
        name=args.name,
        keep_reference=not args.without_reference,
        repair=None if args.no_repair else RepairChoice(runs_on, args.measure),
    )


def parse_variants(text: str) -> tuple[Variant, ...]:
    """Parse ``float32,int8.onnx``; a precision without a format stands for every format that has it.

    Raises
    ------
    BundleError: a name is no precision.
    UsageError: a format does not have a precision, or there are no variants.

    """
    from edgedigits.bundle import split_variant
    from edgedigits_export.convert.variants import ONNX_PRECISIONS, Variant

    found: list[Variant] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        name, format_ = split_variant(word)
        precision = cast("Precision", name)
        if format_ == "onnx" and precision not in ONNX_PRECISIONS:
            raise UsageError(f"variant {word}: expected {' or '.join(ONNX_PRECISIONS)} for ONNX, found {precision}")
        formats: list[Format] = [format_] if format_ else list(SUFFIXES)
        found += [Variant(precision, one) for one in formats if one == "tflite" or precision in ONNX_PRECISIONS]
    if not found:
        raise UsageError(f"--variants: expected at least one of {', '.join(PRECISIONS)}, found {text!r}")
    return tuple(dict.fromkeys(found))
