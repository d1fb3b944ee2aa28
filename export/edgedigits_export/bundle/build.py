"""Build a bundle in four steps: convert, evaluate, describe, write."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import cast

from edgedigits import __version__
from edgedigits.files import folder_atomic
from edgedigits.parts import Progress
from edgedigits.training_record import trained_quantization
from edgedigits_export.bundle.describe import describe_bundle, onnx_metadata
from edgedigits_export.bundle.evaluate import ExportEvaluation, evaluate_files
from edgedigits_export.bundle.job import ExportJob
from edgedigits_export.bundle.repair import Repairer
from edgedigits_export.bundle.replace import refuse_to_replace
from edgedigits_export.convert.stored_model import Convertible
from edgedigits_export.convert.variants import Converter, ConvertOptions, convert_variants

_TOOLS = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def build_bundle(job: ExportJob, path: Path, *, overwrite: bool, progress: Progress) -> ExportEvaluation:
    """Write the bundle at ``path``, whole or not at all; return how its files compute.

    Raises
    ------
    OutputError: ``path`` must not be replaced (see `refuse_to_replace`), or the disk is full; nothing was written.
    EdgeDigitsError: no variant can be made, or Keras' own outputs are not numbers.

    """
    refuse_to_replace(path, overwrite=overwrite)
    # Entered before the work starts, so that a place that cannot be written is refused at once.
    with folder_atomic(path, overwrite=overwrite) as folder:
        evaluation = _evaluate(job, progress)
        files = describe_bundle(job, evaluation, tool_versions(), creation_time())
        for name, data in files.items():
            (folder / name).write_bytes(data)
    return evaluation


def _evaluate(job: ExportJob, progress: Progress) -> ExportEvaluation:
    """Convert every variant and run it; repair the integer files that need it."""
    if job.finished is not None:
        return evaluate_files(job, (job.finished.file,), (), progress)
    trained = trained_quantization(job.training, job.confidence.temperature)
    options = ConvertOptions(job.opset, job.calibration.images, onnx_metadata(job), trained)
    contract = any(variant.format == "onnx" for variant in job.variants)
    with Converter(cast("Convertible", job.model), options, contract=contract) as converter:
        converted, left_out = convert_variants(converter, job.variants, progress)
        repairer = Repairer(job, job.repair, converter, progress) if job.repair else None
        return evaluate_files(job, converted, left_out, progress, repairer)


def tool_versions() -> dict[str, str]:
    """Return the versions of everything that has a part in a bundle's bytes."""
    return {"edgedigits": __version__, "python": platform.python_version()} | {name: version(name) for name in _TOOLS}


def creation_time() -> str:
    """Return the time in UTC, ``SOURCE_DATE_EPOCH`` where that is set, so that builds can be repeated."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
