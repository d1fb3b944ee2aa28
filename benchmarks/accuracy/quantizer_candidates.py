"""The quantizers that are compared: each makes a file of a trained network, in a process and environment of its own."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.accuracy.own_models import export_net
from benchmarks.accuracy.own_networks import Images
from benchmarks.compat.releases import QUANTIZER, RECIPES
from benchmarks.harness.child import ROOT, ChildError, run_child, run_command
from benchmarks.harness.reasons import reason_of
from benchmarks.harness.venvs import InstallError, packages_venv
from edgedigits.files import cache_folder
from edgedigits.manifest import SUFFIXES, Format

OURS = "edgedigits export"
MARGIN = 0.5
# Of the images that no network was trained with: `export` takes as many by itself.
CALIBRATED, CHOSEN = 500, 5_000
_WORKERS = Path(__file__).parent / "workers"
NET, CALIBRATION, CHOOSING, HELD = "net.keras", "calibration.npy", "choosing.npz", "held.npz"
FLOAT: dict[Format, str] = {"tflite": "float32.tflite", "onnx": "float32.onnx"}


class Tool(NamedTuple):
    """A script, the requirements that its environment has, and the module that says whether another Python has them."""

    script: Path
    packages: tuple[str, ...]
    imports: str


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to a quantized file.

    Attributes
    ----------
    source: what it starts from, in the folder of a network.
    tool: its script is called with the source, calibration images, the file to write, and ``words``.

    """

    name: str
    format: Format
    source: str
    tool: Tool
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The file that a quantizer made in some seconds, or the reason why there is none in its own words."""

    name: str
    format: Format
    seconds: float
    file: Path | None = None
    reason: str | None = None


_TENSORFLOW = Tool(_WORKERS / "tensorflow_worker.py", ("tensorflow==2.21.0", "keras==3.15.1"), "tensorflow")
_LITERT = Tool(ROOT / "benchmarks" / "compat" / "quantizer_recipes.py", (str(QUANTIZER),), "litert_quantizer")
_ONNXRUNTIME = Tool(
    _WORKERS / "onnxruntime_worker.py", ("onnxruntime==1.32.0", "onnx==1.23.2", "sympy==1.14.0"), "onnxruntime"
)
_NNCF = Tool(_WORKERS / "nncf_worker.py", ("nncf==3.4.0", "onnx==1.23.2", "onnxruntime==1.32.0"), "nncf")

_FLOAT32 = Peer("TensorFlow converter, float32", "tflite", NET, _TENSORFLOW, ("float32",))
PEERS = (
    Peer("TensorFlow converter", "tflite", NET, _TENSORFLOW, ("int8",)),
    *(Peer(f"LiteRT quantizer, `{recipe}`", "tflite", FLOAT["tflite"], _LITERT, (recipe,)) for recipe in RECIPES),
    Peer("onnxruntime, `quantize_static`", "onnx", FLOAT["onnx"], _ONNXRUNTIME, ("static",)),
    Peer("onnxruntime, `quantize_dynamic`", "onnx", FLOAT["onnx"], _ONNXRUNTIME, ("dynamic",)),
    Peer("NNCF, accuracy control", "onnx", FLOAT["onnx"], _NNCF, (CHOOSING, f"{MARGIN}")),
)


def make_sources(net: Path, held: Images, folder: Path, *, here: bool) -> None:
    """Fill a network's folder with what quantizers start from.

    Of the images ``held`` back from training, 500 set the peers' ranges and 5,000 others choose for them; `export`
    divides the same images itself. The float files are those of this project's export and of TensorFlow's converter.

    Raises
    ------
    ChildError: a float file cannot be made.

    """
    (folder / NET).write_bytes(net.read_bytes())
    np.savez(folder / HELD, images=held.images, labels=held.labels)
    np.save(folder / CALIBRATION, held.images[:CALIBRATED])
    rest = slice(CALIBRATED, CALIBRATED + CHOSEN)
    np.savez(folder / CHOOSING, images=held.images[rest], labels=held.labels[rest])
    words = [sys.executable, "-m", "benchmarks.peers.peer_models", str(folder / NET), str(folder / FLOAT["onnx"])]
    run_command(words, "float32 ONNX", ROOT)
    _run(_FLOAT32, folder, folder / FLOAT["tflite"], here=here)


def find(peer: Peer, folder: Path, number: int, *, here: bool) -> Found:
    """Let a peer quantize the network in a folder; ``number`` names its file. With ``here`` no environment is made."""
    file = folder / f"peer-{number}{SUFFIXES[peer.format]}"
    started = time.monotonic()
    try:
        seconds = _run(peer, folder, file, here=here)
    except (InstallError, ChildError) as error:
        return Found(peer.name, peer.format, time.monotonic() - started, reason=reason_of(error))
    return Found(peer.name, peer.format, seconds, file)


def find_ours(format_: Format, folder: Path) -> Found:
    """Export the network in a folder as a user does."""
    started = time.monotonic()
    try:
        words = ("--variants", f"int8.{format_}", "--margin", f"{MARGIN}", "--without-reference")
        manifest = export_net(folder, HELD, format_, *words)
    except ChildError as error:
        return Found(OURS, format_, time.monotonic() - started, reason=reason_of(error))
    (file,) = manifest["files"]
    return Found(OURS, format_, time.monotonic() - started, folder / format_ / file["path"])


def _run(peer: Peer, folder: Path, file: Path, *, here: bool) -> float:
    """Return the seconds that the peer's process took, without those of making its environment."""
    python = _python(peer, here=here)
    words = [str(folder / word) if word == CHOOSING else word for word in peer.words]
    started = time.monotonic()
    run_child(peer.tool.script, *map(str, (folder / peer.source, folder / CALIBRATION, file)), *words, python=python)
    return time.monotonic() - started


def _python(peer: Peer, *, here: bool) -> str:
    if not here:
        return packages_venv(cache_folder() / "quantizers", *peer.tool.packages)
    if find_spec(peer.tool.imports) is None:
        raise InstallError(f"{peer.tool.imports} is not installed here")
    return sys.executable
