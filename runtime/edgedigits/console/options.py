"""The options that several commands share."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgedigits.console.output import Output


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a model, a variant and an engine."""
    parser.add_argument(
        "--bundle",
        help="a shipped bundle's name, a path, or active for the one of edgedigits bundle activate (default: the small "
        "model in the package)",
    )
    add_engine(parser)
    add_signers(parser)


def add_signers(parser: argparse.ArgumentParser) -> None:
    """Add the options that refuse a bundle unless somebody signed it; see `edgedigits.console.signed`."""
    parser.add_argument(
        "--require-signature", type=Path, metavar="FILE",
        help="refuse a bundle that is not signed by somebody in this file of allowed signers (man ssh-keygen)",
    )  # fmt: skip
    parser.add_argument(
        "--revoked", type=Path, metavar="FILE", help="for --require-signature: keys that do not count any more"
    )


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose one variant and one engine, and its threads."""
    add_engine_choice(parser)
    parser.add_argument("--threads", type=int, default=1, help="threads of the engine (default: 1)")


def add_engine_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose one variant and one engine."""
    parser.add_argument("--variant", help="a precision, with or without .tflite or .onnx (default: int8)")
    parser.add_argument(
        "--engine", default="auto", help="litert, tflite-runtime or onnxruntime (default: the first installed)"
    )


def add_choice(parser: argparse.ArgumentParser, *, threads: bool = True) -> None:
    """Add the options that choose variants and engines, for commands that use all of them by default."""
    parser.add_argument("--variant", help="only this variant, with or without .tflite or .onnx (default: all)")
    parser.add_argument("--engine", default="auto", help="only this engine (default: all that are installed)")
    if threads:
        parser.add_argument("--threads", type=int, default=1, help="threads of the engine (default: 1)")


def add_shape(parser: argparse.ArgumentParser) -> None:
    """Add the option that says how long the free dimensions of a lone file's inputs are."""
    parser.add_argument(
        "--shape", action="append", default=[], metavar="NAME=NxN",
        help="the shape of an input with free dimensions, such as images=1x3x320x320; may be repeated",
    )  # fmt: skip


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the result goes."""
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="store the JSON in FILE")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")


def output_of(args: argparse.Namespace) -> Output:
    """Return what the options of `add_output` ask for."""
    return Output(args.json, args.output, args.overwrite)
