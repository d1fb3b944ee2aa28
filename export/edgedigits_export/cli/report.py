"""The command `edgedigits report`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.console.progress import clear_progress, progress
from edgedigits.errors import UsageError
from edgedigits.files import refuse_existing, write_atomic
from edgedigits.printable import printable

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle

_RECORD = "train.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    # What argparse makes of one or two places reads like a riddle.
    parser.usage = "%(prog)s [RUN] BUNDLE -o FILE [--overwrite] [--parity FILE] [--bench FILE]"
    parser.add_argument(
        "places", nargs="+", metavar="[RUN] BUNDLE",
        help="a bundle; and the folder that train wrote, if the model was trained here",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument("--parity", type=Path, metavar="FILE", help="what parity -o stored (default: run parity now)")
    parser.add_argument("--bench", type=Path, metavar="FILE", help="what bench -o stored (default: run bench now)")


def run(args: argparse.Namespace) -> int:
    """Write one page that needs no other file."""
    refuse_existing(args.output, overwrite=args.overwrite)
    folder, place = _told_apart(args.places)
    from edgedigits_export.report.figures import measure_figures, read_figures, read_record
    from edgedigits_export.report.page import Report, TrainingRun, choice_of, render

    bundle = _classifier(place)
    trained = TrainingRun(folder, read_record(folder)) if folder else None
    parity = None
    if args.parity:
        parity = read_figures(args.parity, bundle)
    elif bundle.manifest.reference.file is not None:
        parity = measure_figures("parity", bundle, progress)
    bench = read_figures(args.bench, bundle) if args.bench else measure_figures("bench", bundle, progress)
    report = Report(trained, bundle, parity, bench)
    page = render(report).encode()
    write_atomic(args.output, page)
    clear_progress()
    print(f"{_accuracies(bundle)}\n{choice_of(report).sentence}")
    print(f"{printable(str(args.output))}: {len(page) / 1e6:.1f} MB, open it in a browser")
    return 0


def _accuracies(bundle: Bundle) -> str:
    """Return a line with the accuracy of the reference and of the files, on the images of the export."""
    reference, found = bundle.manifest.reference, [file.accuracy.top1 for file in bundle.manifest.files]
    spread = f"{min(found):.2%}" if min(found) == max(found) else f"{min(found):.2%} to {max(found):.2%}"
    files = f"{len(found)} file{'' if len(found) == 1 else 's'}"
    return (
        f"{reference.of} has {reference.accuracy.top1:.2%} of {reference.accuracy.count:,} images right, "
        f"its {files} in {printable(str(bundle.path))} {spread}"
    )


def _told_apart(places: list[str]) -> tuple[Path | None, str]:
    """Return the folder of the training run, if any, and the bundle: a folder's content tells which it is."""
    from edgedigits.bundle import MANIFEST

    runs = [one for one in places if (Path(one) / _RECORD).is_file() and not (Path(one) / MANIFEST).is_file()]
    bundles = [one for one in places if one not in runs]
    if len(bundles) != 1 or len(runs) > 1:
        found = ", ".join([f"{one} (a training run)" for one in runs] + bundles)
        raise UsageError(
            f"expected one bundle, and at most the training run ({_RECORD} in it) that it was exported from, "
            f"found {found}; edgedigits export makes a bundle of a model"
        )
    return Path(runs[0]) if runs else None, bundles[0]


def _classifier(place: str) -> Bundle:
    """Load the bundle of a classifier; other tasks have no classes to tell of."""
    from edgedigits.bundle import Bundle
    from edgedigits.model import is_model_file

    if is_model_file(place):
        raise UsageError(f"{place}: expected a bundle, found a lone file; wrap it with edgedigits export {place}")
    bundle = Bundle.load(place)
    if bundle.manifest.task != "classify":
        raise UsageError(
            f"{place}: expected the bundle of a classifier, found one of a locator, whose maps have no classes to "
            "report; edgedigits parity and edgedigits bench tell of it"
        )
    return bundle
