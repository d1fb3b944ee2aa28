"""The command `edgedigits eval`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from edgedigits.console.options import add_model, add_output, output_of
from edgedigits.console.progress import note
from edgedigits.console.signed import model_options
from edgedigits.console.tables import table
from edgedigits.quiet import quiet_descriptor


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "folder", metavar="DIR", type=Path,
        help="a folder with one sub-folder for each label, and 'none' for images to be rejected",
    )  # fmt: skip
    add_model(parser)
    parser.add_argument(
        "--mnist", action="store_true", help="28x28 images follow MNIST's convention: use them as they are"
    )
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Classify every image and print the accuracy."""
    output = output_of(args)
    output.refuse_existing()
    from edgedigits.classifier import DigitClassifier
    from edgedigits.evaluation import evaluate

    with quiet_descriptor(2):
        loaded = DigitClassifier(**model_options(args))
    with loaded as classifier:
        result = evaluate(classifier, args.folder, mnist=args.mnist)
        for error in result.errors:
            note(f"edgedigits: {error}")
        values = result.to_dict()
    classes = values["per_class"].items()
    rows = [[label, str(row["n"]), _share(row["top1"]), str(row["rejected"])] for label, row in classes]
    text = _summary(values) + "\n\n" + table(["label", "images", "top-1", "rejected"], rows)
    output.give(values, text)
    return 2 if result.errors else 0


def _summary(values: dict[str, Any]) -> str:
    return (
        f"{values['n']} images, top-1 {_share(values['top1'])} "
        f"({_share(values['top1_unrejected'])} not counting rejection); "
        f"{values['rejected']} rejected, {values['rejected_wrongly']} of them wrongly; "
        f"{values['accepted_wrongly']} accepted wrongly; {values['unreadable']} unreadable"
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"
