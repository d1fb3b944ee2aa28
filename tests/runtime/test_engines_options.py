"""What an engine can be told at load, down to what its own package is given."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from edgedigits.engines import ENGINES, load_engine
from edgedigits.errors import UsageError
from edgedigits.model import lone_model


@pytest.fixture
def model(shipped, engine):
    return lone_model(shipped.path / f"small-int8.{ENGINES[engine].format}")


@pytest.fixture
def given_to(monkeypatch, engine):
    """Load with options; returns the settings that the engine's package was given, under our names."""
    module = import_module(f"edgedigits.engines.{engine.replace('-', '_')}")

    def interpreters(model, threads, options):
        seen, real = [], module.Interpreter
        monkeypatch.setattr(module, "Interpreter", lambda **words: seen.append(words) or real(**words))
        load_engine(engine, model, threads, **options)
        (words,) = seen
        resolver = import_module(f"{ENGINES[engine].package}.interpreter").OpResolverType
        chosen = words.get("experimental_op_resolver_type", resolver.AUTO)
        kernels = {resolver.AUTO: True, resolver.BUILTIN_WITHOUT_DEFAULT_DELEGATES: False}
        return words["num_threads"], {"delegate": kernels[chosen]}

    def sessions(model, threads, options):
        seen, real = [], module.onnxruntime.InferenceSession
        monkeypatch.setattr(
            module.onnxruntime,
            "InferenceSession",
            lambda data, told, **rest: seen.append(told) or real(data, told, **rest),
        )
        load_engine(engine, model, threads, **options)
        (told,) = seen
        spinning = told.get_session_config_entry("session.intra_op.allow_spinning")
        return told.intra_op_num_threads, {"spinning": {"0": False, "1": True}[spinning]}

    return sessions if engine == "onnxruntime" else interpreters


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("value", [True, False, None])
def test_threads_and_options_reach_the_package_and_have_a_default(model, engine, given_to, threads, value):
    (option,) = ENGINES[engine].options
    default = {"delegate": True, "spinning": False}[option]
    options = {} if value is None else {option: value}
    assert given_to(model, threads, options) == (threads, {option: default if value is None else value})


def test_options_change_no_answer(model, engine, digits):
    (option,) = ENGINES[engine].options
    with_it, without = (load_engine(engine, model, 1, **{option: value}).run(digits.images) for value in (True, False))
    assert (with_it.argmax(axis=1) == without.argmax(axis=1)).mean() >= 0.99
    assert np.abs(with_it - without).max() < 0.1


@pytest.mark.parametrize("option", ["delegate", "spinning", "speed"])
def test_an_option_that_an_engine_does_not_have_is_refused(model, engine, option):
    if option in ENGINES[engine].options:
        load_engine(engine, model, 1, **{option: True})
        return
    (known,) = ENGINES[engine].options
    with pytest.raises(UsageError) as caught:
        load_engine(engine, model, 1, **{option: True})
    assert str(caught.value) == f"engine {engine}: has no option {option}, only {known}"
