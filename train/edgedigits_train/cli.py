"""The command `edgedigits train`: it reads the options, starts the run and prints its results."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.console.progress import clear_progress, note, progress
from edgedigits_train.config import (
    DEFAULT_MODEL,
    DEFAULT_PRESET,
    LOCATOR,
    MODELS,
    OPTIMIZERS,
    PRESETS,
    QUANTIZED_PRECISIONS,
    SCHEDULES,
    TEMPERATURE,
    TrainConfig,
    parse_size,
)

if TYPE_CHECKING:
    from edgedigits_train.record import TrainRecord
    from edgedigits_train.training.checkpoint import EpochResult
    from edgedigits_train.training.evaluation import PaperScore, Score

# The options that make up a run's configuration. All of them default to None, which means that the user did not name
# them: --resume must be able to tell what the user asked for from what is merely a default.
_CONFIG = (
    "model", "preset", "data", "size", "epochs", "batch_size", "optimizer", "learning_rate", "schedule", "augment",
    "elastic", "paper", "paper_share", "label_smoothing", "ema", "teacher", "temperature", "quantize", "from_model",
    "seed", "threads",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of `edgedigits train`."""
    parser.description = (
        "Train a classifier with Keras. The folder RUN will hold model.keras, train.json (configuration, history, "
        "metrics), a report and plots. An option without a default here has one that depends on the chosen model; "
        "train.json records it."
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="RUN", help="the folder for the run's files"
    )
    parser.add_argument("--model", choices=MODELS, help=f"the architecture (default: {DEFAULT_MODEL})")
    parser.add_argument(
        "--preset",
        choices=tuple(PRESETS),
        help="the set of defaults: quick trains for about two minutes, best for as long as more epochs help "
        f"(default: {DEFAULT_PRESET})",
    )
    parser.add_argument(
        "--data",
        metavar="mnist|PATH",
        help="the data: mnist, a folder with one sub-folder for each label, or an .npz file (default: mnist)",
    )
    parser.add_argument(
        "--size",
        metavar="N|HxW",
        help="the height and width to which a folder's pictures are resized (default: 64, or 32 if most are smaller; "
        "pictures of one size up to 96 keep it)",
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="the number of epochs")
    parser.add_argument("--batch-size", type=int, metavar="N", help="the number of images in a batch")
    parser.add_argument("--optimizer", choices=OPTIMIZERS, help="the optimizer; sgd has no momentum")
    parser.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="the learning rate, or its highest value under a schedule"
    )
    parser.add_argument("--schedule", choices=SCHEDULES, help="how the learning rate changes during the run")
    parser.add_argument(
        "--augment",
        action=argparse.BooleanOptionalAction,
        help="rotate, scale, shear and shift every image differently in each epoch",
    )
    parser.add_argument(
        "--elastic",
        type=float,
        metavar="SHARE",
        help="with --augment, also deform images elastically; SHARE of the image's size is the standard deviation of "
        "a pixel's displacement",
    )
    parser.add_argument(
        "--paper",
        action=argparse.BooleanOptionalAction,
        help="for data of digits: also train on synthetic photographs and scans of handwritten and printed digits, and "
        "on letters, scribbles and noise as images that are not digits (an epoch takes up to 2.4 times as long)",
    )
    parser.add_argument(
        "--paper-share", type=float, metavar="SHARE", help="the share of --paper's images that one epoch shows"
    )
    parser.add_argument(
        "--label-smoothing",
        type=float,
        metavar="SHARE",
        help="spread this share of the true class's probability evenly over all classes",
    )
    parser.add_argument(
        "--ema",
        type=float,
        metavar="MOMENTUM",
        help="keep the exponential moving average of the weights, with this momentum",
    )
    parser.add_argument(
        "--teacher", metavar="MODEL.keras", help="distillation: learn this model's outputs in place of the labels"
    )
    parser.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help=f"the temperature that softens the teacher's outputs (default: {TEMPERATURE:g})",
    )
    parser.add_argument(
        "--quantize",
        choices=QUANTIZED_PRECISIONS,
        help="quantization-aware training: go on with the network of --from while it computes on the grid of its int8 "
        "file; train.json then has the ranges, with which export makes that file",
    )
    parser.add_argument(
        "--from",
        dest="from_model",
        metavar="MODEL.keras",
        help="the trained classifier of raw pixels that --quantize starts from; data and augmentation are by default "
        "those of a train.json beside it",
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="decides initial weights, order and augmentation (default: 0)"
    )
    parser.add_argument("--threads", type=int, metavar="N", help="the number of CPU threads (default: all cores)")
    again = parser.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="continue after the last finished epoch in RUN")
    again.add_argument("--overwrite", action="store_true", help="replace the run in RUN")
    parser.add_argument("--json", action="store_true", help="print train.json, and nothing else, on standard output")


def run(args: argparse.Namespace) -> int:
    """Train with the given options and return the exit code.

    Raises
    ------
    EdgeDigitsError: the run cannot start or go on; the message is one line.
    KeyboardInterrupt: the user interrupted the run; a line on standard error has said what is kept.

    """
    from edgedigits_train.training import backend

    backend.import_quietly()
    from edgedigits_train.locator.run import summary, train_locator
    from edgedigits_train.run import train
    from edgedigits_train.start import find_start

    given = {name: value for name in _CONFIG if (value := getattr(args, name)) is not None}
    if args.size is not None:
        given["size"] = parse_size(args.size)
    start = find_start(args.output, given, resume=args.resume, overwrite=args.overwrite)
    done = len(start.progress.history) if start.progress else 0
    note(_opening(start.config, done, resume=args.resume))
    for line in (line for told in (start.own, start.source) if told for line in told.notes()):
        note(line)
    if start.config.paper:
        progress("paper: drawing the synthetic images comes first; with MNIST this takes some minutes")
    is_locator = start.config.model == LOCATOR
    report = _EpochLines(done)
    try:
        finished: Any = (
            train_locator(args.output, start, report) if is_locator else train(args.output, start, report, note)
        )
    except KeyboardInterrupt:
        note(_interrupted(args.output, report.done, start.config.epochs))
        raise
    clear_progress()
    if args.json:
        from edgedigits_train.record import to_bytes

        sys.stdout.write(to_bytes(finished).decode())
    elif is_locator:
        sys.stdout.write("\n".join(summary(finished)) + "\n")
    else:
        _print_summary(args.output, finished)
    return 0


class _EpochLines:
    """Tells the progress after each epoch and remembers the last one."""

    def __init__(self, done: int) -> None:
        self.done = done

    def __call__(self, result: EpochResult, config: TrainConfig) -> None:
        self.done = result.epoch
        left = (config.epochs - result.epoch) * result.seconds
        progress(
            f"epoch {result.epoch:>{len(str(config.epochs))}}/{config.epochs}  loss {result.loss:.4f}  "
            f"validation {100 * result.validation_accuracy:.2f} %  {result.seconds:.1f} s  left {_minutes(left)}"
        )


def _opening(config: TrainConfig, done: int, *, resume: bool) -> str:
    named = {name.replace("_", " "): value for name, value in config.to_dict().items() if value is not None}
    values = ", ".join(f"{name} {value}" for name, value in named.items())
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
        *_quantized_lines(finished),
        f"  {_minutes(finished.seconds['epochs'])} for all epochs; model, record, report and plots are in {folder}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


def _paper_lines(finished: TrainRecord) -> list[str]:
    if finished.paper is None:
        return []
    found = finished.paper.validation
    return [
        f"  on paper    {_accuracy(found)}",
        f"  no digits   mean confidence {found.outlier_confidence:.3f} (on digits {found.digit_confidence:.3f}); "
        f"{100 * found.outliers_accepted:.1f} % are accepted where {100 * found.digits_accepted:g} % of digits are",
    ]


def _quantized_lines(finished: TrainRecord) -> list[str]:
    if finished.quantization is None:
        return []
    return [
        f"  these are the answers of the {finished.quantization.precision} file, which export makes with the ranges"
    ]


def _accuracy(score: Score | PaperScore) -> str:
    low, high = (100 * bound for bound in score.ci95)
    counts = f"{score.correct} of {score.count} correct"
    return f"{100 * score.accuracy:.2f} %  ({counts}, 95 % interval {low:.2f}-{high:.2f})"


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d} min"
