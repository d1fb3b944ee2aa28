"""Layers of one's own come out of the Python file that is named, and a file that gives none is told in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgedigits.errors import BundleError, UsageError
from edgedigits_export.keras_model.frozen import freeze
from edgedigits_export.keras_model.load import load_keras
from edgedigits_export.lazy_imports import load, quiet

pytestmark = pytest.mark.tensorflow

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"
KERAS = Path(__file__).parents[2] / "models" / "small.keras"
Build = Callable[..., Path]

OWN = """
import keras

class Twice(keras.layers.Layer):
    def call(self, values):
        return values * 2

@keras.saving.register_keras_serializable("mine")
class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.flat, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)

    def call(self, values):
        return self.dense(self.flat(values))

print("noise")
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(OWN)
    return path


@pytest.fixture
def namespace(own: Path) -> dict[str, Any]:
    """What the owner's own script has, in another module than the one that is loaded."""
    made: dict[str, Any] = {"__name__": "script"}
    with quiet():
        exec(OWN, made)  # noqa: S102
    load("keras").saving.get_custom_objects().clear()
    return made


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    """Keras keeps what was registered for the rest of a process."""
    yield
    load("keras").saving.get_custom_objects().clear()


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_a_layer_of_ones_own_comes_out_of_the_file_that_is_named(
    save: Build, own: Path, namespace: dict[str, Any], ending: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = save(namespace["Twice"](), name=f"model.{ending}")
    model = load_keras(path, own)
    assert type(model.layers[0]).__module__ != "script"
    assert float(np.asarray(model.layers[0](np.float32(3)))) == 6
    assert capfd.readouterr().out == ""
    assert sorted(one.name for one in own.parent.iterdir()) == sorted([path.name, own.name])


def test_a_model_of_a_class_of_its_own_is_to_be_exported_as_a_saved_model(
    own: Path, namespace: dict[str, Any], tmp_path: Path
) -> None:
    model = namespace["Net"]()
    with quiet():
        model(np.zeros((1, 8, 8, 1), np.float32))
        model.save(tmp_path / "net.keras")
    with pytest.raises(BundleError, match=r"Could not locate class 'Net'; name the Python file .*--custom-objects"):
        load_keras(tmp_path / "net.keras")
    with pytest.raises(UsageError, match=r"save it with model\.export\('folder'\), and export that folder"):
        freeze(load_keras(tmp_path / "net.keras", own))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f(:", "SyntaxError in line 1: invalid syntax"),
        ("\n\nvalue = 1 / 0", "ZeroDivisionError in line 3: division by zero"),
        ("import sys\nsys.exit(3)", "SystemExit in line 2"),
        ("value = 1", "expected a Python file that defines layers or functions, found none in "),
        (
            "with open('x'):\n    net.fit(images)",
            r"own\.py, which in line 2 calls \.fit\(\); put the layers into a file",
        ),
        ("if 1:\n  print(net.save('net.keras'))", r"which in line 2 calls \.save\(\); put the layers into a file"),
        (None, r"cannot be read \(No such file or directory\)"),
    ],
)
def test_a_file_that_gives_nothing_is_one_line(save: Build, tmp_path: Path, text: str | None, said: str) -> None:
    own = tmp_path / "own.py"
    if text is not None:
        own.write_text(text)
    with pytest.raises(UsageError, match=said) as caught:
        load_keras(save(), own)
    assert str(caught.value).startswith("--custom-objects: ")
    assert "\n" not in str(caught.value)


def test_what_is_run_only_as_the_main_program_may_train(save: Build, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(
        "def train(net):\n    net.fit(1)\n\nif __name__ == '__main__':\n    train(net)\n    net.save('net.keras')"
    )
    load_keras(save(), own)


def test_the_commands_run_the_file_before_anything_else(
    save: Build, tmp_path: Path, run_here: Any, refused: Any
) -> None:
    (tmp_path / "own.py").write_text("value = 1 / 0")
    said = "own.py, which ends with ZeroDivisionError in line 1"
    words = ("--custom-objects", "own.py")
    refused(run_here("export", save(), *words, "--calibration", DIGITS, "-o", "out"), 2, said)
    done = run_here("parity", "--per-layer", KERAS, *words, "--data", DIGITS)
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()
