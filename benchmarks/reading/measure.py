"""How well does it read? The shipped model, int8 and float32, over all sets that can be had here.

`python benchmarks/reading/measure.py [--sets a,b] [--count N] [--data FOLDER] [--failures FOLDER] [-o FILE]`, or
`make reading`. ``--count`` is for quick looks; without it the counts are those of the report. ``--data`` is a folder
of label folders with drawn digits. Sets that cannot be had are named with the reason.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from canvas import digits
from catalogue import JUDGING_SEED, SETS, Asked
from elsewhere import NotHere
from failures import draw_failures, draw_pages
from outcomes import judge, summary
from pages import pages
from speed import speed
from tables import plain_table
from transcripts import page_summary, transcribe

from edgedigits import DigitClassifier
from edgedigits.errors import DatasetError, TargetError
from edgedigits.files import write_atomic
from edgedigits.measure.machine import describe_machine

SCHEMA = 1
RESULT = Path(__file__).parents[1] / "results" / "reading.json"
PAGES, ROUNDS = 200, 200
OTHERS = ("pages", "speed")


def main() -> int:
    """Judge, print, write."""
    args = _parse()
    chosen = args.sets.split(",") if args.sets else [*SETS, *OTHERS]
    if unknown := [name for name in chosen if name not in {*SETS, *OTHERS}]:
        raise SystemExit(f"{unknown[0]}: expected sets among {', '.join([*SETS, *OTHERS])}")
    classifiers = {name: DigitClassifier(args.bundle, variant=name) for name in args.variants.split(",")}
    result = _origin(classifiers, args.split, args.seed)
    if args.keep:
        result = _kept(args.output, result)
    for name in chosen:
        told = _pages(classifiers, args) if name == "pages" else _speed(classifiers, args)
        if name in SETS:
            result["sets"][name] = told = _set(name, classifiers, args)
        elif told:
            result[name] = told
        print(f"{name}: {told.get('skipped') or 'done'}", file=sys.stderr, flush=True)
    print(plain_table(result))
    if args.output:
        write_atomic(args.output, (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode())
    return 0


def _kept(path: Path, origin: dict[str, Any]) -> dict[str, Any]:
    """What an earlier run found with the same model, versions and seed, on the same machine."""
    old: dict[str, Any] = json.loads(path.read_text())
    if different := [name for name in origin if name != "sets" and old.get(name) != origin[name]]:
        raise SystemExit(f"--keep: {path} was measured with another {different[0]}; measure all of it again")
    return old


def _set(name: str, classifiers: dict[str, DigitClassifier], args: argparse.Namespace) -> dict[str, Any]:
    """A set through every variant."""
    kind = SETS[name]
    asked = Asked(args.split, args.seed, min(args.count or kind.count, kind.count), args.data)
    told: dict[str, Any] = {"title": kind.title, "goal": kind.goal, "variants": {}}
    for variant, classifier in classifiers.items():
        try:
            outcomes, worst = judge(classifier, kind.make(asked))
        except (NotHere, TargetError, DatasetError) as error:
            return {"title": kind.title, "skipped": str(error)}
        told["variants"][variant] = summary(outcomes)
        if name == "mnist":
            told["variants"][variant]["bare"] = _bare(classifier, asked)
        if args.failures:
            draw_failures(worst, args.failures / f"{name}-{variant}.png")
    return told


def _bare(classifier: DigitClassifier, asked: Asked) -> float:
    """Accuracy of the model alone over the same digits: nothing before it, nothing after it."""
    samples = list(SETS["mnist"].make(asked))
    answers = classifier.classify_batch(np.stack([sample.image for sample in samples])).argmax(axis=1)
    return float(np.mean([str(answer) == sample.truth for answer, sample in zip(answers, samples, strict=True)]))


def _pages(classifiers: dict[str, DigitClassifier], args: argparse.Namespace) -> dict[str, Any]:
    if not hasattr(DigitClassifier, "read"):
        return {"skipped": "this version reads no pages"}
    told: dict[str, Any] = {"variants": {}}
    for variant, classifier in classifiers.items():
        done = transcribe(classifier, pages(args.split, args.seed, min(args.count or PAGES, PAGES)))
        told["variants"][variant] = page_summary(done)
        if args.failures:
            draw_pages(done, args.failures / f"pages-{variant}.png")
    return told


def _speed(classifiers: dict[str, DigitClassifier], args: argparse.Namespace) -> dict[str, Any]:
    rounds = min(args.count or ROUNDS, ROUNDS)
    return {"variants": {name: speed(classifier, rounds) for name, classifier in classifiers.items()}}


def _origin(classifiers: dict[str, DigitClassifier], split: str, seed: int) -> dict[str, Any]:
    """What was measured with what, on what."""
    first = next(iter(classifiers.values()))
    packages = ("edgedigits", "numpy", "pillow")
    return {
        "schema": SCHEMA,
        "bundle": first.model_id.bundle,
        "machine": asdict(describe_machine()),
        "versions": {name: version(name) for name in packages} | {first.engine_id.name: first.engine_id.version},
        "split": split,
        "seed": seed,
        "digits_sha256": digits(split).sha256(),
        "sets": {},
    }


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", help=f"some of {','.join([*SETS, *OTHERS])}; all")
    parser.add_argument("--count", type=int, help="at most this many of each (for quick looks)")
    parser.add_argument("--data", type=Path, help="folder of label folders with drawn digits, for the set 'data'")
    parser.add_argument("--split", choices=("validation", "test"), default="test", help="whose MNIST digits; test")
    parser.add_argument("--seed", type=int, default=JUDGING_SEED)
    parser.add_argument("--bundle", help="the shipped one")
    parser.add_argument("--variants", default="int8,float32")
    parser.add_argument("--failures", type=Path, help="draw the ten worst failures of each set into this folder")
    parser.add_argument("--keep", action="store_true", help="keep what else the file named with -o has")
    parser.add_argument("-o", type=Path, dest="output", help=f"write the result, e.g. {RESULT}")
    args = parser.parse_args()
    if args.keep and not args.output:
        parser.error("--keep: expected -o FILE, the file to keep results of")
    return args


if __name__ == "__main__":
    raise SystemExit(main())
