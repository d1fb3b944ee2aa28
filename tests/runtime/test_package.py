from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import edgedigits
from edgedigits.cli.verbs import VERBS

MODULES = sorted(
    ".".join(("edgedigits", *file.relative_to(Path(edgedigits.__file__).parent).with_suffix("").parts))
    for file in Path(edgedigits.__file__).parent.rglob("*.py")
    if file.stem not in {"__init__", "litert", "tflite", "onnxruntime"}  # engines need their package
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
    with pytest.raises(AttributeError, match="module 'edgedigits' has no attribute 'Digit'"):
        edgedigits.Digit  # noqa: B018


def test_nothing_of_the_device_package_imports_what_a_board_does_not_have():
    done = run(HEAVY, f"from importlib import import_module\nfor name in {MODULES!r}: import_module(name)\nprint('ok')")
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr


def test_a_digit_is_read_without_them_too(pictures):
    body = f"from edgedigits.cli.main import main\nraise SystemExit(main(['classify', {str(pictures[0])!r}]))"
    done = run(HEAVY, body)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{pictures[0]}: ")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["classify", "--help"], ["bench", "--help"]])
def test_help_costs_no_numpy(words):
    done = run({"numpy", "PIL", *HEAVY}, f"from edgedigits.cli.main import main\nraise SystemExit(main({words!r}))")
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_importing_the_package_costs_nothing_heavy():
    assert run({"numpy", "PIL"}, "import edgedigits; edgedigits.__version__").returncode == 0


def test_the_denial_denies():
    assert run({"numpy"}, "import numpy").returncode == 1


def test_every_verb_of_the_device_has_its_module():
    for name, verb in VERBS.items():
        if verb.module.startswith("edgedigits."):
            module = import_module(verb.module)
            assert module.configure.__doc__, name
            assert callable(module.run)
            assert verb.extra is None
