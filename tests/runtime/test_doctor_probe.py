from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from edgedigits.doctor import probe as module
from edgedigits.doctor.probe import BASE_PACKAGES, probe
from edgedigits.engines import ENGINES

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals")


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put a package on the path before the real one; its body is Python that a crashing binary stands for."""

    def make(package, body, **modules):
        folder = tmp_path / "fakes" / package
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(body)
        for name, text in modules.items():
            (folder / f"{name}.py").write_text(text)
        paths = [str(tmp_path / "fakes"), *filter(None, [os.environ.get("PYTHONPATH")])]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))

    return make


def die(name):
    return f"import os, signal\nos.kill(os.getpid(), signal.{name})\n"


# It never ends, and holds the interpreter's lock, as native code that hangs does.
HANG = "import re\nre.match('(a+)+$', 'a' * 60 + 'b')\n"


def test_an_installed_engine_computes_the_golden_outputs(engine):
    assert probe(engine) is None


@pytest.mark.parametrize("package", BASE_PACKAGES)
def test_numpy_and_pillow_can_be_tried_alone(package):
    assert probe(package) is None


@pytest.mark.parametrize("signal", ["SIGILL", "SIGSEGV", "SIGBUS"])
def test_an_engine_that_kills_its_process_is_reported_with_its_last_step(fake, signal):
    fake("tflite_runtime", die(signal))
    assert probe("tflite-runtime") == f"tflite-runtime died of {signal} (importing tflite_runtime)"


def test_an_engine_that_dies_later_is_reported_with_that_step(fake):
    fake(
        "ai_edge_litert",
        "__version__ = '9'",
        interpreter=f"def Interpreter(**_):\n    exec({die('SIGILL')!r})",
    )
    assert probe("litert") == "litert died of SIGILL (building an interpreter)"


@pytest.mark.slow
def test_an_engine_that_hangs_is_ended(fake):
    fake("onnxruntime", HANG)
    assert probe("onnxruntime", 2).startswith("onnxruntime gave no result within 2 s (")


WRONG = """
import numpy as np
class Interpreter:
    def __init__(self, **_): pass
    def allocate_tensors(self): pass
    def _details(self, dtype, shape):
        none = {"scales": [], "zero_points": []}
        return [{"name": "x", "index": 0, "dtype": dtype, "shape": shape, "quantization_parameters": none}]
    def get_input_details(self): return self._details(np.uint8, (1, 28, 28, 1))
    def get_output_details(self): return self._details(np.float32, (1, 10))
    def set_tensor(self, *_): pass
    def invoke(self): pass
    def get_tensor(self, _): return np.full((1, 10), 0.1, np.float32)
"""


def test_an_engine_with_wrong_outputs_does_not_work(fake):
    fake("tflite_runtime", "__version__ = '2.14.0'", interpreter=WRONG)
    assert "of 3 golden inputs give wrong outputs" in probe("tflite-runtime")


def test_a_numpy_that_is_broken_is_named_with_its_first_cause(fake):
    fake(
        "numpy",
        "try:\n raise OSError('libopenblas.so.0: cannot open')\n"
        "except OSError as error:\n raise ImportError('half a page') from error",
    )
    assert probe("numpy") == "numpy cannot be imported (OSError: libopenblas.so.0: cannot open)"
    assert probe("litert") == "numpy cannot be imported (OSError: libopenblas.so.0: cannot open)"


def test_where_no_process_can_be_started_that_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(module.sys, "executable", str(tmp_path / "no-python"))
    assert probe("litert") == "litert: no process could be started for it (No such file or directory)"


@pytest.mark.slow
def test_the_command_outlives_engines_that_do_not(fake, command):
    for kind, body in zip(
        ENGINES.values(), [die("SIGILL"), die("SIGSEGV"), "raise AttributeError('_ARRAY_API')"], strict=True
    ):
        fake(kind.package, body)
    done = command("doctor", "--json")
    assert (done.returncode, done.stderr) == (3, "")
    report = json.loads(done.stdout)
    assert report["schema"] == "edgedigits/doctor/1"
    assert [engine["name"] for engine in report["engines"]] == list(ENGINES)
    assert [engine["works"] for engine in report["engines"]] == [False] * 3
    for engine, part in zip(report["engines"], ("SIGILL", "SIGSEGV", "AttributeError: _ARRAY_API"), strict=True):
        assert part in engine["error"]
    assert report["numpy"]["works"]
    assert report["pillow"]["works"]
    assert report["advice"]["working"] == []


@pytest.mark.slow
def test_the_command_lists_what_works_on_this_machine(command, engine, tmp_path):
    done = command("doctor", "-o", "doctor.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2].startswith("Ready: ")
    report = json.loads((tmp_path / "doctor.json").read_text())
    (row,) = [row for row in report["engines"] if row["name"] == engine]
    assert row == {"name": engine, "installed": True, "version": row["version"], "works": True, "error": None}
    assert row["version"][0].isdigit()
    assert engine in report["advice"]["working"]
    assert report["python"]["version"] == sys.version.split()[0]


def test_no_result_is_replaced_and_nothing_is_examined_for_it(command, refused, tmp_path):
    (tmp_path / "there.json").write_text("{}")
    refused(command("doctor", "-o", "there.json"), 2, "exists already")


def without(packages):
    """Run the command in a Python that finds none of these packages, as a bare one would."""
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in packages)
    return [sys.executable, "-c", f"import sys; {blocked}; from edgedigits.cli.main import main; sys.exit(main())"]


def test_all_that_a_bare_python_lacks_is_reported(tmp_path):
    packages = ["numpy", "PIL", *(kind.package for kind in ENGINES.values())]
    done = subprocess.run([*without(packages), "doctor", "--json"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "")
    report = json.loads(done.stdout)
    assert not any(component["installed"] for component in (report["numpy"], report["pillow"], *report["engines"]))
    assert report["advice"]["commands"] or report["advice"]["reason"]


def test_a_broken_numpy_keeps_the_doctor_from_nothing(fake, command, engine):
    fake("numpy", "raise ImportError('of another Python')")
    done = command("doctor")
    assert (done.returncode, done.stderr) == (3, "")
    assert "numpy cannot be imported (ImportError: of another Python)" in done.stdout
    assert "install --force-reinstall" in done.stdout
