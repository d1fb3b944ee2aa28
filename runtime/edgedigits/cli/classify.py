"""The command `edgedigits classify`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.batch import add_images, process_batch, write_stages
from edgedigits.console.options import add_model, add_output, output_of
from edgedigits.console.signed import model_options
from edgedigits.errors import UsageError
from edgedigits.files import refuse_existing
from edgedigits.printable import printable
from edgedigits.quiet import quiet_descriptor

if TYPE_CHECKING:
    from edgedigits.classifier import DigitClassifier
    from edgedigits.images.decode import ImageSource
    from edgedigits.prediction import Prediction

_WHY = {"not_digit_like": "hardly looks like a digit", "ambiguous": "two digits are about as likely"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_images(parser)
    add_model(parser)
    parser.add_argument(
        "--mnist", action="store_true", help="28x28 images follow MNIST's convention: use them as they are"
    )
    parser.add_argument("--show", action="store_true", help="draw the model input in the terminal")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Classify every image."""
    output = output_of(args)
    output.refuse_existing()
    if args.explain is not None:
        refuse_existing(args.explain, overwrite=args.overwrite)
    from edgedigits.classifier import DigitClassifier

    with quiet_descriptor(2):
        loaded = DigitClassifier(**model_options(args))
    with loaded as classifier:
        if args.explain is not None and classifier.pipeline != "digit/2":
            raise UsageError(f"--explain: expected a model of digits, found the pipeline {classifier.pipeline}")

        def process(name: str, picture: ImageSource) -> tuple[dict[str, Any], str]:
            prediction = classifier.classify(picture, mnist=args.mnist)
            if args.explain is not None:
                _explain(args.explain, name, classifier, prediction)
            return prediction.to_dict(), _text(name, prediction, draw=args.show and not args.json)

        return process_batch(args, process)


def _explain(folder: Path, name: str, classifier: DigitClassifier, prediction: Prediction) -> None:
    """Write the stages of one image and, last, the image with its label."""
    from edgedigits.images.explain import explain

    stages = explain(classifier.locator, prediction.pixels[..., 0], [prediction.model_input], one=True)
    write_stages(folder, name, [*stages, ("5-answer", prediction.annotate())])


def _text(name: str, prediction: Prediction, *, draw: bool) -> str:
    drawn = ""
    if draw:
        from edgedigits.cli.half_blocks import draw as half_blocks

        drawn = "\n" + half_blocks(prediction.model_input)
    return printable(_line(name, prediction)) + drawn


def _line(name: str, prediction: Prediction) -> str:
    rejection = prediction.rejection
    if rejection is None:
        return f"{name}: {prediction.label}  {prediction.confidence:.1%}"
    if rejection.reason == "several_digits":
        return f"{name}: more than one digit; read them with: edgedigits read {name}"
    if rejection.reason == "no_digit":
        return f"{name}: no digit found"
    return f"{name}: {prediction.label}  {prediction.confidence:.1%} (refused: {_WHY[rejection.reason]})"
