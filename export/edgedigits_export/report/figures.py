"""Take the figures of a report from files, or from the commands that measure them, as the JSON that both have."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from edgedigits.bundle import Bundle
from edgedigits.errors import InputError
from edgedigits.json_text import parse_json

_RECORD_KEYS = {"history", "validation", "test", "config"}


def read_record(run: Path) -> dict[str, Any]:
    """Read the record ``train.json`` of a finished training run from its folder.

    Raises
    ------
    InputError: there is no such record.

    """
    file = run / "train.json"
    try:
        record = parse_json(file.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: expected the record of a finished training run, found: {error}") from error
    if not isinstance(record, dict) or not record.keys() >= _RECORD_KEYS:
        raise InputError(f"{file}: expected the record of a finished training run, found other JSON; train again")
    return record


def read_figures(file: Path, bundle: Bundle) -> dict[str, Any]:
    """Read what `parity -o` or `bench -o` stored of this bundle.

    Raises
    ------
    InputError: the file holds other JSON, or figures of another bundle.

    """
    try:
        values = parse_json(file.read_bytes())
        rows = [row.get("configuration", row) for row in values["rows"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: expected what --json or -o stored, found: {error}") from error
    found = {row["bundle"] for row in rows if "bundle" in row} | {values.get("bundle", bundle.id)}
    if found != {bundle.id}:
        raise InputError(
            f"{file}: expected figures of the bundle {bundle.id[:12]}, found those of another; measure this one"
        )
    return dict(values)


def measure_figures(
    command: Literal["parity", "bench"], bundle: Bundle, progress: Callable[[str], object]
) -> dict[str, Any]:
    """Run the command on the bundle in a process of its own, and return its JSON; a failed gate is a figure, too.

    Raises
    ------
    InputError: the command printed no figures; what it met is on standard error.

    """
    progress(f"edgedigits {command} {bundle.path}")
    words = [sys.executable, "-m", "edgedigits.cli.main", command, str(bundle.path), "--json"]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603  our own command
    if not done.stdout:
        raise InputError(
            f"edgedigits {command} gave no figures (exit code {done.returncode}), for the reason above; run it by "
            f"itself with -o FILE, and give the report this file with --{command} FILE"
        )
    return dict(json.loads(done.stdout))
