"""Options and outputs that several verbs share."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgedigits.files import refuse_existing, write_atomic


def add_model(parser: argparse.ArgumentParser) -> None:
    """Which model runs, and how."""
    parser.add_argument("--bundle", help="a shipped bundle's name or a path (default: the small model in the package)")
    add_engine(parser)


def add_engine(parser: argparse.ArgumentParser) -> None:
    """Which variant runs in which engine."""
    parser.add_argument("--variant", help="a precision, with or without .tflite or .onnx (default: int8)")
    parser.add_argument("--engine", default="auto", help="litert, tflite or onnxruntime (default: the first installed)")
    parser.add_argument("--threads", type=int, default=1, help="threads of the engine (default: 1)")


def add_choice(parser: argparse.ArgumentParser, *, threads: bool = True) -> None:
    """Which variants run in which engines, for verbs that work on all of them by default."""
    parser.add_argument("--variant", help="only this variant, with or without .tflite or .onnx (default: all)")
    parser.add_argument("--engine", default="auto", help="only this engine (default: all that are installed)")
    if threads:
        parser.add_argument("--threads", type=int, default=1, help="threads of the engine (default: 1)")


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where the answer goes."""
    parser.add_argument("--json", action="store_true", help="print JSON and nothing else")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="store the JSON in FILE")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")


def check_output(args: argparse.Namespace) -> None:
    """Refuse, before the work starts, to replace a file.

    Raises
    ------
    OutputError: it is there and ``--overwrite`` was not said.

    """
    if args.output is not None:
        refuse_existing(args.output, overwrite=args.overwrite)


def give(args: argparse.Namespace, result: dict[str, Any], text: str) -> None:
    """Print a result, as JSON or for eyes, and store it where asked.

    Raises
    ------
    OutputError: the file cannot be written.

    """
    sayable = _without_nan(result)
    if args.output is not None:
        write_atomic(args.output, (json.dumps(sayable, indent=1) + "\n").encode())
    print(json.dumps(sayable) if args.json else text)


def _without_nan(value: Any) -> Any:
    """JSON has no NaN and no infinity: null, so that every reader can read on."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def progress(text: str) -> None:
    """A line about work in progress."""
    print(text, file=sys.stderr)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns that read without colour: text to the left, numbers to the right."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    right = [bool(rows) and all(_is_number(row[i]) for row in rows) for i in range(len(head))]

    def line(row: list[str]) -> str:
        return "  ".join(f"{c:>{w}}" if r else f"{c:<{w}}" for c, w, r in zip(row, widths, right, strict=True)).rstrip()

    return "\n".join([line(cells[0]), "  ".join("-" * width for width in widths), *map(line, cells[1:])])


def _is_number(text: str) -> bool:
    return text[:1].isdigit() or text[:1] in {"-", "+", ""} or text == "–"
