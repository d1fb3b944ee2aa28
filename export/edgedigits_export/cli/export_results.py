"""What `edgedigits export` prints when it is done: the table of its files, and what to do about some of them."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from edgedigits.console.confidence import confidence_line
from edgedigits.console.tables import table
from edgedigits.console.verdicts import last_lines, next_step, reasons_by_name
from edgedigits_export.bundle.evaluate import ExportEvaluation, FileEvaluation
from edgedigits_export.bundle.job import ExportJob
from edgedigits_export.repair.words import repair_in_words

_LEGEND = (
    "drop: points of accuracy lost against Keras; at most: its upper 95 % bound; flips: answers that changed;\n"
    "max |Δ|: largest difference of a probability; gate: the condition that a file has to meet"
)


def results_text(output: Path, job: ExportJob, evaluation: ExportEvaluation) -> str:
    """Return the table of an export's files, with one line for each that is missing or has not passed."""
    head = ["file", "bytes", "accuracy", "drop", "at most", "flips", "max |Δ|", "gate"]
    held_out = f"accuracy on {len(job.reference):,} images of {job.reference.source}"
    title = f"{output}: {job.name}, {held_out}, the rest against Keras on {len(job.judging):,}"
    rows = table(head, [_row(file) for file in evaluation.files])
    remarks = [*_remarks(evaluation), confidence_line(job.confidence)]
    return "\n".join([title, "", rows, "", _LEGEND, "", *remarks, "", *_last_words(output, job, evaluation)])


def _last_words(output: Path, job: ExportJob, evaluation: ExportEvaluation) -> list[str]:
    """Return the verdict, and what to do next where all passed."""
    if evaluation.near_chance:
        return ["FAILED: the model itself is hardly better than a guess"]
    outcomes: dict[str, str] = {file.name: file.verdict.outcome for file in evaluation.files}
    outcomes |= {one.variant: "failed" for one in evaluation.left_out}
    bound = max([0.0, *(file.judged.drop_ci95[1] for file in evaluation.files)])
    allowed = f"{job.gate.margin:g} may be" if job.gate.name == "accuracy" else "within the limits of shipped models"
    passed = f"at most {bound:.2f} points of accuracy are lost, {allowed}"
    then = next_step("edgedigits", "selftest", output)
    undecided = (file.verdict.needed for file in evaluation.files if file.verdict.outcome == "undecided")
    return last_lines(outcomes, passed, then, undecided)


def _row(file: FileEvaluation) -> list[str]:
    figures, verdict = file.judged, file.verdict
    return [
        file.name, f"{len(file.converted.data):,}", f"{file.comparison.accuracy.top1:.2%}", f"{figures.drop:+.2f}",
        f"{figures.drop_ci95[1]:+.2f}", str(len(figures.flips)), f"{figures.max_abs_difference:.1e}",
        verdict.outcome.upper() if verdict.reasons else verdict.outcome,
    ]  # fmt: skip


def _remarks(evaluation: ExportEvaluation) -> list[str]:
    """Return one line for each reason why variants are missing or have not passed, and what to do about it."""
    remarks = [f"{one.variant} is not in the bundle: {one.reason}; {one.cure}" for one in evaluation.left_out]
    remarks += reasons_by_name(
        (file.name, f"on {file.judged.accuracy.count:,} images {'; '.join(file.verdict.reasons)}")
        for file in evaluation.files
        if file.verdict.reasons
    )
    remarks += [f"{file.name}: {repair_in_words(file.repair)}" for file in evaluation.files if file.repair]
    remarks += [f"{file.name}: {sentence}" for file in evaluation.files for sentence in file.differing]
    if evaluation.near_chance:
        known = evaluation.keras_judging
        remarks.append(
            f"Keras itself classifies only {known.top1:.1%} of the {known.count:,} images that judge rightly: check "
            "the model's scale (--scale), polarity and order of labels, and whether these are its images. Agreement "
            "with Keras means nothing here. Once that is mended, --overwrite replaces the bundle"
        )
    if failed := {file.converted.variant.precision for file in evaluation.files if file.verdict.outcome == "failed"}:
        passed = {file.converted.variant.precision for file in evaluation.files} - failed
        remarks.append(f"the bundle is written, with what failed in it: {_advice(failed, passed)}")
    return remarks


def _advice(failed: AbstractSet[str], passed: AbstractSet[str]) -> str:
    """Return what to do about variants that failed, which depends on what passed beside them."""
    if failed & {"float32", "float16"}:
        return "a float variant fails, so that the conversion is wrong; edgedigits parity --per-layer names the layer"
    if "dynamic-int8" in failed:
        return "weights of 8 bits cost too much here; take float16"
    if "dynamic-int8" in passed:
        return (
            "the weights fit in 8 bits, the values between the layers do not; give more --calibration-samples of all "
            "kinds of images, or take dynamic-int8 or float16"
        )
    return "take float16, or see with --variants dynamic-int8 whether the weights or the ranges are the cause"
