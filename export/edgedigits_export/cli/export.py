"""`edgedigits export`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.console.progress import progress
from edgedigits.console.tables import table
from edgedigits.errors import UsageError
from edgedigits.files import refuse_existing
from edgedigits.manifest import PRECISIONS, SUFFIXES, Format

if TYPE_CHECKING:
    from edgedigits.datasets import Dataset, Splits
    from edgedigits_export.bundle.job import ExportJob, Written
    from edgedigits_export.keras_model.frozen import FrozenModel

_DEFAULT = "float32,float16,dynamic-int8,int8"


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("model", metavar="MODEL.keras", type=Path, help="a Keras 3 classifier of images")
    parser.add_argument(
        "--calibration", required=True, metavar="DATA",
        help="mnist, a folder of label folders, or an .npz with images and labels; its training part sets int8 ranges",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="BUNDLE", help="the folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace BUNDLE if it is there")
    parser.add_argument(
        "--variants", default=_DEFAULT,
        help=f"comma-separated precisions of {', '.join(PRECISIONS)}, with .tflite or .onnx for one format alone "
        f"(default: {_DEFAULT})",
    )  # fmt: skip
    parser.add_argument("--opset", type=int, default=13, help="ONNX operator set (default: 13)")
    parser.add_argument("--calibration-samples", type=int, default=500, metavar="N", help="default: 500")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of calibration and golden images")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="one class name a line (default: the data's)")
    parser.add_argument("--name", help="the model's name in the bundle (default: from train.json or the file)")
    scaling = parser.add_argument_group("scaling, for a model without it inside: (pixel * scale - mean) / std")
    scaling.add_argument("--scale", type=float, default=1.0)
    scaling.add_argument("--mean", type=float, nargs="+", default=[0.0], help="one value, or one a channel")
    scaling.add_argument("--std", type=float, nargs="+", default=[1.0], help="one value, or one a channel")
    parser.add_argument("--without-reference", action="store_true", help="leave Keras' outputs out, for a small bundle")
    parser.add_argument("--json", action="store_true", help="print the manifest and nothing else")


def run(args: argparse.Namespace) -> int:
    """Export every variant; 1 when a gate fails on the validation images, 4 when they are too few for one to tell."""
    refuse_existing(args.output, overwrite=args.overwrite)
    variants = parse_variants(args.variants)
    from edgedigits_export.bundle.build import build_bundle

    plan = _plan(args, variants)
    written = build_bundle(plan, args.output, overwrite=args.overwrite, progress=progress)
    manifest = args.output / "manifest.json"
    print(json.dumps(json.loads(manifest.read_text())) if args.json else _text(args.output, plan, written))
    return written.exit_code


def parse_variants(text: str) -> tuple[tuple[str, Format], ...]:
    """``float32,int8.onnx`` to precisions with formats; without one, every format that has the precision.

    Raises
    ------
    UsageError: a name that is none, or a precision that the format does not have.

    """
    from edgedigits.bundle import split_variant
    from edgedigits_export.bundle.job import ONNX_PRECISIONS

    found: list[tuple[str, Format]] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        precision, format_ = split_variant(word)
        if format_ == "onnx" and precision not in ONNX_PRECISIONS:
            raise UsageError(f"variant {word}: expected {' or '.join(ONNX_PRECISIONS)} for ONNX, found {precision}")
        formats = [format_] if format_ else [f for f in SUFFIXES if f == "tflite" or precision in ONNX_PRECISIONS]
        found += [(precision, one) for one in formats]
    if not found:
        raise UsageError(f"--variants: expected at least one of {', '.join(PRECISIONS)}, found {text!r}")
    return tuple(dict.fromkeys(found))


def _plan(args: argparse.Namespace, variants: tuple[tuple[str, Format], ...]) -> ExportJob:
    from edgedigits_export.bundle.calibration import choose_calibration
    from edgedigits_export.bundle.job import ExportJob
    from edgedigits_export.keras_model.calibrated import calibrate_confidence
    from edgedigits_export.keras_model.frozen import Scaling, freeze, load_keras

    frozen = freeze(load_keras(args.model), Scaling(args.scale, tuple(args.mean), tuple(args.std)))
    splits = _data(args.calibration, frozen)
    training = _training(args.model)
    labels = _labels(args.labels, splits.train, frozen.classes)
    progress("fitting the temperature of its confidence")
    return ExportJob(
        name=args.name or _name(args.model, training),
        frozen=frozen,
        confidence=calibrate_confidence(frozen, splits.validation),
        labels=labels,
        variants=variants,
        opset=args.opset,
        calibration=choose_calibration(splits.train, args.calibration_samples, args.seed),
        calibration_sha256=splits.train.sha256(),
        golden_pool=splits.train,
        validation=splits.validation,
        reference=splits.test,
        training=training,
        seed=args.seed,
        keep_reference=not args.without_reference,
    )


def _data(place: str, frozen: FrozenModel) -> Splits:
    from edgedigits.datasets import load_splits
    from edgedigits.errors import DatasetError
    from edgedigits.images.decode import read_pixels
    from edgedigits.images.resize import resize

    height, width, channels = frozen.input_shape

    def keras_mnist() -> Any:
        import keras

        return keras.datasets.mnist.load_data()

    def prepare(path: Path) -> Any:
        return resize(read_pixels(path, channels), height, width)

    splits = load_splits(place, prepare, keras_loader=keras_mnist)
    if splits.train.images.shape[1:] != frozen.input_shape:
        raise DatasetError(
            f"{place}: expected images {list(frozen.input_shape)} for this model, "
            f"found {list(splits.train.images.shape[1:])}; give data of the model's size"
        )
    return splits


def _labels(file: Path | None, data: Dataset, classes: int) -> tuple[str, ...]:
    labels, origin = data.names, data.source
    if file is not None:
        try:
            labels, origin = tuple(filter(None, map(str.strip, file.read_text().splitlines()))), str(file)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{file}: expected a text file with one label a line, found: {error}") from error
    if labels != data.names and sorted(labels) == sorted(data.names):
        raise UsageError(
            f"{origin}: expected the labels in the data's order, {', '.join(data.names[:3])}, found "
            f"{', '.join(labels[:3])}; label numbers count in the order of {data.source}"
        )
    if len(labels) != classes:
        raise UsageError(f"{origin}: expected {classes} labels, one a class, found {len(labels)}; see --labels")
    return labels


def _training(model: Path) -> dict[str, Any] | None:
    """The trainer's record beside the model, without what another run of the same would not repeat, and its bulk."""
    for file in (model.with_suffix(".train.json"), model.with_name("train.json")):
        try:
            record = dict(json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            continue
        return {key: value for key, value in record.items() if key not in {"history", "seconds"}}
    return None


def _name(model: Path, training: dict[str, Any] | None) -> str:
    told = (training or {}).get("config", {}).get("model")
    stem = told or (model.resolve().parent.name if model.stem == "model" else model.stem)
    return "".join(letter if letter.isalnum() or letter in "_-" else "-" for letter in stem).lstrip("-") or "model"


def _text(output: Path, plan: ExportJob, written: Written) -> str:
    from edgedigits.cli.show import confidence_line

    rows = [
        [
            one.file.path,
            f"{one.file.bytes:,}",
            f"{one.comparison.accuracy.top1:.2%}",
            f"{one.comparison.drop:+.2f}",
            f"{one.comparison.drop_ci95[1]:+.2f}",
            str(len(one.comparison.flips)),
            f"{one.comparison.max_abs_difference:.1e}",
            one.verdict.outcome.upper() if one.verdict.reasons else one.verdict.outcome,
        ]
        for one in written.exported
    ]
    judged = f"on {len(plan.validation)} validation images"
    remarks = [
        f"{one.file.path}, {judged}: {'; '.join(one.verdict.reasons)}"
        for one in written.exported
        if one.verdict.reasons
    ]
    if written.blind:
        remarks.append(
            f"Keras itself answers only {written.keras.top1:.1%} of them, and a guess {written.guess:.1%}: are they of "
            "the model's scale (--scale), polarity and order of labels? Nothing here is proved"
        )
    outcomes = {one.verdict.outcome for one in written.exported}
    if "failed" in outcomes:
        remarks.append("the bundle is written; leave a variant out with --variants, or give --calibration-samples more")
    if "undecided" in outcomes:
        remarks.append(
            "the bundle is written; give more images with --calibration: a tenth of them is what gates look at"
        )
    remarks.append(confidence_line(plan.confidence))
    head = ["file", "bytes", "accuracy", "drop", "at most", "flips", "max |Δ|", "gate"]
    title = f"{output}: {plan.name}, {len(plan.reference)} images of {plan.reference.source} against Keras"
    return "\n".join([title, "", table(head, rows), *remarks])
