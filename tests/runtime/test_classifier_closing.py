"""A closed classifier refuses every call, and closing one that other threads use disturbs no inference."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from edgedigits import classifier as module
from edgedigits.classifier import DigitClassifier
from edgedigits.errors import UsageError

CLOSED = "small: this classifier is closed; make another"
BLANK = np.zeros((50, 50), np.uint8)
THREADS = 4
ROUNDS = 8
PATIENCE_S = 10


@pytest.fixture(scope="module")
def page(digits):
    """Two digits as one picture, dark on white."""
    return np.pad(255 - np.hstack(digits.images[:2, ..., 0]), 20, constant_values=255)


@pytest.fixture(params=["classify", "classify_batch", "read"])
def call(request, digits, page):
    """One of the methods as a function of the classifier, with an argument that needs an inference."""
    argument = {"classify": digits.images[0, ..., 0], "classify_batch": digits.images[:3], "read": page}[request.param]
    return lambda classifier: getattr(classifier, request.param)(argument)


@pytest.fixture
def switch_often():
    """Let threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def outcome(result):
    """What a method returned, without its times."""
    if isinstance(result, np.ndarray):
        return result.tobytes()
    return {name: value for name, value in result.to_dict().items() if name != "timing_ms"}


CALLS = {
    "a ready digit": lambda classifier, digits: classifier.classify(digits.images[0, ..., 0]),
    "a blank picture": lambda classifier, _: classifier.classify(BLANK),
    "no picture": lambda classifier, _: classifier.classify(b""),
    "a batch": lambda classifier, digits: classifier.classify_batch(digits.images),
    "an empty batch": lambda classifier, digits: classifier.classify_batch(digits.images[:0]),
    "no batch": lambda classifier, _: classifier.classify_batch(None),
    "a blank page": lambda classifier, _: classifier.read(BLANK),
    "no page": lambda classifier, _: classifier.read(b""),
    "with": lambda classifier, _: classifier.__enter__(),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_method_of_a_closed_classifier_refuses(engine, digits, call):
    classifier = DigitClassifier(engine=engine)
    classifier.close()
    classifier.close()  # twice does nothing
    with pytest.raises(UsageError) as caught:
        call(classifier, digits)
    assert str(caught.value) == CLOSED


def test_what_a_closed_classifier_was_can_still_be_asked(engine):
    with DigitClassifier(engine=engine) as classifier:
        known = classifier.labels, classifier.model_id, classifier.engine_id, classifier.image_shape
    assert (classifier.labels, classifier.model_id, classifier.engine_id, classifier.image_shape) == known


def test_closing_frees_the_model_of_every_thread(engine, digits, monkeypatch):
    held = []
    load = module.load_engine

    def loaded(*args):
        found = load(*args)
        if hasattr(found, "_make"):
            make = found._make
            held.append(weakref.ref(found))

            def made():
                interpreter = make()
                held.append(weakref.ref(interpreter))
                return interpreter

            found._make = made
        else:
            held.extend([weakref.ref(found), weakref.ref(found._session)])
        return found

    monkeypatch.setattr(module, "load_engine", loaded)
    classifier = DigitClassifier(engine=engine)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(classifier.classify, digits.images[:20, ..., 0]))
        assert len(held) >= 2
        assert all(one() is not None for one in held)
        classifier.close()
        assert [one() for one in held] == [None] * len(held)  # while the threads are alive


class Halting:
    """An engine that halts inside ``run`` until it is told to go on."""

    def __init__(self, engine):
        self.engine = engine
        self.name, self.version = engine.name, engine.version
        self.inputs, self.outputs = engine.inputs, engine.outputs
        self.entered, self.resume = threading.Event(), threading.Event()

    def run(self, images):
        self.entered.set()
        assert self.resume.wait(PATIENCE_S)
        return self.engine.run(images)


def test_an_inference_that_runs_when_the_classifier_is_closed_returns_its_result(engine, call, monkeypatch):
    with DigitClassifier(engine=engine) as classifier:
        expected = outcome(call(classifier))
    load, made = module.load_engine, []
    monkeypatch.setattr(module, "load_engine", lambda *args: made.append(Halting(load(*args))) or made[0])
    classifier = DigitClassifier(engine=engine, verify=False)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call, classifier)
        assert made[0].entered.wait(PATIENCE_S)
        classifier.close()
        made[0].resume.set()
        assert outcome(running.result(PATIENCE_S)) == expected
    with pytest.raises(UsageError):
        call(classifier)


@pytest.mark.slow
@pytest.mark.parametrize("warm", [True, False], ids=["after their first call", "at their first call"])
def test_threads_that_call_while_the_classifier_is_closed_get_results_or_a_usage_error(
    engine, call, warm, switch_often
):
    with DigitClassifier(engine=engine) as classifier:
        expected = outcome(call(classifier))

    def call_on(classifier, started):
        """Call until it fails; return the error."""
        if warm:
            assert outcome(call(classifier)) == expected
        started.wait(PATIENCE_S)
        while True:
            try:
                found = call(classifier)
            except Exception as error:  # noqa: BLE001  whatever it is, the test tells
                return error
            assert outcome(found) == expected

    for _ in range(ROUNDS):
        classifier = DigitClassifier(engine=engine, verify=False)
        started = threading.Barrier(THREADS + 1)
        with ThreadPoolExecutor(THREADS) as pool:
            running = [pool.submit(call_on, classifier, started) for _ in range(THREADS)]
            started.wait(PATIENCE_S)
            classifier.close()
            errors = [one.result(PATIENCE_S) for one in running]
        assert [(type(error), str(error)) for error in errors] == [(UsageError, CLOSED)] * THREADS


@pytest.mark.parametrize("do", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_classifier_says_that_it_belongs_to_its_process(do):
    classifier = DigitClassifier()
    with pytest.raises(TypeError, match=r"cannot be pickled or copied, .*: make one in each$"):
        do(classifier)
