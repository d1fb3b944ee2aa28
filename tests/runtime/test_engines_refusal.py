"""An engine that refuses a model is quoted: its own sentence on one line, and a cure that exists."""

from __future__ import annotations

import pytest

from edgedigits.engines.refusal import decisive_sentence, refusal
from edgedigits.model import Model, model_of_bundle

ORT = "[ONNXRuntimeError] : "
SOURCE = "/onnxruntime_src/onnxruntime/core/providers/cpu/rnn/"


@pytest.mark.parametrize(
    ("message", "sentence"),
    [
        (
            f"{ORT}9 : NOT_IMPLEMENTED : Could not find an implementation for Add(6) node with name ''",
            "Could not find an implementation for Add(6) node with name ''",
        ),
        (
            f"{ORT}1 : FAIL : Fatal error: ai.onnx.preview.training:Adam(-1) is not a registered function/op",
            "ai.onnx.preview.training:Adam(-1) is not a registered function/op",
        ),
        (
            f'{ORT}10 : INVALID_GRAPH : This is an invalid model. In Node, ("", Landmarks, "", -1) : '
            '("x": tensor(float),) -> ("y": tensor(float),) , Error No Op registered for Landmarks with '
            "domain_version of 13",
            "No Op registered for Landmarks with domain_version of 13",
        ),
        (
            f"{ORT}1 : FAIL : Exception during initialization: {SOURCE}rnn.h:48 onnxruntime::RNN<T>::RNN(const "
            "onnxruntime::OpKernelInfo&) [with T = float] layout_ == 0 was false. Batchwise recurrent operations "
            "(layout == 1) are not supported. If you need support create a github issue with justification.\n",
            "layout_ == 0 was false. Batchwise recurrent operations (layout == 1) are not supported",
        ),
        (
            f"{ORT}1 : FAIL : Load model from some.onnx failed:/onnxruntime_src/onnxruntime/core/graph/model.cc:181 "
            "onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&) Unsupported model IR "
            "version: 99, max supported IR version: 14\n",
            "Unsupported model IR version: 99, max supported IR version: 14",
        ),
        (
            f"{ORT}1 : FAIL : Non-zero status code returned while running Conv node. Name:'Conv19' Status Message: "
            "X num_dims does not match W num_dims. X: {24,1,3,3} W: {24}",
            "Conv node. Name:'Conv19' X num_dims does not match W num_dims. X: {24,1,3,3} W: {24}",
        ),
        (
            "Encountered unresolved custom op: Mine.\nSee instructions: https://example.org/ops_custom Node number 7 "
            "(Mine) failed to prepare.Encountered unresolved custom op: Mine.\nSee instructions: "
            "https://example.org/ops_custom Node number 7 (Mine) failed to prepare.",
            "Encountered unresolved custom op: Mine. Node number 7 (Mine) failed to prepare",
        ),
        (
            "/tensorflow/tensorflow/lite/kernels/quantize.cc:116 output->quantization.type != "
            "kTfLiteAffineQuantization (0 != 1)Node number 1 (QUANTIZE) failed to prepare.Failed to apply the default "
            "TensorFlow Lite delegate indexed at 0.",
            "output->quantization.type != kTfLiteAffineQuantization (0 != 1). Node number 1 (QUANTIZE) failed to "
            "prepare",
        ),
        (
            "Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older version of this builtin might "
            "be supported. Are you using an old TFLite binary with a newer model?\nRegistration failed.\n",
            "Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'",
        ),
        ("a\n  b\tc", "a. b c"),
        ("", "ValueError"),
    ],
)  # fmt: skip
def test_the_decisive_sentence_stands_without_banner_path_and_repetition(message, sentence):
    assert decisive_sentence(ValueError(message)) == sentence


def test_a_long_message_ends_between_words_and_says_so():
    found = decisive_sentence(ValueError("word " * 1000))
    assert found.startswith("word word")
    assert found.endswith(" word ...")
    assert len(found) < 310
    assert decisive_sentence(ValueError("x" * 1_000_000)).endswith("...")


def lone(data, format_="onnx"):
    return Model(data, format_, "some", "0" * 64, None, None, None)


@pytest.mark.parametrize(
    ("message", "cure"),
    [
        ("Didn't find op for builtin opcode 'X' version '12'", "the file needs a newer engine: update it"),
        ("opset 99 is under development", "the file needs a newer engine: update it"),
        ("Encountered unresolved custom op: X", "only programs that bring this operator with them run the file"),
        ("No Op registered for X with domain_version of 13", "only programs that bring this operator with them run"),
        ("External data path does not exist", "its weights are in another file: store them inside, as onnx.save_mod"),
        ("anything", "the file is whole: take another engine, or make the file again for this one"),
    ],
)
def test_a_whole_file_is_never_doubted(shipped, message, cure):
    for format_ in ("tflite", "onnx"):
        whole = lone((shipped.path / f"small-int8.{format_}").read_bytes(), format_)
        text = str(refusal("litert", "9.9", whole, ValueError(message)))
        assert text.startswith(f"some: litert 9.9 refuses the file ({message}); {cure}")


@pytest.mark.parametrize("format_", ["tflite", "onnx"])
def test_a_file_that_is_not_whole_is_told_so(shipped, format_):
    data = (shipped.path / f"small-int8.{format_}").read_bytes()
    for broken in (data[: len(data) // 2], b"hello", bytes(1000), b""):
        text = str(refusal("litert", "9.9", lone(broken, format_), ValueError("bad")))
        assert f"refuses the file (bad); it is no whole .{format_} file: " in text
        assert text.endswith("; copy it here again")


def test_a_bundles_file_is_exported_again(shipped):
    model = model_of_bundle(shipped, shipped.manifest.files[0])
    assert str(refusal("litert", "9.9", model, ValueError("bad"))).endswith(
        "; take another variant or engine, or export the model again"
    )


def test_what_is_refused_may_be_the_inputs(shipped):
    text = str(refusal("litert", "9.9", lone(b""), ValueError("bad"), "inputs x=1x2"))
    assert text == (
        "some: litert 9.9 refuses inputs x=1x2 (bad); take another engine, or other shapes where dimensions are free"
    )
