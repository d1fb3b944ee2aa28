"""The command `edgedigits show`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.console.confidence import confidence_line
from edgedigits.console.options import add_output, output_of
from edgedigits.console.tables import table

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.manifest import Manifest, ModelFile, TensorInfo


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="BUNDLE|FILE",
        help="a bundle, or a .tflite or .onnx file (default: the bundle in the package)",
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Print the model card of a bundle or of a model file."""
    output = output_of(args)
    output.refuse_existing()
    from edgedigits.bundle import Bundle
    from edgedigits.model import is_model_file

    if args.model is not None and is_model_file(args.model):
        values, text = _file_card(Path(args.model))
    else:
        bundle = Bundle.load(args.model)
        values, text = _bundle_card(bundle)
    output.give(values, text)
    return 0


def _bundle_card(bundle: Bundle) -> tuple[dict[str, Any], str]:
    from edgedigits.records import to_plain

    for file in bundle.manifest.files:
        bundle.read(file)  # a bundle with a file that does not load gets no card
    manifest = bundle.manifest
    reference = manifest.reference
    lines = [
        f"{manifest.name}  {_parameters(manifest)}made {manifest.created}, id {manifest.id[:12]}",
        *_tensors(manifest),
        f"{reference.of} {reference.accuracy.top1:.2%} of {reference.accuracy.count} ({reference.source})",
        "",
        table(["file", "bytes", "accuracy", "95 % interval", "flips", "needs"], [_row(f) for f in manifest.files]),
        "",
        confidence_line(manifest.confidence),
        *_left_out(manifest),
        *_calibration(manifest),
        f"golden inputs: {manifest.golden.file.count}, with outputs of "
        + ", ".join(f"{reference.engine} {reference.version}" for reference in manifest.golden.reference_engines),
        f"made with {', '.join(f'{name} {version}' for name, version in sorted(manifest.tools.items()))}",
        *_provenance(manifest),
    ]
    return to_plain(manifest), "\n".join(lines)


def _parameters(manifest: Manifest) -> str:
    return "a finished file, " if manifest.parameters is None else f"{manifest.parameters:,} parameters, "


def _left_out(manifest: Manifest) -> list[str]:
    return [f"left out: {one.variant}: {one.reason}" for one in manifest.left_out]


def _calibration(manifest: Manifest) -> list[str]:
    used = manifest.calibration
    return [] if used is None else [f"calibrated on {used.count} images of {used.source}, seed {used.seed}"]


def _tensors(manifest: Manifest) -> tuple[str, str]:
    """Return a line for the input and one for the output."""
    height, width, channels = manifest.image
    labels = ", ".join(manifest.labels)
    if manifest.task == "locate":
        return (
            f"in   image          uint8 [1, H, W, {channels}] of any multiples of 8; {manifest.preprocessing.id}",
            f"out  probabilities  float32 [1, H/8, W/8, ...], maps of scores and boxes: {labels}",
        )
    return (
        f"in   image          uint8 [N, {height}, {width}, {channels}], raw pixels; {manifest.preprocessing.id}",
        f"out  probabilities  float32 [N, {len(manifest.labels)}]: {labels}",
    )


def _row(file: ModelFile) -> list[str]:
    low, high = file.accuracy.ci95
    return [
        file.path, f"{file.bytes:,}", f"{file.accuracy.top1:.2%}", f"{low:.2%} to {high:.2%}",
        str(file.parity.flips), _needs(file),
    ]  # fmt: skip


def _needs(file: ModelFile) -> str:
    needs = file.requirements
    engines = [f"{name} >= {release}" for name, release in sorted(needs.engines.items())]
    if file.format == "onnx":
        return ", ".join([*engines, f"opset {needs.opset}, IR {needs.ir_version}"])
    newest = [f"{name} v{version}" for name, version in sorted(needs.operators.items()) if version > 1]
    return ", ".join(engines or newest) or "any"


def _provenance(manifest: Manifest) -> list[str]:
    if manifest.training is None:
        return ["training: unknown, since the model came without a train.json"]
    # This record comes from whoever trained the model, so that nothing is certain about its types.
    config, validation = (_object(manifest.training.get(key)) for key in ("config", "validation"))
    settings = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in config.items())
    share = validation.get("accuracy")
    accuracy = f"; validation {share:.2%}" if isinstance(share, float) else ""
    return [f"trained with {settings or 'an unknown configuration'}{accuracy}"]


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _file_card(path: Path) -> tuple[dict[str, Any], str]:
    from edgedigits.engines import choose_engine
    from edgedigits.engines.inspect import inspect_isolated
    from edgedigits.model import lone_model
    from edgedigits.records import to_plain

    model = lone_model(path)
    found = inspect_isolated(path, choose_engine("auto", model.format)[0])
    values = {
        "file": str(path), "bytes": len(model.data), "sha256": model.sha256, "format": model.format,
        "inputs": to_plain(found.inputs), "outputs": to_plain(found.outputs),
        "engine": {"name": found.engine, "version": found.version},
    }  # fmt: skip
    lines = [
        f"{path}  {len(model.data):,} bytes, sha256 {model.sha256[:12]}, loads in {found.engine} {found.version}",
        *[f"in   {_tensor(one)}" for one in found.inputs],
        *[f"out  {_tensor(one)}" for one in found.outputs],
        "a file without a bundle: labels, accuracy and golden outputs are not known",
    ]
    return values, "\n".join(lines)


def _tensor(info: TensorInfo) -> str:
    from edgedigits.input_shapes import dimensions

    quantized = "" if info.scale is None else f", scale {info.scale:g}, zero point {info.zero_point}"
    return f"{info.name}  {info.dtype} {dimensions(info.shape)}{quantized}"
