"""A scoring: what is scored, with what, and which of its files are written."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np

from edgedigits.bundle import Variant
from edgedigits.classifier import DigitClassifier
from edgedigits.engines import EngineName
from edgedigits.errors import OutputError, UsageError
from edgedigits.files import write_atomic
from edgedigits.json_text import parse_json
from edgedigits.quiet import quiet_descriptor
from edgedigits.scoring.shards import Shard

Task = Literal["classify", "read"]
# Readers of Parquet pass over such names.
JOB, SUMMARY = "_job.json", "_summary.json"
# Files that are being written, and those that tell how far a process had come, begin like this.
HIDDEN = "."
_STALE = 60.0  # seconds after which a file that nobody has renamed belongs to a process that was killed
_ID = 12  # characters of a bundle's id, as everywhere


@dataclass(frozen=True, slots=True)
class Job:
    """What decides the rows of a result.

    Attributes
    ----------
    bundle: a shipped bundle's name, a path, or None for the default; the same on every machine.
    engine: the engine's name, which every machine has.
    release: the engine's release.
    id: the bundle's id; of a lone model file its hash.
    mnist: whether 28x28 pictures follow MNIST's convention.
    labelled: whether the folder of a picture is its label.

    """

    task: Task
    bundle: str | None
    variant: Variant | None
    engine: EngineName
    release: str
    id: str
    mnist: bool
    labelled: bool


def make_job(
    task: Task, bundle: str | None, variant: Variant | None, engine: EngineName, *, mnist: bool, labelled: bool
) -> tuple[Job, tuple[str, ...]]:
    """Load a model once; return the job with the engine and the id that it has, and the model's labels.

    Raises
    ------
    EdgeDigitsError: the model cannot be used here, or does not read pages and is asked to.

    """
    path = str(Path(bundle).absolute()) if bundle and os.path.exists(bundle) else bundle
    with quiet_descriptor(2):
        loaded = DigitClassifier(path, variant=variant, engine=engine)
    with loaded as classifier:
        if task == "read":
            classifier.read(np.full((28, 28), 255, np.uint8))  # it says what is wrong with a model of other things
        name, release = cast("EngineName", classifier.engine_id.name), classifier.engine_id.version
        identity = classifier.model_id.bundle or classifier.model_id.sha256
        return Job(task, path, variant, name, release, identity, mnist, labelled), classifier.labels


def open_output(output: Path, job: Job, shards: Sequence[Shard]) -> list[Shard]:
    """Begin a result in a folder, or go on with it; return the shards that are not written yet.

    Raises
    ------
    UsageError: the folder has the result of something else.
    OutputError: it cannot be written, or holds other things.

    """
    told = {"job": asdict(job), "shards": [asdict(shard) for shard in shards]}
    file = output / JOB
    try:
        there = parse_json(file.read_bytes()) if file.exists() else None
    except (OSError, ValueError) as error:
        raise OutputError(f"{file}: cannot be read ({error}); choose another folder") from error
    if there is None:
        if output.is_dir() and any(output.iterdir()):
            raise OutputError(f"{output}: expected an empty or a new folder, found other things; choose another one")
        write_atomic(file, json.dumps(told, indent=1).encode())
    elif there != told:
        raise UsageError(
            f"{output}: was begun with {_difference(there, told)}; choose another folder, or remove this one"
        )
    _remove_stale(output)
    return [shard for shard in shards if not result_of(output, job, shard).exists()]


def result_of(output: Path, job: Job, shard: Shard) -> Path:
    """Return the file that a shard becomes."""
    return output / f"{shard.name}-{job.id[:_ID]}.parquet"


def _difference(there: Any, told: dict[str, Any]) -> str:
    """Return in words what is not the same; the first thing counts."""
    if not isinstance(there, dict) or not isinstance(there.get("job"), dict):
        return "another version of edgedigits"
    for name, value in told["job"].items():
        if there["job"].get(name) != value:
            return f"another {name} ({there['job'].get(name)} there, {value} now)"
    return "other inputs, or their files have changed since"


def close_output(output: Path) -> None:
    """Remove what killed processes have left in a result that is whole."""
    for pattern in ("*.parquet.*", "*.at"):
        for file in output.glob(HIDDEN + pattern):
            with suppress(OSError):
                file.unlink()


def _remove_stale(output: Path) -> None:
    """Remove what killed processes were writing; what is new may belong to one that still runs."""
    for file in output.glob(f"{HIDDEN}*.parquet.*"):
        try:
            if time.time() - file.stat().st_mtime > _STALE:
                file.unlink()
        except OSError:  # its process was quicker
            continue
