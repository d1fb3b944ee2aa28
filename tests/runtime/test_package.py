from __future__ import annotations

import inspect
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

import edgedigits
from edgedigits import Bundle, DigitClassifier, errors
from edgedigits.bundle import Variant
from edgedigits.cli.commands import COMMANDS
from edgedigits.engines import ENGINES, EngineName
from edgedigits.manifest import PRECISIONS, SUFFIXES

MODULES = sorted(
    ".".join(("edgedigits", *file.relative_to(Path(edgedigits.__file__).parent).with_suffix("").parts))
    for file in Path(edgedigits.__file__).parent.rglob("*.py")
    if file.stem not in {"__init__", "litert", "tflite_runtime", "onnxruntime"}  # engines need their package
    and (file.parent.name != "serve" or find_spec("starlette"))  # and the service its extra
)

DENY = """
import sys
class Deny:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {names!r}:
            raise ImportError(f"{{name}} must not be imported here")
sys.meta_path.insert(0, Deny())
"""
HEAVY = {"tensorflow", "keras", "matplotlib", "scipy", "edgedigits_train", "edgedigits_export", "onnx", "jsonschema"}


def run(names, body):
    return subprocess.run(
        [sys.executable, "-c", DENY.format(names=names) + body], capture_output=True, text=True, check=False
    )


def test_public_names_are_sorted_importable_and_all_there_is():
    assert edgedigits.__all__ == sorted(edgedigits.__all__)
    for name in edgedigits.__all__:
        found = getattr(edgedigits, name)
        assert found.__module__.startswith("edgedigits.")
        assert found.__name__ == name
    assert set(dir(edgedigits)) == {*edgedigits.__all__, "__version__"}
    for name in ("Digit", "errors_", "__path", "_MODULES_"):
        with pytest.raises(AttributeError, match=f"module 'edgedigits' has no attribute '{name}'"):
            getattr(edgedigits, name)


def test_results_and_every_error_are_public_names():
    raised = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert all(name.endswith("Error") for name in raised)
    assert set(edgedigits.__all__) == raised | {
        "Bundle", "DigitClassifier", "Prediction", "Reading", "Rejection", "Timing",
    }  # fmt: skip


def test_options_of_public_methods_are_named_by_the_caller():
    keyword_only = inspect.Parameter.KEYWORD_ONLY
    allowed = {"self", "bundle", "image", "images", "name_or_path"}
    for function in (DigitClassifier, DigitClassifier.classify, DigitClassifier.classify_batch, DigitClassifier.read,
                     Bundle.load, Bundle.golden):  # fmt: skip
        for name, parameter in inspect.signature(function).parameters.items():
            assert parameter.kind is keyword_only or name in allowed, (function, name)


def test_typed_names_are_those_that_are_known():
    assert get_args(EngineName) == ("auto", *ENGINES)
    assert get_args(Variant) == tuple(p + suffix for p in PRECISIONS for suffix in ("", *SUFFIXES.values()))
    with pytest.raises(edgedigits.UsageError):
        DigitClassifier(engine="onnx")
    with pytest.raises(edgedigits.BundleError):
        DigitClassifier(variant="int4")


@pytest.mark.slow
def test_nothing_of_the_device_package_imports_what_a_board_does_not_have():
    done = run(HEAVY, f"from importlib import import_module\nfor name in {MODULES!r}: import_module(name)\nprint('ok')")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


def test_a_digit_is_read_without_them_too(pictures):
    body = f"from edgedigits.cli.main import main\nraise SystemExit(main(['classify', {str(pictures[0])!r}]))"
    done = run(HEAVY, body)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{pictures[0]}: ")


# What classifying a picture must not wait for: drawing, other formats' readers, reading pages, making dataclasses.
IDLE = {
    "edgedigits.images.explain", "edgedigits.images.lines", "edgedigits.reader", "edgedigits.annotation",
    "PIL.JpegImagePlugin", "PIL.ImageDraw", "PIL.ImageOps", "tempfile", "dataclasses",
}  # fmt: skip


def test_a_digit_waits_for_nothing_that_only_others_need(digits, tmp_path):
    Image.fromarray(digits.images[0, ..., 0]).save(tmp_path / "x.png")
    body = "import sys\nfrom edgedigits.cli.main import main\nknown = set(sys.modules)\n"
    body += "import numpy, PIL.Image\nfrom edgedigits.engines import installed_engines, load_engine\n"
    body += "from importlib import import_module\nimport_module(f'edgedigits.engines.{installed_engines()[0]}')\n"
    body += f"own = set(sys.modules)\ncode = main(['classify', {str(tmp_path / 'x.png')!r}])\n"
    body += "print(code, *sorted(set(sys.modules) - own))"
    done = run(HEAVY, body)
    assert done.returncode == 0, done.stderr
    code, *imported = done.stdout.splitlines()[-1].split()
    assert code == "0"
    assert not IDLE & set(imported)
    assert "PIL.PngImagePlugin" in imported


def test_a_process_of_its_own_neither_searches_for_cycles_often_nor_at_its_end():
    body = (
        "import gc, os\nfrom edgedigits.cli import main as module\nmodule.main = lambda: 7\ncode = module.process()\n"
    )
    body += (
        "print(code, gc.get_freeze_count() > 1000, gc.get_threshold()[0] > 10_000, os.environ['OPENBLAS_NUM_THREADS'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", body],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "3"},
    )
    assert done.stdout.split() == ["7", "True", "True", "3"], done.stderr


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["classify", "--help"], ["bench", "--help"]])
def test_help_costs_no_numpy(words):
    done = run({"numpy", "PIL", *HEAVY}, f"from edgedigits.cli.main import main\nraise SystemExit(main({words!r}))")
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_importing_the_package_costs_nothing_heavy():
    body = "import edgedigits; edgedigits.__version__; edgedigits.UsageError; dir(edgedigits)"
    assert run({"numpy", "PIL"}, body).returncode == 0


def test_the_denial_denies():
    assert run({"numpy"}, "import numpy").returncode == 1


def test_every_verb_of_the_device_has_its_module():
    for name, command in COMMANDS.items():
        if command.module.startswith("edgedigits."):
            module = import_module(command.module)
            assert module.configure.__doc__, name
            assert callable(module.run)
            assert command.extra == {"serve": "serve", "score": "scale"}.get(name)
