from __future__ import annotations

import builtins
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from edgedigits.engines import ENGINES, choose_engine, installed_engines, load_engine, registry
from edgedigits.engines.registry import reason
from edgedigits.errors import EngineMissingError, ModelRejectedError, UsageError
from edgedigits.model import Model, lone_model, model_of_bundle
from edgedigits.tensors import pixel_inference


def models(shipped, engine):
    return [model_of_bundle(shipped, file) for file in shipped.manifest.files if file.format == ENGINES[engine].format]


def lone(data, format_):
    return Model(data, format_, "some", "0" * 64, None, None, None)


def test_every_engine_loads_the_shipped_files_and_answers_as_where_they_were_made(shipped, engine):
    golden = shipped.golden()
    for model in models(shipped, engine):
        loaded = load_engine(engine, model)
        assert loaded.name == engine
        assert loaded.version
        found = pixel_inference(loaded)(golden.images)
        limit = shipped.manifest.golden.tolerance[model.file.precision].largest
        for expected in golden.expected[model.file.path].values():
            assert np.abs(found - expected).max() <= limit


def test_every_engine_sees_the_contract(shipped, engine):
    for model in models(shipped, engine):
        loaded = load_engine(engine, model)
        (image,), (scores,) = loaded.inputs, loaded.outputs
        assert (image.name, image.dtype, image.shape[1:]) == ("image", "uint8", (28, 28, 1))
        assert image.shape[0] == (1 if model.format == "tflite" else -1)
        assert (image.scale, image.zero_point) == (None, None)
        assert (scores.name, scores.dtype) == ("probabilities", "float32")
        assert scores.shape[-1] == 10


def test_a_batch_is_answered_as_its_images_one_by_one(shipped, engine, digits):
    loaded = load_engine(engine, models(shipped, engine)[0])
    together = loaded.run(digits.images)
    assert together.shape == (100, 10)
    one_by_one = np.concatenate([loaded.run(image[np.newaxis]) for image in digits.images])
    assert np.abs(together - one_by_one).max() <= 1e-6
    assert (together.argmax(axis=1) == one_by_one.argmax(axis=1)).all()


def test_an_empty_batch_has_an_empty_answer(shipped, engine):
    found = load_engine(engine, models(shipped, engine)[0]).run(np.zeros((0, 28, 28, 1), np.uint8))
    assert found.shape == (0, 10)
    assert found.dtype == np.float32


def test_threads_share_an_engine_without_mixing_their_answers(shipped, engine, digits):
    loaded = load_engine(engine, models(shipped, engine)[0])
    expected = [loaded.run(image[np.newaxis]).tobytes() for image in digits.images]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda image: loaded.run(image[np.newaxis]).tobytes(), list(digits.images) * 5))
    assert found == expected * 5


def test_several_threads_of_an_engine_give_the_same_answer(shipped, engine, digits):
    model = models(shipped, engine)[0]
    one, two = (load_engine(engine, model, threads).run(digits.images[:10]) for threads in (1, 2))
    assert np.abs(one - two).max() <= 1e-6


def test_installed_engines_come_in_the_order_of_preference(monkeypatch):
    assert list(ENGINES) == ["litert", "tflite-runtime", "onnxruntime"]
    everything = SimpleNamespace
    monkeypatch.setattr(registry, "find_spec", lambda package: everything)
    assert installed_engines() == ["litert", "tflite-runtime", "onnxruntime"]
    assert installed_engines("onnx") == ["onnxruntime"]
    assert choose_engine("auto", "tflite") == ["litert", "tflite-runtime"]
    assert choose_engine("auto") == ["litert", "tflite-runtime", "onnxruntime"]
    assert choose_engine("tflite-runtime") == ["tflite-runtime"]
    monkeypatch.setattr(registry, "find_spec", lambda package: None if package == "ai_edge_litert" else everything)
    assert installed_engines() == ["tflite-runtime", "onnxruntime"]


@pytest.mark.parametrize(
    ("name", "format_", "wanted", "package"),
    [
        (
            "auto",
            None,
            "expected an engine (litert or tflite-runtime or onnxruntime), found none installed",
            "ai-edge-litert",
        ),
        ("auto", "onnx", "expected an engine (onnxruntime), found none installed", "onnxruntime"),
        ("onnxruntime", None, "engine onnxruntime: is not installed", "onnxruntime"),
        ("litert", None, "engine litert: is not installed", "ai-edge-litert"),
    ],
)
def test_a_missing_engine_is_answered_with_the_line_that_installs_it(monkeypatch, name, format_, wanted, package):
    monkeypatch.setattr(registry, "find_spec", lambda _: None)
    with pytest.raises(EngineMissingError) as caught:
        choose_engine(name, format_)
    assert str(caught.value).startswith(f'{wanted}; install it with: pip install "{package}>=')


def test_a_misspelt_engine_is_not_guessed():
    with pytest.raises(UsageError) as caught:
        choose_engine("onnx")
    assert str(caught.value) == "engine 'onnx': expected auto or one of litert, tflite-runtime, onnxruntime"


@pytest.mark.parametrize("threads", [0, -1])
def test_no_threads_are_too_few(shipped, engine, threads):
    with pytest.raises(UsageError, match=f"expected at least 1 thread, found {threads}"):
        load_engine(engine, models(shipped, engine)[0], threads)


def test_a_file_of_another_format_is_told_with_who_reads_it(shipped, engine):
    other, readers = (
        ("onnx", "onnxruntime") if ENGINES[engine].format == "tflite" else ("tflite", "litert or tflite-runtime")
    )
    model = lone_model(shipped.path / f"small-int8.{other}")
    with pytest.raises(UsageError) as caught:
        load_engine(engine, model)
    own = ENGINES[engine].format
    assert str(caught.value) == f"engine {engine} reads .{own} files, found .{other}; take {readers}"


@pytest.mark.parametrize("kind", ["text", "png", "half", "zeros"])
def test_a_file_that_is_no_model_is_refused_in_one_line(shipped, engine, kind):
    format_ = ENGINES[engine].format
    whole = (shipped.path / f"small-int8.{format_}").read_bytes()
    data = {"text": b"hello", "png": b"\x89PNG\r\n\x1a\n" + bytes(100), "half": whole[: len(whole) // 2],
            "zeros": bytes(1000)}[kind]  # fmt: skip
    with pytest.raises(ModelRejectedError) as caught:
        load_engine(engine, lone(data, format_))
    text = str(caught.value)
    assert text.startswith(f"some: {engine} ")
    assert "refuses the file (" in text
    assert f"; it is no whole .{format_} file" in text
    assert text.endswith("; copy it here again")
    assert "\n" not in text


def fake_engine(monkeypatch, load):
    monkeypatch.setitem(sys.modules, "edgedigits.engines.litert", SimpleNamespace(VERSION="9.9", load=load))
    monkeypatch.setattr(registry, "find_spec", lambda _: SimpleNamespace)


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        (
            "Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'",
            "the file needs a newer engine: update it",
        ),
        ("opset 99 is under development", "the file needs a newer engine"),
        ("Unsupported model IR version: 13", "the file needs a newer engine"),
        ("", "take another variant or engine, or export the model again"),
    ],
)
def test_a_refusal_says_what_to_do(monkeypatch, shipped, message, cure):
    def load(data, num_threads):
        raise ValueError(message)

    fake_engine(monkeypatch, load)
    with pytest.raises(ModelRejectedError) as caught:
        load_engine("litert", model_of_bundle(shipped, shipped.manifest.files[0]))
    told = message or "ValueError"
    assert str(caught.value).startswith(f"small int8.tflite: litert 9.9 refuses the file ({told}); {cure}")


def test_a_long_or_broken_message_becomes_one_line():
    assert reason(ValueError("a\n  b\tc")) == "ValueError: a b c"
    assert reason(SystemError()) == "SystemError"
    assert reason(ValueError("x" * 1000)) == "ValueError: " + "x" * 300


@pytest.mark.parametrize(
    ("engine", "error", "hint"),
    [
        (
            "tflite-runtime",
            AttributeError("_ARRAY_API not found"),
            "tflite-runtime needs numpy 1: pip install 'numpy<2'",
        ),
        ("onnxruntime", ImportError("GLIBC_2.38 not found"), 'install it again: install it with: pip install "onnxrun'),
    ],
)
def test_an_engine_that_is_there_but_broken_is_told_with_its_cure(monkeypatch, shipped, engine, error, hint):
    real = builtins.__import__

    def broken(name, *rest):
        if name.startswith(ENGINES[engine].package):
            raise error
        return real(name, *rest)

    monkeypatch.setattr(registry, "find_spec", lambda _: SimpleNamespace)
    monkeypatch.delitem(sys.modules, f"edgedigits.engines.{engine.replace('-', '_')}", raising=False)
    monkeypatch.setattr(builtins, "__import__", broken)
    file = next(file for file in shipped.manifest.files if file.format == ENGINES[engine].format)
    with pytest.raises(EngineMissingError) as caught:
        load_engine(engine, model_of_bundle(shipped, file))
    start = f"engine {engine}: is installed but cannot be imported ({type(error).__name__}: {error}); {hint}"
    assert str(caught.value).startswith(start)


def test_each_engine_has_one_module_of_its_name():
    folder = Path(registry.__file__).parent
    assert {name for name in ENGINES if (folder / f"{name.replace('-', '_')}.py").is_file()} == set(ENGINES)
