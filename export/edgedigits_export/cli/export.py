"""The command `edgedigits export`: its options, and the table of its results."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from edgedigits.console.confidence import confidence_line
from edgedigits.console.progress import progress
from edgedigits.console.tables import table
from edgedigits.errors import UsageError
from edgedigits.files import refuse_existing
from edgedigits.manifest import PRECISIONS, SUFFIXES

if TYPE_CHECKING:
    from edgedigits.manifest import Format, Precision
    from edgedigits_export.bundle.evaluate import ExportEvaluation, FileEvaluation
    from edgedigits_export.bundle.job import ExportJob, ExportRequest
    from edgedigits_export.convert.variants import Variant

_DEFAULT = "float32,float16,dynamic-int8,int8"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("model", metavar="MODEL.keras", type=Path, help="a Keras 3 classifier of images")
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
    scaling = parser.add_argument_group(
        "scaling, for a model that does not scale pixels itself: (pixel * scale - mean) / std"
    )
    scaling.add_argument("--scale", type=float, default=1.0, help="the factor of each pixel (default: 1)")
    scaling.add_argument(
        "--mean", type=float, nargs="+", default=[0.0], help="one value, or one for each channel (default: 0)"
    )
    scaling.add_argument(
        "--std", type=float, nargs="+", default=[1.0], help="one value, or one for each channel (default: 1)"
    )
    parser.add_argument(
        "--without-reference", action="store_true", help="leave out Keras' outputs, which makes the bundle smaller"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest and nothing else")


def run(args: argparse.Namespace) -> int:
    """Export every variant; return 1 when a gate fails on the validation images, 4 when they are too few for one."""
    refuse_existing(args.output, overwrite=args.overwrite)
    request = _request(args)
    from edgedigits_export.bundle.build import build_bundle
    from edgedigits_export.bundle.prepare import prepare_job

    job = prepare_job(request, progress)
    evaluation = build_bundle(job, args.output, overwrite=args.overwrite, progress=progress)
    manifest = args.output / "manifest.json"
    print(json.dumps(json.loads(manifest.read_text())) if args.json else _text(args.output, job, evaluation))
    return evaluation.exit_code


def _request(args: argparse.Namespace) -> ExportRequest:
    variants = parse_variants(args.variants)
    from edgedigits_export.bundle.job import ExportRequest
    from edgedigits_export.keras_model.frozen import Scaling

    return ExportRequest(
        model=args.model,
        scaling=Scaling(args.scale, tuple(args.mean), tuple(args.std)),
        data=args.calibration,
        variants=variants,
        opset=args.opset,
        calibration_samples=args.calibration_samples,
        seed=args.seed,
        labels=args.labels,
        name=args.name,
        keep_reference=not args.without_reference,
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


def _text(output: Path, job: ExportJob, evaluation: ExportEvaluation) -> str:
    head = ["file", "bytes", "accuracy", "drop", "at most", "flips", "max |Δ|", "gate"]
    title = f"{output}: {job.name}, {len(job.reference)} images of {job.reference.source} against Keras"
    rows = table(head, [_row(file) for file in evaluation.files])
    return "\n".join([title, "", rows, *_remarks(job, evaluation), confidence_line(job.model.confidence)])


def _row(file: FileEvaluation) -> list[str]:
    figures, verdict = file.comparison, file.verdict
    return [
        file.name, f"{len(file.converted.data):,}", f"{figures.accuracy.top1:.2%}", f"{figures.drop:+.2f}",
        f"{figures.drop_ci95[1]:+.2f}", str(len(figures.flips)), f"{figures.max_abs_difference:.1e}",
        verdict.outcome.upper() if verdict.reasons else verdict.outcome,
    ]  # fmt: skip


def _remarks(job: ExportJob, evaluation: ExportEvaluation) -> list[str]:
    """Return one line for each verdict that is not passed, and what to do about it."""
    remarks = [
        f"{file.name}, on {len(job.validation)} validation images: {'; '.join(file.verdict.reasons)}"
        for file in evaluation.files
        if file.verdict.reasons
    ]
    if evaluation.near_chance:
        remarks.append(
            f"Keras itself classifies only {evaluation.keras_validation.top1:.1%} of them rightly, and the commonest "
            f"label is {evaluation.majority_share:.1%}: check the model's scale (--scale), polarity and order of "
            "labels. Agreement with Keras means nothing here"
        )
    outcomes = {file.verdict.outcome for file in evaluation.files}
    if "failed" in outcomes:
        remarks.append("the bundle is written; leave a variant out with --variants, or give more --calibration-samples")
    if "undecided" in outcomes:
        remarks.append("the bundle is written; give more images with --calibration: the gates judge on a tenth of them")
    return remarks
