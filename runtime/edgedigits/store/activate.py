"""Make an installed bundle the active one, if it passes its gates on this board."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from edgedigits.bundle import Bundle
from edgedigits.records import to_plain
from edgedigits.store.active import BUNDLES, read_active
from edgedigits.store.gates import GateResult, Limits, Runs, choose_runs, run_gates
from edgedigits.store.store import find, locked, refuse, switch

PICTURES = "pictures"


@dataclass(frozen=True, slots=True)
class ActivationReport:
    """What `activate` did.

    Attributes
    ----------
    bundle, old: the ids of the new bundle, and of the active one before; None where there was none.
    switched: whether it became active by this; it may have been before.
    gates: what each gate found; none if it was active already.

    """

    bundle: str
    name: str
    old: str | None
    variant: str
    engine: str
    switched: bool
    refused: bool
    gates: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What to activate, and how: see `edgedigits bundle activate --help`."""

    wanted: str
    variant: str | None
    engine: str
    pictures: Path | None
    limits: Limits
    timeout_s: int


def activate(
    store: Path, request: Request, progress: Callable[[str], object], check: Callable[[Bundle], object]
) -> ActivationReport:
    """Run the gates and switch if all pass; remember why if one fails.

    ``check`` is called with the bundle first, and raises if it must not be run at all.

    Raises
    ------
    BundleError: there is no such bundle, or no such variant in it.
    EngineMissingError: no installed engine reads it.
    OutputError: the store cannot be written; what was active is active.

    """
    with locked(store):
        bundle = find(store, request.wanted)
        check(bundle)
        before = read_active(store)
        new = choose_runs(bundle, request.variant, request.engine)
        kept = (before.bundle, before.variant, before.engine) if before else None
        if kept == (bundle.id, new.variant, new.engine):
            return _report(new, kept[0], switched=False, gates=())
        old = None
        if before is not None:
            old = choose_runs(Bundle.load(store / BUNDLES / before.bundle), before.variant, before.engine)
        gates = _gates(new, old, request, _pictures(store, request), progress)
        failed = [one for one in gates if one.outcome == "failed"]
        report = _report(new, before.bundle if before else None, switched=not failed, gates=gates)
        plain = to_plain(report)
        if failed:
            refuse(store, bundle.id, f"{failed[0].gate}: {failed[0].found}", plain)
        else:
            switch(store, bundle.id, new.variant, new.engine, plain)
        return report


def _report(new: Runs, old: str | None, *, switched: bool, gates: tuple[GateResult, ...]) -> ActivationReport:
    refused = any(one.outcome == "failed" for one in gates)
    manifest = new.bundle.manifest
    return ActivationReport(manifest.id, manifest.name, old, new.variant, new.engine, switched, refused, gates)


def _pictures(store: Path, request: Request) -> Path | None:
    """Return the folder that was named, or else the store's own if there is one."""
    own = store / PICTURES
    return request.pictures or (own if own.is_dir() else None)


def _gates(
    new: Runs, old: Runs | None, request: Request, pictures: Path | None, progress: Callable[[str], object]
) -> tuple[GateResult, ...]:
    results: list[GateResult] = []
    try:
        with _time_limit(request.timeout_s):
            for result in run_gates(new, old, pictures, request.limits, progress):
                results.append(result)  # noqa: PERF402  those before a gate that hangs are kept
    except _LateError:
        found = f"expected all gates within {request.timeout_s} s, found one that hangs or is slow; see --timeout"
        results.append(GateResult("time", "failed", found))
    return tuple(results)


class _LateError(Exception):
    """The time is up; no gate takes it for an error of what it runs."""


@contextmanager
def _time_limit(seconds: int) -> Iterator[None]:
    """Raise `_LateError` in the main thread after so many seconds; a process that runs for it is ended then."""

    def late(_: int, __: FrameType | None) -> None:
        raise _LateError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
