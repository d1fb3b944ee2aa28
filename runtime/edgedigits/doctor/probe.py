"""Try an engine in a process of its own: build an interpreter and run the golden inputs; a crash ends that process."""

from __future__ import annotations

import signal
import sys
from importlib import import_module

from edgedigits.errors import EdgeDigitsError, TargetError
from edgedigits.isolation import report_to_parent, run_isolated

# The packages that inference needs besides an engine, and for each the module that loads its native code.
BASE_PACKAGES = {"numpy": "numpy", "pillow": "PIL.Image"}
# On a Zero 2 W with a slow card the first import of an engine takes most of a minute.
TIMEOUT_S = 120


def probe(component: str, timeout_s: int = TIMEOUT_S) -> str | None:
    """Try an engine, or import a package of `BASE_PACKAGES`; return None if it works, else the error.

    A process that has no result after ``timeout_s`` seconds is ended.
    """
    try:
        run_isolated(__name__, [component, str(timeout_s)], component)
    except EdgeDigitsError as error:
        # The advice after the semicolon is left out: the doctor gives its own.
        return str(error).partition("; ")[0].replace("died of SIGALRM", f"gave no result within {timeout_s} s")
    except OSError as error:
        return f"{component}: no process could be started for it ({error.strerror or error})"
    return None


def _probe_in_this_process(component: str, timeout_s: str) -> None:
    """Try a component. Each step is printed to standard error first, so that the last line says where a crash was."""
    if hasattr(signal, "alarm"):
        # The system ends the process, even one that hangs in native code and holds the interpreter's lock.
        signal.alarm(int(timeout_s))
    if component in BASE_PACKAGES:
        _import(BASE_PACKAGES[component])
        return
    for name in BASE_PACKAGES.values():
        _import(name)
    _verify_engine(component)


def _import(name: str) -> None:
    _announce(f"importing {name}")
    try:
        import_module(name)
    except Exception as error:  # a broken binary wheel may raise any exception
        raise TargetError(f"{name} cannot be imported ({_cause(error)})") from error


def _verify_engine(name: str) -> None:
    from edgedigits.bundle import Bundle
    from edgedigits.engines import ENGINES, load_engine
    from edgedigits.model import model_of_bundle
    from edgedigits.tensors import pixel_inference
    from edgedigits.verification.golden import check_at_load

    bundle = Bundle.load()
    model = model_of_bundle(bundle, bundle.pick(None, [ENGINES[name].format]))
    _import(ENGINES[name].package)
    _announce("building an interpreter")
    engine = load_engine(name, model)
    _announce("running golden inputs")
    check_at_load(model, pixel_inference(engine), name)


def _announce(step: str) -> None:
    print(step, file=sys.stderr, flush=True)


def _cause(error: BaseException) -> str:
    """Return the first cause on one line; numpy wraps a missing library in half a page of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


if __name__ == "__main__":
    raise SystemExit(report_to_parent(lambda: _probe_in_this_process(*sys.argv[1:])))
