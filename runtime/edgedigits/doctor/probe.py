"""Does an engine work here? It builds an interpreter and answers golden inputs, in a process that may die of it."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

from edgedigits.errors import EdgeDigitsError, TargetError
from edgedigits.isolation import report_to_parent, run_isolated

# What answers need beside an engine, and the module that loads its native part.
BASIS = {"numpy": "numpy", "pillow": "PIL.Image"}
# Generous: the first import of an engine takes a Zero 2 W with a slow card most of a minute.
PATIENCE_S = 120


def probe(part: str, patience_s: int = PATIENCE_S) -> str | None:
    """Try an engine by its name, or import a part of `BASIS`; returns None if it works, else what happened.

    A process that has given no answer after ``patience_s`` seconds is ended.
    """
    try:
        run_isolated(__name__, [part, str(patience_s)], part)
    except EdgeDigitsError as error:
        # What to do comes after the semicolon, and it is the doctor's business.
        return str(error).partition("; ")[0].replace("died of SIGALRM", f"gave no answer within {patience_s} s")
    except OSError as error:
        return f"{part}: no process could be started for it ({error.strerror or error})"
    return None


def _try(part: str, patience_s: str) -> None:
    """The process's own side; what it is about to do goes to standard error, as last words."""
    if hasattr(signal, "alarm"):
        # The system ends the process, even one that hangs in native code and holds the interpreter's lock.
        signal.alarm(int(patience_s))
    if part in BASIS:
        _import(BASIS[part])
        return
    for name in BASIS.values():
        _import(name)
    _answer(part)


def _import(name: str) -> None:
    _announce(f"importing {name}")
    try:
        import_module(name)
    except Exception as error:  # a broken binary wheel raises whatever it likes
        raise TargetError(f"{name} cannot be imported ({_cause(error)})") from error


def _answer(name: str) -> None:
    from edgedigits.bundle import Bundle
    from edgedigits.engines import ENGINES, load_engine
    from edgedigits.model import model_of_bundle
    from edgedigits.tensors import to_model_input, to_probabilities
    from edgedigits.verification.golden import check_at_load

    bundle = Bundle.load()
    model = model_of_bundle(bundle, bundle.pick(None, [ENGINES[name].format]))
    _import(ENGINES[name].package)
    _announce("building an interpreter")
    engine = load_engine(name, model)
    _announce("answering golden inputs")
    check_at_load(
        model,
        lambda images: to_probabilities(engine.run(to_model_input(images, engine.image)), engine.probabilities),
        name,
    )


def _announce(doing: str) -> None:
    print(doing, file=sys.stderr, flush=True)


def _cause(error: BaseException) -> str:
    """The first cause: numpy wraps a missing library in half a page of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _try(*sys.argv[1:])))
