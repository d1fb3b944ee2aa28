"""Where a run begins: everything that can be refused before its data is read and its network is built."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgedigits.errors import OutputError, UsageError
from edgedigits.files import refuse_existing
from edgedigits.temporary_files import is_temporary
from edgedigits_train import record
from edgedigits_train.config import LOCATOR, TrainConfig, refuse_options_of_source, resolve
from edgedigits_train.data.own import OwnData, look_at_own
from edgedigits_train.quantization.source import Source, read_source
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import Progress


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: with its configuration alone, or with the progress of a run that was stopped.

    ``own`` is None for MNIST, and for the locator; ``source`` is the classifier that ``--from`` names.
    """

    config: TrainConfig
    progress: Progress | None
    own: OwnData | None = None
    source: Source | None = None


def find_start(folder: Path, given: Mapping[str, Any], *, resume: bool, overwrite: bool) -> Start:
    """Return where the run in ``folder`` begins; nothing is written.

    ``given`` holds the options that the user named. A resumed run takes all others from its checkpoint. Without a
    checkpoint it starts from the beginning.

    Raises
    ------
    OutputError: the folder exists and neither ``resume`` nor ``overwrite`` is set, is a file, or cannot be written.
    UsageError: an option has an impossible value, or differs from the resumed run's.
    DatasetError, ImageError: see `look_at_own`.
    InputError: see `read_source`.

    """
    if not resume and not _is_empty(folder):
        refuse_existing(folder, overwrite=overwrite)
    require_writable(folder)
    if not resume:
        return _fresh(given)
    if (folder / record.NAME).exists():
        raise UsageError(f"{folder}: this run is finished, there is nothing to resume; see its {record.NAME}")
    progress = checkpoint.read_progress(folder)
    if progress is None:
        return _fresh(given)
    config = progress.config
    config.require_same(given)
    return Start(config, progress, _look_at_data(config), _read_source(config))


def _is_empty(folder: Path) -> bool:
    """Return whether a run that ended before its first checkpoint may have left the folder."""
    return folder.is_dir() and all(map(is_temporary, os.listdir(folder)))


def _fresh(given: Mapping[str, Any]) -> Start:
    source = None
    if "from_model" in given or "quantize" in given:
        refuse_options_of_source(given)
        source = _read_source(resolve({**given, "model": ""}))  # its name is told by the file
        given = {**source.options, **given} if source else given
    config = resolve(given)
    own = _look_at_data(config)
    return Start(resolve(given, own.train_count) if own else config, None, own, source)


def _read_source(config: TrainConfig) -> Source | None:
    if config.from_model is None:
        return None
    backend.set_up(config.threads)  # which is too late once a model has been read
    return read_source(config.from_model)


def _look_at_data(config: TrainConfig) -> OwnData | None:
    if config.model == LOCATOR:
        return None
    # The size of a source is that of its input, whatever the data is.
    size = None if config.from_model and not Path(config.data).is_dir() else config.size
    return look_at_own(config.data, size)


def require_writable(folder: Path) -> None:
    """Refuse a folder that cannot be made or written, before the work starts."""
    place = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not place.is_dir():
        raise OutputError(f"{folder}: expected a folder, found a file: {place}; name another place")
    if not os.access(place, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: cannot be written (no permission in {place}); name another place")


def require_same_inputs(start: Start, origin: str) -> None:
    """Refuse to resume a run whose data, teacher or first model has changed; ``origin`` is their hash now."""
    if start.progress and start.progress.origin != origin:
        sources = " or ".join(filter(None, (start.config.data, start.config.teacher, start.config.from_model)))
        raise UsageError(f"--resume: {sources} is not what this run was started with; start a new run")
