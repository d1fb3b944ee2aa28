"""Peers: how each is installed, run, and kept to one thread."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to run a model, and its row in the table.

    Attributes
    ----------
    title: for the table; with ``precision`` it says what is measured.
    load: the worker's loader, of `LOADERS` in ``workers/peer_worker.py``.
    packages: requirements for pip; the worker reports their versions. ``edgedigits`` is this checkout, built.
    imports: the module that says whether a Python has the peer.
    model: name of its files in `PeerModels`.
    threads: how it is kept to one thread.

    """

    name: str
    title: str
    precision: str
    load: str
    packages: tuple[str, ...]
    imports: str
    model: str
    threads: str


_KERAS = (("tensorflow==2.21.0", "keras==3.15.1"), "tensorflow", "keras",
          "tf.config.threading: one intra-op, one inter-op thread")  # fmt: skip
_ONNXRUNTIME = ("onnxruntime", ("onnxruntime==1.32.0",), "onnxruntime")
_OPENVINO = ("openvino", ("openvino==2026.4.1",), "openvino")
_NCNN = ("ncnn", ("ncnn==1.0.20261020",), "ncnn")
_TRACT = ("tract", ("tract==0.23.9",), "tract")
_LITERT = ("litert", ("ai-edge-litert==2.3.0",), "ai_edge_litert")

_SESSION = "SessionOptions: intra_op_num_threads and inter_op_num_threads 1"
_STREAM = "INFERENCE_NUM_THREADS 1, NUM_STREAMS 1"
_OPTION = "net.opt.num_threads 1"
_CALLER = "computes in the calling thread; its Python package has no setting"
_INTERPRETER = "Interpreter(num_threads=1)"

KERAS = Peer("keras-predict", "Keras `predict`", "float32", "keras_predict", *_KERAS)
LITERT = Peer("litert-int8", "LiteRT, a bare loop", "int8", *_LITERT, "int8.tflite", _INTERPRETER)
EDGEDIGITS = Peer(
    "edgedigits", "edgedigits `classify(array)`", "int8",
    "edgedigits", ("edgedigits",), "edgedigits", "int8.tflite", "DigitClassifier(num_threads=1), the default",
)  # fmt: skip

PEERS = (
    KERAS,
    Peer("keras-call", "Keras `model(image)`", "float32", "keras_call", *_KERAS),
    Peer("onnxruntime-float32", "onnxruntime", "float32", *_ONNXRUNTIME, "float32.onnx", _SESSION),
    Peer("onnxruntime-int8", "onnxruntime", "int8", *_ONNXRUNTIME, "int8.onnx", _SESSION),
    LITERT,
    Peer("openvino-float32", "OpenVINO", "float32", *_OPENVINO, "float32.onnx", _STREAM),
    Peer("openvino-int8", "OpenVINO", "int8", *_OPENVINO, "int8.onnx", _STREAM),
    Peer("ncnn-float32", "ncnn", "float32", *_NCNN, "float32.ncnn", _OPTION),
    # Its own quantizer (ncnn2table, ncnn2int8) comes with no package of PyPI, so what pnnx makes of int8 ONNX is tried.
    Peer("ncnn-int8", "ncnn", "int8", *_NCNN, "int8.ncnn", _OPTION),
    Peer("tract-float32", "tract", "float32", *_TRACT, "float32.onnx", _CALLER),
    Peer("tract-int8", "tract", "int8", *_TRACT, "int8.onnx", _CALLER),
    Peer("tutorial-int8", "TensorFlow's tutorial model in LiteRT", "int8", *_LITERT, "tutorial", _INTERPRETER),
    EDGEDIGITS,
)
