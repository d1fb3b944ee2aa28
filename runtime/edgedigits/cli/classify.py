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

    lines, worst = [], 0
    with quiet_descriptor(2):
        loaded = DigitClassifier(args.bundle, args.variant, args.engine, args.threads)
    with loaded as classifier:
        for name in args.images:
            try:
                prediction = _classify(classifier, name, mnist=args.mnist)
            except EdgeDigitsError as error:
                worst = max(worst, error.exit_code)
                print(f"edgedigits: {error}", file=sys.stderr)
                lines.append(json.dumps({"source": name, "error": str(error)}))
                if args.json:
                    print(lines[-1], flush=True)
                continue
            lines.append(json.dumps(prediction.to_dict() | {"source": name}))
            print(lines[-1] if args.json else _text(name, prediction), flush=True)
            if args.show and not args.json:
                from edgedigits.cli.half_blocks import draw

                print(draw(prediction.fed))
    if args.output is not None:
        write_atomic(args.output, ("\n".join(lines) + "\n").encode())
    return worst


def _classify(classifier: DigitClassifier, name: str, *, mnist: bool) -> Prediction:
    return classifier.classify(sys.stdin.buffer.read() if name == "-" else Path(name), mnist=mnist)


def _text(name: str, prediction: Prediction) -> str:
    if prediction.digit is None:
        return f"{name}: no answer ({prediction.rejected})"
    doubt = f" (rejected: {prediction.rejected})" if prediction.rejected else ""
    return f"{name}: {prediction.label}  {prediction.confidence:.1%}{doubt}"
