"""`edgedigits classify`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.options import add_model, add_output, check_output
from edgedigits.errors import EdgeDigitsError
from edgedigits.files import write_atomic
from edgedigits.quiet import quiet_descriptor

if TYPE_CHECKING:
    from edgedigits.classifier import DigitClassifier
    from edgedigits.prediction import Prediction


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="image files; - reads one from standard input")
    add_model(parser)
    parser.add_argument("--mnist", action="store_true", help="28x28 images follow MNIST's convention: feed them as is")
    parser.add_argument("--show", action="store_true", help="draw what the model was fed")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Classify every image; one that fails is told on stderr and does not stop the others."""
    check_output(args)
    from edgedigits.classifier import DigitClassifier

    with quiet_descriptor(2):
        loaded = DigitClassifier(args.bundle, args.variant, args.engine, args.threads)
    with loaded as classifier:
        answers = [_answer(classifier, name, args) for name in args.images]
    if args.output is not None:
        write_atomic(args.output, "".join(line + "\n" for line, _ in answers).encode())
    return max(code for _, code in answers)


def _answer(classifier: DigitClassifier, name: str, args: argparse.Namespace) -> tuple[str, int]:
    """Print one image's answer as it comes; returns its line of JSON and its exit code."""
    try:
        prediction = _classify(classifier, name, mnist=args.mnist)
    except EdgeDigitsError as error:
        print(f"edgedigits: {error}", file=sys.stderr)
        line = json.dumps({"source": name, "error": str(error)})
        if args.json:
            print(line, flush=True)
        return line, error.exit_code
    line = json.dumps(prediction.to_dict() | {"source": name})
    print(line if args.json else _text(name, prediction), flush=True)
    if args.show and not args.json:
        from edgedigits.cli.half_blocks import draw

        print(draw(prediction.fed))
    return line, 0


def _classify(classifier: DigitClassifier, name: str, *, mnist: bool) -> Prediction:
    return classifier.classify(sys.stdin.buffer.read() if name == "-" else Path(name), mnist=mnist)


def _text(name: str, prediction: Prediction) -> str:
    if prediction.digit is None:
        return f"{name}: no answer ({prediction.rejected})"
    doubt = f" (rejected: {prediction.rejected})" if prediction.rejected else ""
    return f"{name}: {prediction.label}  {prediction.confidence:.1%}{doubt}"
