"""Lone model files that crash an engine, raise while it infers, take all memory or never end.

Those of ``models/`` are of our own making: shipped files with a few bytes changed, found by trying, and two graphs of a
handful of operators.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits import DigitClassifier
from edgedigits.engines import installed_engines
from edgedigits.errors import ModelRejectedError
from edgedigits.isolation import how_it_died

pytestmark = pytest.mark.slow

MODELS = Path(__file__).with_name("models")
CRASHES = [("litert-crash.tflite", "litert"), ("tflite-runtime-crash.tflite", "tflite-runtime")]
REFUSED = [
    ("exception.tflite", "litert"), ("exception.tflite", "tflite-runtime"), ("litert-memory.tflite", "litert"),
    ("onnxruntime-memory.onnx", "onnxruntime"),
]  # fmt: skip


@pytest.fixture(params=[*CRASHES, *REFUSED], ids=" in ".join)
def hostile(request):
    """The path of a hostile file, and the engine that it is made for."""
    name, engine = request.param
    if engine not in installed_engines():
        pytest.skip(f"engine {engine} is not installed here")
    return MODELS / name, engine


@pytest.fixture
def picture(tmp_path):
    Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    return "digit.png"


def test_classify_ends_with_one_line_and_3(command, refused, hostile, picture):
    file, engine = hostile
    done = command("classify", "--bundle", file, "--engine", engine, picture)
    refused(done, 3, file.stem, engine)
    assert done.stdout == ""


@pytest.mark.parametrize("words", [["read", "digit.png"], ["eval", "."], ["serve", "--port", "0"]])
@pytest.mark.parametrize("file", ["litert-crash.tflite", "exception.tflite"])
def test_every_verb_that_classifies_does(command, refused, picture, file, words):
    if "litert" not in installed_engines():
        pytest.skip("engine litert is not installed here")
    refused(command(words[0], "--bundle", MODELS / file, "--engine", "litert", *words[1:], timeout=60), 3, "litert")


@pytest.mark.parametrize("verb", ["show", "check", "selftest", "bench"])
@pytest.mark.parametrize("file", ["litert-crash.tflite", "exception.tflite", "litert-memory.tflite"])
def test_verbs_that_take_any_file_end_with_3(command, verb, file):
    if "litert" not in installed_engines():
        pytest.skip("engine litert is not installed here")
    words = {"bench": ["--engine", "litert", "--seconds", "0.01"], "selftest": ["--engine", "litert"]}.get(verb, [])
    done = command(verb, MODELS / file, *words)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr + done.stdout


def test_a_file_that_never_ends_is_ended(command):
    if "onnxruntime" not in installed_engines():
        pytest.skip("engine onnxruntime is not installed here")
    file = MODELS / "onnxruntime-endless.onnx"
    soon = (
        "import sys, edgedigits.engines.inspect as inspect\n"
        "inspect._SECONDS = 1\ninspect._inspect_in_this_process(sys.argv[1], 'onnxruntime')"
    )
    done = subprocess.run([sys.executable, "-c", soon, file], capture_output=True, timeout=60, check=False)
    assert how_it_died(done.returncode, "") == "takes more of the processor's time than a file may (SIGXCPU)"


def test_what_an_engine_raises_later_is_a_refusal(monkeypatch):
    """Where the first inference goes well, and one of another picture does not."""

    def fail(self, images):
        raise RuntimeError("tensor lacks data")

    engine = installed_engines()[0]
    module = {"onnxruntime": "onnxruntime.OnnxRuntimeEngine"}.get(engine, "interpreter.InterpreterEngine")
    monkeypatch.setattr(f"edgedigits.engines.{module}.run", fail)
    classifier = DigitClassifier(engine=engine, verify=False)
    with pytest.raises(ModelRejectedError, match="refuses a picture"):
        classifier.classify_batch(np.zeros((1, 28, 28), np.uint8))


SAYS = """
import os, sys
class Say:
    def find_spec(self, name, *rest):
        if name in {"ai_edge_litert", "onnxruntime", "tflite_runtime"}:
            os.write(1, b"banner")
sys.meta_path.insert(0, Say())
"""


def test_what_an_engine_writes_stays_out_of_the_output(command, tmp_path):
    """An engine that writes to the descriptor of standard output while it is imported, and no line end after it."""
    (tmp_path / "sitecustomize.py").write_text(SAYS)
    Image.new("L", (28, 28)).save(tmp_path / "digit.png")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    done = command("classify", "--json", "digit.png", env={"PYTHONPATH": path})
    assert json.loads(done.stdout)["source"] == "digit.png"
    assert "banner" in done.stderr
    done = command("selftest", "--json", "--variant", "int8", env={"PYTHONPATH": path})
    assert done.returncode == 0
    assert {row["exit_code"] for row in json.loads(done.stdout)["rows"]} == {0}
