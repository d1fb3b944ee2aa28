"""The store of a board: installing bundles, switching between them, listing them.

Everything is written beside its place and renamed, under a lock that a killed process lets go of. So at any moment the
store is whole, and what a killed process left is removed by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from edgedigits.bundle import MANIFEST, Bundle
from edgedigits.errors import BundleError, EdgeDigitsError, OutputError, TargetError, UsageError
from edgedigits.files import folder_atomic, write_atomic
from edgedigits.store.active import ACTIVATIONS, ACTIVE, BUNDLES, RECORD, Activation, read_activation, read_active
from edgedigits.store.contents import Contents

REFUSED = "refused"
_LOCK = "lock"
_LEAST_ID = 6  # characters
_SPARE = 1 << 20  # bytes that installing leaves free for records and links


class Entry(NamedTuple):
    """One installed bundle.

    Attributes
    ----------
    installed: when, in seconds since 1970.
    state: ``active``, ``refused``, ``installed``, or ``broken``.
    why: why it was refused or what is broken; None for others.

    """

    id: str
    name: str
    installed: float
    state: str
    why: str | None


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store's lock, and remove what a killed process left half done.

    Raises
    ------
    OutputError: the store cannot be written.
    TargetError: this system has no locks of files, which only Windows lacks.

    """
    try:
        import fcntl
    except ImportError as error:
        raise TargetError(
            "bundle: expected a POSIX system for the store, found none; use folders of bundles"
        ) from error
    try:
        for folder in (BUNDLES, ACTIVATIONS, REFUSED):
            (store / folder).mkdir(parents=True, exist_ok=True)
        handle = os.open(store / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise OutputError(
            f"{store}: cannot be written ({error.strerror or error}); name another store in EDGEDIGITS_STORE"
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        for folder in (BUNDLES, ACTIVATIONS, REFUSED):
            for left in (store / folder).glob(".*"):
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink()
        yield
    except OSError as error:
        raise OutputError(f"{store}: cannot be written ({error.strerror or error})") from error
    finally:
        os.close(handle)


def install(store: Path, contents: Contents) -> bool:
    """Copy a bundle into the locked store; return whether anything had to be written.

    Of a bundle that is there, files that are missing or damaged are written again, one by one.

    Raises
    ------
    BundleError: a file is not the one in the manifest; nothing is visible then.
    OutputError: the disk is full, or cannot be written.

    """
    free = shutil.disk_usage(store).free
    if contents.size + _SPARE > free:
        raise OutputError(f"{store}: expected {contents.size + _SPARE:,} bytes free, found {free:,}; make room")
    place = store / BUNDLES / contents.manifest.id
    if place.is_dir():
        return _repair(place, contents)
    with folder_atomic(place, overwrite=False) as work:
        for name, data in contents.files():
            (work / name).write_bytes(data)
    return True


def _repair(place: Path, contents: Contents) -> bool:
    changed = False
    for name, data in contents.files():
        file = place / name
        if not file.is_file() or file.read_bytes() != data:
            write_atomic(file, data)
            changed = True
    return changed


def find(store: Path, wanted: str) -> Bundle:
    """Return the installed bundle of an id, of which the first characters are enough.

    Raises
    ------
    BundleError: there is none, or more than one.

    """
    there = _ids(store)
    found = [one for one in there if one.startswith(wanted)] if len(wanted) >= _LEAST_ID else []
    if len(found) != 1:
        raise BundleError(
            f"{wanted}: expected the id of one installed bundle, {_LEAST_ID} characters of it at least, found "
            f"{', '.join(one[:12] for one in found or there) or 'no bundle'}; edgedigits bundle list shows them"
        )
    return Bundle.load(store / BUNDLES / found[0])


def switch(store: Path, bundle: str, variant: str | None, engine: str, report: dict[str, Any]) -> Activation:
    """Make a bundle of the locked store the active one."""
    before = read_active(store)
    number = f"{max((int(one.name) for one in (store / ACTIVATIONS).glob('[0-9]*')), default=0) + 1:06}"
    record = Activation(number, bundle, before.number if before else None, variant, engine, time.time(), report)
    with folder_atomic(store / ACTIVATIONS / number, overwrite=False) as work:
        values = {name: value for name, value in record._asdict().items() if name != "number"}
        (work / RECORD).write_text(json.dumps(values, indent=1) + "\n")
        (work / "bundle").symlink_to(Path("..", "..", BUNDLES, bundle))
    _point(store, number)
    (store / REFUSED / f"{bundle}.json").unlink(missing_ok=True)
    return record


def roll_back(store: Path) -> tuple[Activation, Activation | None]:
    """Make the bundle of the locked store active again that was before, or none if the first one is active.

    Returns what was active, and what is now. Nothing has to be written for it but one link, so it works on a full disk.

    Raises
    ------
    UsageError: nothing is active.

    """
    now = read_active(store)
    if now is None:
        raise UsageError("rollback: expected an active bundle, found none; activate one")
    if now.previous is None:
        (store / ACTIVE).unlink()
        return now, None
    before = read_activation(store, now.previous)
    _point(store, before.number)
    return now, before


def refuse(store: Path, bundle: str, why: str, report: dict[str, Any]) -> None:
    """Remember in the locked store why a bundle was refused."""
    values = {"at": time.time(), "why": why, "report": report}
    write_atomic(store / REFUSED / f"{bundle}.json", (json.dumps(values, indent=1) + "\n").encode())


def entries(store: Path) -> list[Entry]:
    """Return all installed bundles, the oldest first."""
    active = read_active(store)
    return sorted((_entry(store, one, active) for one in _ids(store)), key=lambda one: (one.installed, one.id))


def _entry(store: Path, bundle: str, active: Activation | None) -> Entry:
    place, refused = store / BUNDLES / bundle, store / REFUSED / f"{bundle}.json"
    state = "active" if active and active.bundle == bundle else "installed"
    try:
        name, why = Bundle.load(place).manifest.name, None
        if refused.exists():
            state, why = (state if state == "active" else "refused"), json.loads(refused.read_bytes())["why"]
    except (EdgeDigitsError, ValueError, KeyError) as error:
        name, state, why = "–", "broken", str(error)
    return Entry(bundle, name, place.stat().st_mtime, state, why)


def _ids(store: Path) -> list[str]:
    return sorted(one.parent.name for one in (store / BUNDLES).glob(f"[0-9a-f]*/{MANIFEST}"))


def _point(store: Path, number: str) -> None:
    """Replace the link ``active``, and have that on the disk."""
    new = store / f".{ACTIVE}"
    new.unlink(missing_ok=True)
    new.symlink_to(Path(ACTIVATIONS, number, "bundle"))
    os.replace(new, store / ACTIVE)
    folder = os.open(store, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
