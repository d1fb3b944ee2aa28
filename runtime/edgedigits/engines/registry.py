"""The table of engines, the choice among them, and the loading of a model in one."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from edgedigits.errors import EngineMissingError, UsageError
from edgedigits.extras import pip_line

if TYPE_CHECKING:  # the doctor reads the table where numpy may be missing or broken
    from edgedigits.engines.protocol import Engine
    from edgedigits.manifest import Format
    from edgedigits.model import Model

EngineName = Literal["auto", "litert", "tflite-runtime", "onnxruntime"]


class EngineKind(NamedTuple):
    """The facts of an engine: the format it reads, the package it needs, the extra that brings it.

    Attributes
    ----------
    package, distribution: the name under which Python imports the package, and the one under which pip knows it.
    options: the options of loading besides the number of threads: ``delegate`` (kernels of XNNPACK, on by default)
        and ``spinning`` (idle threads poll for work, off by default).

    """

    format: Format
    package: str
    distribution: str
    extra: str
    options: tuple[str, ...]


# In order of preference: the first that is installed and has the file is what "auto" takes.
ENGINES = {
    "litert": EngineKind("tflite", "ai_edge_litert", "ai-edge-litert", "litert", ("delegate",)),
    "tflite-runtime": EngineKind("tflite", "tflite_runtime", "tflite-runtime", "tflite", ("delegate",)),
    "onnxruntime": EngineKind("onnx", "onnxruntime", "onnxruntime", "onnx", ("spinning",)),
}


def installed_engines(format_: Format | None = None) -> list[str]:
    """Return the installed engines, in order of preference; with ``format_``, only those that read it."""
    return [
        name for name, kind in ENGINES.items() if format_ in {None, kind.format} and find_spec(kind.package) is not None
    ]


def choose_engine(name: str, format_: Format | None = None) -> list[str]:
    """Return the installed engines that ``name`` stands for; ``auto`` stands for all that read ``format_``.

    Raises
    ------
    UsageError: there is no engine of that name.
    EngineMissingError: none of them is installed; the message has the pip command.

    """
    if name != "auto" and name not in ENGINES:
        raise UsageError(f"engine {name!r}: expected auto or one of {', '.join(ENGINES)}")
    if name == "auto":
        if found := installed_engines(format_):
            return found
        wanted = [engine for engine, kind in ENGINES.items() if format_ in {None, kind.format}]
        raise EngineMissingError(
            f"expected an engine ({' or '.join(wanted)}), found none installed; {pip_line(ENGINES[wanted[0]].extra)}"
        )
    if name not in installed_engines():
        raise EngineMissingError(f"engine {name}: is not installed; {pip_line(ENGINES[name].extra)}")
    return [name]


def load_engine(name: str, model: Model, num_threads: int = 1, **options: bool) -> Engine:
    """Load a model in an engine; `EngineKind` lists the ``options``.

    Raises
    ------
    UsageError: there are fewer than one thread, or the engine has no such option or reads another format.
    EngineMissingError: the engine is not installed, or its import fails.
    ModelRejectedError: the engine refuses the file.

    """
    choose_engine(name)
    kind = ENGINES[name]
    if num_threads < 1:
        raise UsageError(f"expected at least 1 thread, found {num_threads}")
    if unknown := set(options) - set(kind.options):
        raise UsageError(f"engine {name}: has no option {min(unknown)}, only {', '.join(kind.options)}")
    if model.format != kind.format:
        readers = " or ".join(engine for engine, other in ENGINES.items() if other.format == model.format)
        raise UsageError(f"engine {name} reads .{kind.format} files, found .{model.format}; take {readers}")
    module = _import(name, kind)
    try:
        engine: Engine = module.load(model.data, num_threads, **options)
    except Exception as error:  # engines raise their own types, some with an empty message
        from edgedigits.engines.refusal import refusal

        raise refusal(name, module.VERSION, model, error) from error
    return engine


def engine_version(name: str) -> str:
    """Return the installed release of an engine.

    Raises
    ------
    EngineMissingError: its import fails.

    """
    return str(_import(name, ENGINES[name]).VERSION)


def reason(error: BaseException) -> str:
    """Return one line about any exception, whose message may be long or empty."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _import(name: str, kind: EngineKind) -> Any:
    try:
        return import_module(f"edgedigits.engines.{name.replace('-', '_')}")
    except Exception as error:  # a broken binary wheel raises AttributeError, SystemError or ImportError
        hint = (
            "tflite-runtime needs numpy 1: pip install 'numpy<2'" if name == "tflite-runtime"
            else f"install it again: {pip_line(kind.extra)}"
        )  # fmt: skip
        raise EngineMissingError(
            f"engine {name}: is installed but cannot be imported ({reason(error)}); {hint}"
        ) from error
