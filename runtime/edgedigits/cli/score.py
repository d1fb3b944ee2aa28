"""The command `edgedigits score`."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgedigits.console.options import add_engine_choice
from edgedigits.console.progress import clear_progress, is_live, note, progress
from edgedigits.console.tables import table
from edgedigits.errors import UsageError
from edgedigits.files import write_atomic


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT",
        help="folders of images, with what is below them; .tar files in the layout of WebDataset; Parquet files with "
        "encoded images; .npy files of uint8 [N, H, W] or [N, H, W, C]",
    )  # fmt: skip
    parser.add_argument(
        "-o", "--output", type=Path, metavar="DIR", required=True,
        help="the folder of the result: a Parquet file for each part of the input; a scoring that was stopped goes on",
    )  # fmt: skip
    parser.add_argument(
        "--task", choices=("classify", "read"), default="classify",
        help="the one digit of each image, or all of them in lines and words (default: classify)",
    )  # fmt: skip
    parser.add_argument(
        "--ray", metavar="ADDRESS", help="let a Ray cluster do it: its address, auto, or local for one here"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes, or Ray actors (default: one a processor)")
    parser.add_argument(
        "--mnist", action="store_true", help="28x28 images follow MNIST's convention: use them as they are"
    )
    parser.add_argument("--labelled", action="store_true", help="the folder of an image is its label")
    parser.add_argument("--bundle", help="a shipped bundle's name or a path (default: the small model in the package)")
    add_engine_choice(parser)
    parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")


def run(args: argparse.Namespace) -> int:
    """Score everything that is not scored yet, and print the summary."""
    if args.workers is not None and args.workers < 1:
        raise UsageError(f"--workers: expected at least 1, found {args.workers}")
    from edgedigits.scoring.job import SUMMARY, close_output, make_job, open_output, result_of
    from edgedigits.scoring.shards import find_shards
    from edgedigits.scoring.summary import summarize

    job, labels = make_job(
        args.task, args.bundle, args.variant, args.engine, mnist=args.mnist, labelled=args.labelled
    )  # fmt: skip
    shards = find_shards(args.inputs)
    output = args.output.absolute()
    missing = open_output(output, job, shards)
    scored = _Scored(len(shards), len(missing))
    try:
        if missing:
            _score(args, job, output, missing, scored)
    except KeyboardInterrupt:
        note(f"edgedigits: {scored.done} of {len(shards)} parts are done; the same command goes on")
        raise
    clear_progress()
    close_output(output)
    summary = summarize([result_of(output, job, shard) for shard in shards], job.task, labels).to_dict()
    write_atomic(output / SUMMARY, (json.dumps(summary, indent=1) + "\n").encode())
    print(json.dumps(summary) if args.json else _text(summary, args.output))
    return 0


def _score(args: argparse.Namespace, job: Any, output: Path, shards: Sequence[Any], scored: _Scored) -> None:
    if args.ray is not None:
        from edgedigits.scoring.cluster import score_on_ray

        score_on_ray(job, output, shards, args.ray, args.workers, scored)
    else:
        from edgedigits.scoring.pool import score_here

        score_here(job, output, shards, args.workers or len(os.sched_getaffinity(0)), scored)


class _Scored:
    """How much is done and at what rate: one line that changes on a terminal, a line a minute elsewhere."""

    def __init__(self, shards: int, missing: int) -> None:
        self._shards, self.done = shards, shards - missing
        self._begun, self._missing, self._pictures, self._finished = time.monotonic(), missing, 0, 0
        self._every_s = 0.5 if is_live() else 60
        self._told = self._begun

    def __call__(self, pictures: int, shards: int) -> None:
        """Count what has been scored since the last call."""
        self._pictures += pictures
        self._finished += shards
        self.done += shards
        now = time.monotonic()
        if now - self._told >= self._every_s:
            self._told = now
            progress(self._line(now))

    def _line(self, now: float) -> str:
        passed = now - self._begun
        left = (self._missing - self._finished) * passed / self._finished if self._finished else None
        rest = "" if left is None else f", {_duration(left)} left"
        rate = f"{self._pictures:,} images, {self._pictures / passed:,.0f} a second"
        return f"{self.done} of {self._shards} parts, {rate}{rest}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _text(summary: dict[str, Any], output: Path) -> str:
    refused = ", ".join(f"{reason} {count:,}" for reason, count in summary["refusals"].items()) or "none"
    lines = [
        f"{summary['pictures']:,} images, {summary['errors']:,} of them unreadable; refused digits: {refused}",
        table(["answer", "count"], [[name, f"{count:,}"] for name, count in summary["answers"].items()]),
    ]
    if known := summary.get("labelled"):
        share = "–" if known["top1"] is None else f"{known['top1']:.2%}"
        lines.append(
            f"{known['n']:,} with a label: {share} right; {known['unknown_labels']:,} with one that the model lacks"
        )
    return "\n\n".join([*lines, f"rows and summary: {output}"])
