"""Say what was exported: the bundle's manifest, and the metadata inside its ONNX files."""

from __future__ import annotations

import json
import os
import platform
import time
from importlib.metadata import version

from edgedigits import __version__
from edgedigits.manifest import SCHEMA, CalibrationSet, Golden, Manifest, ModelFile, PixelScaling, Reference
from edgedigits_export.bundle.job import ExportJob, pipeline

_TOOLS = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")


def describe_bundle(plan: ExportJob, files: list[ModelFile], golden: Golden, reference: Reference) -> Manifest:
    """The manifest, its id still to be filled in."""
    calibration, scaling = plan.calibration, plan.frozen.scaling
    return Manifest(
        schema=SCHEMA,
        id="",
        name=plan.name,
        created=_now(),
        tools={"edgedigits": __version__, "python": platform.python_version()} | {t: version(t) for t in _TOOLS},
        labels=plan.labels,
        image=plan.frozen.input_shape,
        parameters=plan.frozen.model.count_params(),
        preprocessing=pipeline(plan),
        scaling=PixelScaling(scaling.scale, scaling.mean, scaling.std),
        confidence=plan.confidence,
        files=tuple(files),
        calibration=CalibrationSet(
            calibration.source, plan.calibration_sha256, len(calibration.images), calibration.seed,
            calibration.indices_sha256,
        ),
        golden=golden,
        reference=reference,
        training=plan.training,
    )  # fmt: skip


def describe_file(plan: ExportJob) -> dict[str, str]:
    """Labels and contract as ONNX metadata, for whoever opens the file without its bundle."""
    height, width, channels = plan.frozen.input_shape
    return {
        "labels": json.dumps(plan.labels),
        "input": f"image: uint8 [N, {height}, {width}, {channels}], raw pixels 0-255",
        "output": f"probabilities: float32 [N, {plan.frozen.classes}]",
        "preprocessing": pipeline(plan).id,
        "producer": f"edgedigits {__version__}",
    }


def _now() -> str:
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
