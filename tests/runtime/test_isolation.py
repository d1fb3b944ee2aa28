from __future__ import annotations

import os
import signal
import sys

import numpy as np
import pytest

from edgedigits import errors
from edgedigits.engines import ENGINES, load_engine
from edgedigits.errors import BundleError, EngineMissingError, MeasurementError, ModelRejectedError, UsageError
from edgedigits.isolation import report_to_parent, run_isolated
from edgedigits.model import lone_model
from edgedigits.verification.inference import infer_isolated

pytestmark = pytest.mark.slow


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module that a process of its own can run."""

    def write(body):
        (tmp_path / "child.py").write_text(body)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])))
        return "child"

    return write


TELL = "import sys\nfrom edgedigits import errors\nfrom edgedigits.isolation import report_to_parent\n"


def test_a_result_comes_back_with_the_arguments_it_was_made_of(module):
    name = module(TELL + "print('chat')\nraise SystemExit(report_to_parent(lambda: {'words': sys.argv[1:], 'n': 1.5}))")
    assert run_isolated(name, ["a", "b c"], "it") == {"words": ["a", "b c"], "n": 1.5}


def test_what_it_says_meanwhile_comes_before_the_result(module):
    said = []
    work = "from edgedigits.isolation import tell_parent\ndef work():\n    tell_parent('half')\n    return 2\n"
    assert run_isolated(module(TELL + work + "raise SystemExit(report_to_parent(work))"), [], "it", said.append) == 2
    assert said == ["half"]


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
)
def test_an_error_keeps_its_class_and_text(module, kind, capsys):
    def work():
        raise kind("what happened")

    assert report_to_parent(work) == kind.exit_code
    told = capsys.readouterr().out
    with pytest.raises(kind, match=r"^what happened$") as caught:
        run_isolated(module(f"print({told.strip()!r})"), [], "it")
    assert type(caught.value) is kind


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGILL", "SIGKILL"])
def test_a_crash_is_told_with_its_signal(module, name):
    die = f"os.kill(os.getpid(), {int(getattr(signal, name))})"
    child = module(f"import os, sys\nprint('last words', file=sys.stderr, flush=True)\n{die}")
    with pytest.raises(ModelRejectedError) as caught:
        run_isolated(child, [], "small.tflite: litert")
    assert str(caught.value) == f"small.tflite: litert died of {name} (last words); take another engine or variant"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_what_an_engine_says_of_itself_is_not_the_reason_of_a_crash(module):
    banner = "INFO: Created TensorFlow Lite XNNPACK delegate for CPU."
    child = module(f"import os, sys\nprint({banner!r}, file=sys.stderr, flush=True)\nos.kill(os.getpid(), 11)")
    with pytest.raises(ModelRejectedError, match=r"^it died of SIGSEGV \(it wrote nothing to standard error\); "):
        run_isolated(child, [], "it")


@pytest.mark.parametrize("body", ["raise SystemExit(7)", "print('no json')\nraise SystemExit(7)"])
def test_a_process_that_leaves_without_a_word_is_told_with_its_code(module, body):
    with pytest.raises(
        ModelRejectedError, match=r"^it died of exit code 7 \(it wrote nothing to standard error\); take another"
    ):
        run_isolated(module(body), [], "it")


def test_a_traceback_becomes_its_last_line(module):
    with pytest.raises(ModelRejectedError, match=r"^it died of exit code 1 \(RuntimeError: no AVX\); take another"):
        run_isolated(module("raise RuntimeError('no AVX')"), [], "it")


def test_answers_of_a_process_are_those_of_this_one(shipped, engine, digits):
    path = shipped.path / f"small-int8.{ENGINES[engine].format}"
    found = infer_isolated(path, engine, digits.images[:20])
    here = load_engine(engine, lone_model(path))
    assert np.array_equal(found.probabilities, here.run(digits.images[:20]))
    assert (found.engine, found.version) == (engine, here.version)
    assert (found.image, found.output) == (here.inputs[0], here.outputs[0])


def test_errors_of_the_process_keep_their_class(shipped, tmp_path, digits, engine):
    with pytest.raises(BundleError, match="cannot be read"):
        infer_isolated(tmp_path / f"no.{ENGINES[engine].format}", engine, digits.images[:1])
    with pytest.raises(UsageError, match="at least 1 thread"):
        infer_isolated(shipped.path / f"small-int8.{ENGINES[engine].format}", engine, digits.images[:1], 0)
    (tmp_path / f"text.{ENGINES[engine].format}").write_text("text")
    with pytest.raises(ModelRejectedError, match=f"text: {engine} .* refuses the file"):
        infer_isolated(tmp_path / f"text.{ENGINES[engine].format}", engine, digits.images[:1])


def test_the_exit_codes_are_the_documented_ones():
    assert [errors.GateFailedError.exit_code, errors.GoldenMismatchError.exit_code] == [1, 1]
    assert {kind.exit_code for kind in (errors.InputError, errors.UsageError, errors.OutputError, BundleError)} == {2}
    assert {
        kind.exit_code
        for kind in (errors.TargetError, EngineMissingError, errors.ExtraMissingError, ModelRejectedError)
    } == {3}
    assert MeasurementError.exit_code == 4


def test_a_missing_engine_is_told_from_the_process_too(module, shipped, monkeypatch):
    body = (
        TELL + "import importlib.util\nfrom edgedigits.engines import registry\nregistry.find_spec = lambda _: None\n"
    )
    name = module(body + "raise SystemExit(report_to_parent(lambda: registry.choose_engine('litert')))")
    with pytest.raises(EngineMissingError, match="engine litert: is not installed; install it with: pip install"):
        run_isolated(name, [], "it")
    assert "child" not in sys.modules
