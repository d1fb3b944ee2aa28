"""Write a generated set as PNG files: `python benchmarks/reading/sets.py SET [--seed N] [--count N] -o FOLDER`.

Digits and what is none go into one folder a label (``none`` for what is to be refused), as `edgedigits eval` reads
them; pages into one folder with ``pages.json`` beside them. ``--split`` says whose MNIST digits are drawn.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from catalogue import SETS, Asked
from drawing import Sample
from negatives import KINDS, negatives
from pages import Page, pages
from PIL import Image

COUNT = 50


def write_samples(samples: Iterator[Sample], folder: Path) -> int:
    """One PNG a sample; returns how many."""
    number = -1
    for number, sample in enumerate(samples):
        place = folder / (sample.truth or "none") / f"{sample.kind}-{number:05}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(sample.image).save(place)
    return number + 1


def write_pages(made: Iterator[Page], folder: Path) -> int:
    """One PNG a page, and what is written on it; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    truth = []
    for number, one in enumerate(made):
        name = f"page-{number:04}.png"
        Image.fromarray(one.image).save(folder / name)
        truth.append({"file": name, "text": one.text, "boxes": one.boxes, "made": one.made})
    (folder / "pages.json").write_text(json.dumps(truth, indent=1))
    return len(truth)


def main() -> int:
    """Write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "name", choices=[*SETS, *KINDS, "pages"], metavar="SET", help=", ".join([*SETS, *KINDS, "pages"])
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=COUNT, help=f"of each kind; {COUNT}")
    parser.add_argument("--data", type=Path, help="folder of label folders, for the set 'data'")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("-o", type=Path, required=True, dest="folder")
    asked = parser.parse_args()
    if asked.name == "pages":
        written = write_pages(pages(asked.split, asked.seed, asked.count), asked.folder)
    elif asked.name in KINDS:
        written = write_samples(negatives(asked.seed, asked.count, (asked.name,)), asked.folder)
    else:
        written = write_samples(
            SETS[asked.name].make(Asked(asked.split, asked.seed, asked.count, asked.data)), asked.folder
        )
    print(f"{written} pictures in {asked.folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
