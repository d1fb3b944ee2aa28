"""Layers and functions of one's own, given to Keras out of a Python file that the user names."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from edgedigits.errors import UsageError
from edgedigits_export.decisive import decisive_sentence
from edgedigits_export.lazy_imports import load, quiet

_MODULE = "edgedigits_custom_objects"
# A script that trains would do so again, and write its model over the one that is read.
_TRAINING = {"fit", "save", "save_weights"}


def register_custom_objects(path: Path) -> None:
    """Run a Python file, and let Keras find the classes and functions that it defines by their names.

    Those that the file registers itself, by ``keras.saving.register_keras_serializable``, are found as well.

    Raises
    ------
    UsageError: the file cannot be read or run, trains or stores a model where it is run, or defines nothing.

    """
    keras = load("keras")
    module = ModuleType(_MODULE)
    module.__file__ = str(path)
    try:
        tree = ast.parse(path.read_bytes(), str(path))
        _refuse_training(tree, path)
        code = compile(tree, str(path), "exec")
        sys.modules[_MODULE] = module  # where dataclasses and their like look for what a class is made with
        with quiet():
            exec(code, module.__dict__)  # noqa: S102  it is the user's own file, named to be run
    except OSError as error:
        raise UsageError(f"--custom-objects: {path} cannot be read ({error.strerror or error})") from error
    except UsageError:
        raise
    # A file of somebody else raises what it likes, and a script may end itself.
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"--custom-objects: expected a Python file that defines layers and runs by itself, found {path}, which "
            f"ends with {type(error).__name__}{_line_of(error, path)}: {decisive_sentence(error)}"
        ) from error
    found = {name: one for name, one in vars(module).items() if getattr(one, "__module__", None) == _MODULE}
    if not found:
        raise UsageError(
            f"--custom-objects: expected a Python file that defines layers or functions, found none in {path}"
        )
    keras.saving.get_custom_objects().update(found)


def _refuse_training(tree: ast.Module, path: Path) -> None:
    for call in _run_at_once(tree):
        if isinstance(call.func, ast.Attribute) and call.func.attr in _TRAINING:
            raise UsageError(
                f"--custom-objects: expected a Python file that defines layers and functions, found {path}, which in "
                f"line {call.lineno} calls .{call.func.attr}(); put the layers into a file of their own"
            )


def _run_at_once(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a file that are made when it is run, and not only by its functions or as the main program."""
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if later or (isinstance(child, ast.If) and "__main__" in ast.unparse(child.test)):
            continue
        if isinstance(child, ast.Call):
            yield child
        yield from _run_at_once(child)


def _line_of(error: BaseException, path: Path) -> str:
    """Return the last line of the file itself that was running."""
    trace, line = error.__traceback__, getattr(error, "lineno", None)
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == str(path) else line
        trace = trace.tb_next
    return f" in line {line}" if line else ""
