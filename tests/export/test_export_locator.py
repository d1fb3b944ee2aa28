"""A locator, which takes pictures of any size, from Keras to a bundle that every engine and command takes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sharing import MadeOnce

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.engines import ENGINES, load_engine
from edgedigits.images.locator import CHANNELS, CLASSES, find_in_maps
from edgedigits.manifest import read_manifest, write_manifest
from edgedigits.model import model_of_bundle
from edgedigits.tensors import pixel_inference
from edgedigits_export.lazy_imports import quiet

pytestmark = pytest.mark.tensorflow

SIDE, COUNT, STEP = 128, 400, 16


def spots(count: int) -> np.ndarray:
    """Fields of local contrast, uint8 ``[N, SIDE, SIDE]``, with a bright spot, as large as a cell, at some places."""
    rng = np.random.default_rng(1)
    fields = rng.integers(120, 137, (count, SIDE, SIDE)).astype(np.uint8)
    for field in fields:
        for row, column in rng.integers(1, SIDE // STEP - 1, (rng.integers(1, 4), 2)) * STEP:
            field[row : row + 4, column : column + 4] = 240
    return fields


def spot_locator() -> Any:
    """A network that finds spots: each cell's logit of class 1 is the mean brightness there; the box is constant."""
    import keras

    image = keras.Input((None, None, 1))
    bright = keras.layers.ReLU(6.0)(keras.layers.Rescaling(1 / 30, -4.2)(image))
    mean = keras.layers.Conv2D(4 * CHANNELS, 8, 8, "same", name="maps")(bright)
    model = keras.Model(image, keras.layers.ReLU(6.0)(mean), name="locator")
    kernel, bias = np.zeros((8, 8, 1, 4 * CHANNELS), np.float32), np.full(4 * CHANNELS, 0.0, np.float32)
    for cell in range(4):
        rows, columns = slice(4 * (cell // 2), 4 * (cell // 2) + 4), slice(4 * (cell % 2), 4 * (cell % 2) + 4)
        kernel[rows, columns, 0, cell * CHANNELS + 1] = 1 / 12
        bias[cell * CHANNELS + 1] = 0.5
        bias[cell * CHANNELS + CLASSES : (cell + 1) * CHANNELS] = 3
    model.get_layer("maps").set_weights([kernel, bias])
    return model


@pytest.fixture(scope="session")
def exported(made_once: MadeOnce, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle that the command makes of it, as a process of its own."""
    files = tmp_path_factory.mktemp("spots")

    def run(folder: Path) -> None:
        with quiet():
            spot_locator().save(files / "spots.keras")
        labels = np.ones(COUNT, np.int64)
        np.savez(files / "fields.npz", images=spots(COUNT), labels=labels, names=np.array(["empty", "printed"]))
        command = [sys.executable, "-m", "edgedigits.cli.main", "export", str(files / "spots.keras")]
        command += ["--calibration", str(files / "fields.npz"), "-o", str(folder / "bundle")]
        done = subprocess.run(
            [*command, "--variants", "int8"], capture_output=True, text=True, check=False, env=os.environ
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return made_once("exported-spots", run) / "bundle"


def test_its_task_and_shapes_stand_in_the_manifest(exported: Path) -> None:
    manifest = Bundle.load(exported).manifest
    assert (manifest.task, manifest.preprocessing.id, manifest.image) == ("locate", "contrast/1", (SIDE, SIDE, 1))
    assert manifest.labels == (*"0123456789", "mark")
    assert all(file.parity.agreement > 0.97 for file in manifest.files)


def test_every_engine_finds_spots_in_fields_of_any_size(exported: Path, engine: str) -> None:
    bundle = Bundle.load(exported)
    model = model_of_bundle(bundle, bundle.pick("int8", [ENGINES[engine].format]))
    infer = pixel_inference(load_engine(engine, model, 1))
    for height, width in ((64, 64), (40, 120), (200, 72), (64, 64)):
        field = np.full((1, height, width, 1), 128, np.uint8)
        field[0, 12:16, 28:32] = 240
        maps = infer(field)
        assert maps.shape == (1, height // 8, width // 8, 4 * CHANNELS)
        (found,) = find_in_maps(maps[0])
        middle = (found.box[0] + found.box[2]) / 2, (found.box[1] + found.box[3]) / 2
        assert np.abs(np.subtract(middle, (14, 30))).max() <= 1
        assert found.scores.argmax() == 1


@pytest.mark.parametrize(
    "words", [("selftest",), ("parity",), ("show",), ("check", "--target", "pi3")], ids=lambda words: words[0]
)
def test_the_commands_take_it_as_any_bundle(exported: Path, words: tuple[str, ...], capfd: Any) -> None:
    assert main([words[0], str(exported), *words[1:]]) == 0
    told = capfd.readouterr().out
    assert "all passed: 2 files" in told or ("int8.tflite" in told and "int8.onnx" in told)


def test_another_answer_at_a_place_fails_the_selftest(exported: Path, tmp_path: Path, capfd: Any) -> None:
    copy = tmp_path / "bundle"
    shutil.copytree(exported, copy)
    with np.load(copy / "golden.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    for name in [name for name in arrays if name.startswith("expected/")]:
        arrays[name] = np.roll(arrays[name], 4 * CHANNELS, axis=1)
    np.savez(copy / "golden.npz", **arrays)
    manifest = read_manifest((copy / "manifest.json").read_bytes(), "m")
    digest = hashlib.sha256((copy / "golden.npz").read_bytes()).hexdigest()
    golden = manifest.golden._replace(file=manifest.golden.file._replace(sha256=digest))
    (copy / "manifest.json").write_bytes(write_manifest(manifest._replace(golden=golden)))
    assert main(["selftest", str(copy)]) == 1
    assert "FAILED" in capfd.readouterr().out
