"""`edgedigits train`: options in, a run folder and its figures out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits_train.config import (
    DEFAULT_MODEL,
    DEFAULT_PRESET,
    MODELS,
    OPTIMIZERS,
    PRESETS,
    SCHEDULES,
    TEMPERATURE,
    TrainConfig,
)

if TYPE_CHECKING:
    from edgedigits_train.record import TrainRecord
    from edgedigits_train.training.checkpoint import EpochResult
    from edgedigits_train.training.evaluation import PaperScore, Score

# The options that make up a run's configuration. All default to None, "not named": a default of the parser's could
# not be told from a wish, and --resume must know which was which.
_CONFIG = (
    "model", "preset", "data", "epochs", "batch_size", "optimizer", "learning_rate", "schedule", "augment", "bend",
    "paper", "paper_share", "label_smoothing", "average", "teacher", "temperature", "seed", "threads",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `edgedigits train`."""
    parser.description = (
        "Train a classifier with Keras. RUN gets model.keras, train.json (configuration, history, metrics) and "
        "pictures. What --help leaves open has a default of the chosen model's own; train.json tells it."
    )
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="RUN", help="folder for the run")
    parser.add_argument("--model", choices=MODELS, help=f"architecture (default: {DEFAULT_MODEL})")
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        help=f"where defaults come from: two minutes, or more (default: {DEFAULT_PRESET})",
    )
    parser.add_argument(
        "--data", metavar="mnist|PATH", help="mnist, a folder with one sub-folder a label, or an .npz (default: mnist)"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="how often every image is seen")
    parser.add_argument("--batch-size", type=int, metavar="N", help="images a step")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="sgd is plain: no momentum")
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="the highest, where a schedule changes it")
    parser.add_argument("--schedule", choices=SCHEDULES, help="of the learning rate")
    parser.add_argument(
        "--augment", action=argparse.BooleanOptionalAction, help="turn, scale, shear, shift images anew each epoch"
    )
    parser.add_argument("--bend", type=float, metavar="SHARE", help="of the size, by which --augment bends images")
    parser.add_argument(
        "--paper",
        action=argparse.BooleanOptionalAction,
        help="digits alone: learn as well what the device makes of handwriting and print photographed or scanned on "
        "paper, and that letters, scribbles and noise are no digits (makes an epoch up to 2.4 times as long)",
    )
    parser.add_argument("--paper-share", type=float, metavar="SHARE", help="of what --paper adds, shown each epoch")
    parser.add_argument("--label-smoothing", type=float, metavar="SHARE", help="of the right answer, shared among all")
    parser.add_argument("--average", type=float, metavar="MOMENTUM", help="keep the weights' running average")
    parser.add_argument("--teacher", metavar="MODEL.keras", help="learn this model's answers in place of the labels")
    parser.add_argument(
        "--temperature", type=float, metavar="T", help=f"softens the teacher (default: {TEMPERATURE:g})"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="decides weights, order and what is drawn (default: 0)")
    parser.add_argument("--threads", type=int, metavar="N", help="CPU threads (default: the cores there are)")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on after the last finished epoch of RUN")
    again.add_argument("--overwrite", action="store_true", help="replace the run in RUN")
    parser.add_argument("--json", action="store_true", help="print train.json on standard output, and nothing else")


def run(args: argparse.Namespace) -> int:
    """Train as asked and return the exit code.

    Raises
    ------
    EdgeDigitsError: one line says what was wrong.
    KeyboardInterrupt: passed on, after a line on what is kept.

    """
    from edgedigits_train.training import backend

    backend.import_quietly()
    from edgedigits_train.run import find_start, train

    given = {name: value for name in _CONFIG if (value := getattr(args, name)) is not None}
    start = find_start(args.output, given, resume=args.resume, overwrite=args.overwrite)
    done = len(start.progress.history) if start.progress else 0
    _say(_opening(start.config, done, resume=args.resume))
    if start.config.paper:
        _say("paper: first, digits and what is none are put on paper; with MNIST this takes some minutes")
    report = _EpochLines(done)
    try:
        finished = train(args.output, start, report)
    except KeyboardInterrupt:
        _say(_interrupted(args.output, report.done, start.config.epochs))
        raise
    if args.json:
        from edgedigits_train.record import to_bytes

        sys.stdout.write(to_bytes(finished).decode())
    else:
        _print_summary(args.output, finished)
    return 0


class _EpochLines:
    """Prints a line an epoch on standard error and remembers the last epoch."""

    def __init__(self, done: int) -> None:
        self.done = done

    def __call__(self, result: EpochResult, config: TrainConfig) -> None:
        self.done = result.epoch
        left = (config.epochs - result.epoch) * result.seconds
        _say(
            f"epoch {result.epoch:>{len(str(config.epochs))}}/{config.epochs}  loss {result.loss:.4f}  "
            f"validation {100 * result.validation_accuracy:.2f} %  {result.seconds:.1f} s  left {_minutes(left)}"
        )


def _opening(config: TrainConfig, done: int, *, resume: bool) -> str:
    values = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in config.to_dict().items())
    if done:
        return f"going on after epoch {done} of {config.epochs}: {values}"
    return f"{'nothing to resume yet, ' if resume else ''}training: {values}"


def _interrupted(folder: Path, done: int, epochs: int) -> str:
    if not (folder / "checkpoint.keras").exists():
        return "interrupted before the first checkpoint: nothing was kept"
    return f"interrupted: {done} of {epochs} epochs are kept; go on with: edgedigits train -o {folder} --resume"


def _print_summary(folder: Path, finished: TrainRecord) -> None:
    lines = [
        f"{finished.config.model}: {finished.parameters:,} parameters, {finished.macs / 1e6:.2f} million MACs an image",
        f"  validation  {_accuracy(finished.validation)}",
        f"  test        {_accuracy(finished.test)}",
        *_paper_lines(finished),
        f"  {_minutes(finished.seconds['epochs'])} for all epochs; model, record and pictures are in {folder}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _paper_lines(finished: TrainRecord) -> list[str]:
    if finished.paper is None:
        return []
    of = finished.paper.validation
    return [
        f"  on paper    {_accuracy(of)}",
        f"  no digits   mean confidence {of.outlier_confidence:.3f} (on digits {of.digit_confidence:.3f}); "
        f"{100 * of.outliers_accepted:.1f} % accepted where {100 * of.digits_accepted:g} % of the digits are",
    ]


def _accuracy(result: Score | PaperScore) -> str:
    low, high = (100 * bound for bound in result.ci95)
    return (
        f"{100 * result.accuracy:.2f} %  ({result.correct} of {result.count} right, 95 % interval {low:.2f}-{high:.2f})"
    )


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
