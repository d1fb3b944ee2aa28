"""What all tests share: real digits, the shipped bundle and copies of it, every engine, the command as a process."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# Before TensorFlow, which other tests import into this process: tflite-runtime cannot be imported after it.
with suppress(Exception):
    import tflite_runtime.interpreter  # noqa: F401

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from planted import edit
from sharing import MadeOnce
from trained import QuantizedRun, TrainedRun, quantize_once, train_once

from edgedigits.bundle import SHIPPED, Bundle
from edgedigits.classifier import DigitClassifier
from edgedigits.cli.main import main
from edgedigits.datasets import Dataset
from edgedigits.datasets.own import read_npz
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.verification.compare import accuracy_of

# A shell's `make test &` would let every program that a test starts ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Byte code is kept, or each of thousands of processes compiles the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# Users' output is buffered; a machine that sets this would hide what goes wrong when a buffer is written at the end.
os.environ.pop("PYTHONUNBUFFERED", None)

DIGITS = Path(__file__).parent / "data" / "digits.npz"

# The same examples at every run, however slow the machine: a failure is never the clock's or the dice's.
settings.register_profile("edgedigits", deadline=None, max_examples=60, derandomize=True, database=None)
settings.register_profile("fast", settings.get_profile("edgedigits"), max_examples=15)
settings.load_profile("edgedigits")


# What `make test-fast` leaves out. A file that is marked as a whole is not even imported: TensorFlow takes seconds.
FAST = "not (tensorflow or browser or qemu or slow)"
# A test that asks for one of these fixtures is marked by it.
MARKING_FIXTURES = {"cases": "tensorflow", "workplace": "tensorflow", "chromium": "browser"}
HEAVY_FILE = re.compile(r"^pytestmark = .*\b(tensorflow|browser|qemu)\b", re.MULTILINE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help=f"-m '{FAST}', and fewer examples")
    parser.addoption("--cluster", action="store_true", help="run the tests on a Ray cluster, too (make score)")
    parser.addoption(
        "--count-here", action="store_true",
        help="under coverage, do not count what is reached in processes that tests start: they start twice as fast",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("fast"):
        config.option.markexpr = FAST
        settings.load_profile("fast")
    if config.getoption("count_here") and os.environ.get("PYTEST_XDIST_WORKER"):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)  # by which coverage reaches into processes


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if config.getoption("fast") and collection_path.name.startswith("test_"):
        return bool(HEAVY_FILE.search(collection_path.read_text())) or None
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("cluster"):
        items[:] = [item for item in items if not item.get_closest_marker("cluster")]
    for item in items:
        for fixture in MARKING_FIXTURES.keys() & getattr(item, "fixturenames", ()):
            item.add_marker(MARKING_FIXTURES[fixture])


@pytest.fixture(scope="session", autouse=True)
def fast_is_fast(request: pytest.FixtureRequest) -> Iterator[None]:
    """`--fast` means that no test imports TensorFlow: what does has to be marked."""
    yield
    if request.config.getoption("fast"):
        assert not {"tensorflow", "keras", "jax"} & sys.modules.keys()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MadeOnce]:
    """See `MadeOnce`. Processes of pytest-xdist have folders of their own, side by side in the run's."""
    own = tmp_path_factory.getbasetemp()
    made = MadeOnce(own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own)
    yield made
    assert made.changed() == [], "a test wrote into a folder that all tests share"


@pytest.fixture(scope="session")
def trained_run(made_once: MadeOnce) -> TrainedRun:
    """A finished run of `edgedigits train` with every option that matters."""
    return train_once(made_once)


@pytest.fixture(scope="session")
def quantized_run(made_once: MadeOnce) -> QuantizedRun:
    """A finished run of `edgedigits train --quantize`."""
    return quantize_once(made_once)


# Four networks are trained.
@pytest.fixture(scope="session")
def quantizable(made_once: MadeOnce, digits: Dataset) -> Callable[[str], Path]:
    """The files of the networks of `quantizable.NETWORKS`, by name."""
    from quantizable import train_all

    folder = made_once("quantizable", partial(train_all, digits))
    return lambda name: folder / f"{name}.keras"


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """A hundred real training digits of MNIST."""
    return read_npz(DIGITS)


@pytest.fixture(params=list(ENGINES))
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine in turn; those that are not installed are skipped by name."""
    if request.param not in installed_engines():
        pytest.skip(f"engine {request.param} is not installed here")
    return request.param


@pytest.fixture(scope="session")
def classifier() -> Any:
    """The classifier that a user gets who says nothing."""
    with DigitClassifier() as loaded:
        yield loaded


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    """The default bundle."""
    return Bundle.load()


@pytest.fixture
def bundle_copy(tmp_path: Path) -> Path:
    """The default bundle, to be broken."""
    return Path(shutil.copytree(SHIPPED / "small", tmp_path / "copy"))


@pytest.fixture
def edit_manifest() -> Callable[[Path, Callable[[dict[str, Any]], object]], Bundle]:
    """Change a bundle's manifest as an exporter would have written it: with the right id."""

    def run(folder: Path, change: Callable[[dict[str, Any]], object]) -> Bundle:
        edit(folder, change)
        return Bundle.load(folder)

    return run


def attach(folder: Path, name: str, arrays: dict[str, Any], count: int) -> dict[str, Any]:
    """Write arrays into a bundle; returns the manifest's entry for them."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    (folder / name).write_bytes(buffer.getvalue())
    return {"path": name, "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(), "count": count}


@pytest.fixture
def rewrite_arrays(edit_manifest: Any) -> Callable[[Path, str, dict[str, Any]], Bundle]:
    """Replace a bundle's golden or reference arrays, hashes included."""

    def rewrite(folder: Path, part: str, arrays: dict[str, Any]) -> Bundle:
        entry = attach(folder, f"{part}.npz", arrays, len(next(iter(arrays.values()))))
        return edit_manifest(folder, lambda values: values[part].update(file=entry))

    return rewrite


@dataclass(frozen=True)
class Proven:
    """A bundle whose reference belongs to the fixture's digits, and those digits as a file."""

    path: Path
    data: Path
    digits: Dataset
    reference: Any


@pytest.fixture
def proven(bundle_copy: Path, tmp_path: Path, digits: Dataset, edit_manifest: Any) -> Proven:
    """The shipped models with a reference for real digits, shifted to give thousands: gates of int8 need 1,917 of them.

    The reference is what the float32 file answers. Digits it hesitates about are left out: rounding to int8 may turn
    them, and a few in a thousand are more than the gate allows.
    """
    shifts = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    images = np.concatenate([np.roll(digits.images, shift, axis=(1, 2)) for shift in shifts])
    shifted = Dataset(images, np.tile(digits.labels, len(shifts)), digits.names, "digits, shifted")
    with DigitClassifier(bundle_copy, variant="float32.tflite") as loaded:
        answers = loaded.classify_batch(images)
    second, first = np.sort(answers, axis=1)[:, -2:].T
    data = shifted.take(np.flatnonzero(first - second > 0.2))
    reference = answers[first - second > 0.2]
    file = tmp_path / "digits.npz"
    np.savez(file, images=data.images, labels=data.labels, names=np.array(data.names))
    write_reference(bundle_copy, Dataset(data.images, data.labels, data.names, str(file)), reference, edit_manifest)
    return Proven(bundle_copy, file, data, reference)


def write_reference(folder: Path, data: Dataset, reference: Any, edit: Any) -> Bundle:
    """Give a bundle this reference for these data."""
    accuracy = accuracy_of(reference, data.labels)
    keras = {"correct": accuracy.correct, "count": accuracy.count, "top1": accuracy.top1, "ci95": list(accuracy.ci95)}
    entry = {"source": data.source, "dataset_sha256": data.sha256(), "of": "Keras", "accuracy": keras}
    entry["file"] = attach(folder, "reference.npz", {"probabilities": reference}, len(data))
    return edit(folder, lambda values: values.update(reference=entry))


@pytest.fixture
def give_reference(edit_manifest: Any) -> Callable[[Path, Dataset, Any], Bundle]:
    """See `write_reference`."""
    return lambda folder, data, reference: write_reference(folder, data, reference, edit_manifest)


@pytest.fixture
def pictures(tmp_path: Path, digits: Dataset) -> list[Path]:
    """Two PNG files a digit, as someone with paper and a phone would have them: dark ink on white, in label folders."""
    files = []
    for label in range(10):
        for index in np.flatnonzero(digits.labels == label)[:2]:
            file = tmp_path / "pictures" / str(label) / f"{index}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(255 - digits.images[index, ..., 0]).resize((112, 112)).save(file)
            files.append(file)
    return files


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run `edgedigits` as a process of its own, in the test's folder."""

    def run(*words: object, env: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "edgedigits.cli.main", *map(str, words)], check=False,
            env={**os.environ, "EDGEDIGITS_CACHE": str(tmp_path / "cache"), **(env or {})},
            **{"text": True, "cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
        )  # fmt: skip

    return run


@pytest.fixture
def run_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Command:
    """Run `edgedigits` as `command` does, but in this process: for what one of its own would tell nothing more about.

    It costs a thirtieth. Not for what may end the process, or depends on what was imported before.
    """

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("EDGEDIGITS_CACHE", str(tmp_path / "cache"))
        capfd.readouterr()
        arguments = list(map(str, words))
        try:
            code = main(arguments)
        except SystemExit as ended:  # argparse, of words it does not know
            code = int(ended.code or 0)
        told = capfd.readouterr()
        return subprocess.CompletedProcess(arguments, code, told.out, told.err)

    return run


@pytest.fixture
def refused() -> Callable[..., str]:
    """Assert that a command ended with a code and exactly one line of its own; returns the line."""

    def check(done: subprocess.CompletedProcess[str], code: int, *parts: str) -> str:
        assert done.returncode == code, done.stderr
        lines = done.stderr.splitlines()
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("edgedigits"), lines[0]
        for part in parts:
            assert part in lines[0]
        return lines[0]

    return check


@pytest.fixture(scope="session")
def recorded(digits: Dataset) -> Any:
    """What a camera saw: three sheets of grey paper with a digit on each, uint8 ``[3, 720, 1280]``."""
    sheets = np.full((3, 720, 1280), 200, np.uint8)
    for sheet, digit in zip(sheets, digits.images[..., 0], strict=False):
        sheet[100:380, 100:380] -= np.asarray(Image.fromarray(digit).resize((280, 280))) // 3 * 2
    return sheets


@pytest.fixture
def rpicam(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Any) -> Callable[..., Path]:
    """Put a stand-in for `rpicam-vid` on the PATH, which plays `recorded`; returns where it leaves its process id."""
    player = Path(__file__).parent / "runtime" / "machines" / "rpicam_vid.py"
    np.save(tmp_path / "frames.npy", recorded)
    (tmp_path / "programs").mkdir()
    settings = {"FRAMES": tmp_path / "frames.npy", "PID": tmp_path / "pid"}

    def put(name: str = "rpicam-vid", **more: object) -> Path:
        program = tmp_path / "programs" / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{player}" "$@"\n')
        program.chmod(0o755)
        for key, value in {**settings, **more}.items():
            monkeypatch.setenv(f"RPICAM_{key.upper()}", str(value))
        monkeypatch.setenv("PATH", str(program.parent))
        return tmp_path / "pid"

    return put
