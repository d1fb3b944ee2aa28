"""What is wrong about a call of `export` is told in one line before the work, and nothing is written or lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sharing import MadeOnce

from edgedigits.bundle import Bundle
from edgedigits.cli.main import main
from edgedigits.errors import OutputError
from edgedigits_export.bundle.replace import refuse_to_replace
from edgedigits_export.lazy_imports import load

pytestmark = pytest.mark.tensorflow

SIDE, KINDS, EACH = 8, "abc", 30


def make_place(folder: Path) -> None:
    """Leave models, images and labels in a folder: m.keras and data/ fit each other, everything else has one fault."""
    layers, keras = load("keras").layers, load("keras")
    image = keras.Input((SIDE, SIDE, 1))
    flat = layers.Flatten()(image)
    models = {
        "m": [image, layers.Dense(3, activation="softmax")(flat)],
        "inputs": [[image, other := keras.Input((SIDE, SIDE, 1))], layers.Dense(3)(layers.Flatten()(image + other))],
        "outputs": [image, [layers.Dense(3)(flat), layers.Dense(2)(flat)]],
        "map": [image, layers.Conv2D(3, 3)(image)],
        "one": [image, layers.Dense(1)(flat)],
        "words": [words := keras.Input((100,)), layers.Dense(3)(layers.Flatten()(layers.Embedding(10, 4)(words)))],
    }
    for name, ends in models.items():
        keras.Model(*ends).save(folder / f"{name}.keras")
    rng = np.random.default_rng(0)
    for kind in KINDS:
        (folder / "data" / kind).mkdir(parents=True)
        for number in range(EACH):
            pixels = rng.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "data" / kind / f"{number}.png")
    for name in ("broken", "four", "single", "few"):
        shutil.copytree(folder / "data", folder / name)
    (folder / "broken/a/0.png").write_text("no picture")
    (folder / "four/b").rename(folder / "four/d")
    shutil.copytree(folder / "four/a", folder / "four/e")
    for kind in "bc":
        shutil.rmtree(folder / "single" / kind)
    for path in sorted((folder / "few").glob("*/?*.png")):
        if path.stem != "0":
            path.unlink()
    (folder / "empty").mkdir()
    shutil.copytree(folder / "data/a", folder / "flat")
    images, labels = np.zeros((90, SIDE, SIDE), np.uint8), np.arange(90) % 3
    np.savez(folder / "keys.npz", x=images, y=labels)
    np.savez(folder / "float.npz", images=images / 1.0, labels=labels)
    np.savez(folder / "labels.npz", images=images, labels=labels + 5)
    np.savez(folder / "count.npz", images=images, labels=labels[:80])
    np.savez(folder / "size.npz", images=images[:, 1:], labels=labels)
    texts = {"two": b"a\nb\n", "twice": b"a\na\nb\n", "none": b"", "others": b"x\ny\nz\n", "binary": b"\xff\xfe\0a"}
    for name, text in texts.items():
        (folder / f"{name}.txt").write_bytes(text)


@pytest.fixture(scope="session")
def made_place(made_once: MadeOnce) -> Path:
    return made_once("wrong-inputs", make_place)


@pytest.fixture
def place(made_place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made_place)
    return made_place


WRONG = {
    "missing.keras --calibration data": "missing.keras",
    "empty --calibration data": "empty",
    "inputs.keras --calibration data": "one of its inputs, found 2",
    "outputs.keras --calibration data": "one of its outputs, found 2",
    "map.keras --calibration data": "one vector of class scores, found [6, 6, 3]",
    "one.keras --calibration data": "expected 2 labels",
    "words.keras --calibration data": "the model does not take these images: indices[",
    "m.keras --calibration missing": "found nothing",
    "m.keras --calibration empty": "one sub-folder per label",
    "m.keras --calibration flat": "one sub-folder per label",
    "m.keras --calibration broken": "broken/a/0.png: expected an image",
    "m.keras --calibration single": "expected 3 labels, one for each class of the model, found 1",
    "m.keras --calibration four": "found 4",
    "m.keras --calibration few": "give more images",
    "m.keras --calibration keys.npz": "an .npz with 'images' and 'labels'",
    "m.keras --calibration float.npz": "expected uint8 images",
    "m.keras --calibration labels.npz": "found 8",
    "m.keras --calibration count.npz": "90 images and 80 labels",
    "m.keras --calibration size.npz": "found [7, 8, 1]",
    "m.keras --calibration mnist": "found [28, 28, 1]",
    "m.keras --calibration data --labels two.txt": "found 2",
    "m.keras --calibration data --labels twice.txt": "found 'a' again",
    "m.keras --calibration data --labels none.txt": "found 0",
    "m.keras --calibration data --labels others.txt": "labels left over: 'x', 'y', 'z'",
    "m.keras --calibration data --labels binary.txt": "a text file with one label a line",
    "m.keras --calibration data --labels missing.txt": "missing.txt: expected a text file with one label a line",
    "m.keras --calibration data --labels data": "data: expected a text file with one label a line",
    "m.keras --calibration data --scale abc": "expected a number such as 0.5 or 1/255, found 'abc'",
    "m.keras --calibration data --scale 1/0": "expected a number such as 0.5 or 1/255, found '1/0'",
    "m.keras --calibration data --scale 0": "scale and std other than 0",
    "m.keras --calibration data --std 0": "scale and std other than 0",
    "m.keras --calibration data --mean 1 2 3": "for --mean, found 3",
    "m.keras --calibration data --bgr": "a model of 3 channels, found 1",
    "m.keras --calibration data --variants int4": "variant 'int4'",
    "m.keras --calibration data --variants ,": "--variants",
    "m.keras --calibration data --variants float16.onnx": "float32 or int8 for ONNX",
    "m.keras --calibration data --opset 99": "expected 13 to 18, found 99",
    "m.keras --calibration data --calibration-samples 0": "at least 1 calibration image",
    "m.keras --calibration data --seed -1": "--seed: expected 0 or more, found -1",
    "m.keras --calibration data --input-size 9x9": "expected a model that takes [9, 9, 1]",
    "m.keras --calibration data --input-size 9x": "height and width such as 224x160, found '9x'",
    "m.keras --calibration data --layout NCHW": "--layout",
    "m.keras --calibration data --margin 0": "--margin",
    "m.keras --calibration data --preprocess digit": "expected the labels 0 to 9",
    "m.keras --calibration data --gate none": "invalid choice: 'none'",
}


@pytest.mark.parametrize("words", WRONG)
def test_a_wrong_call_is_one_line_and_leaves_nothing(
    words: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", *words.split(), *(() if "--scale" in words else ("--scale", "1"))]
    try:
        code = main([*command, "-o", str(tmp_path / "bundle")])
    except SystemExit as exit_:  # of argparse
        code = int(exit_.code or 0)
    told = [line for line in capsys.readouterr().err.splitlines() if "edgedigits" in line and "usage" not in line]
    assert code == 2
    assert len(told) == 1
    assert WRONG[words] in told[0]
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_is_replaced_whatever_its_schema(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text(
        '{"schema": 1, "files": [{"path": "m.tflite"}], "golden": {"path": "g.npz"}}'
    )
    for name in ("m.tflite", "g.npz"):
        (tmp_path / name).touch()
    refuse_to_replace(tmp_path, overwrite=True)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OutputError, match=r"and notes\.txt in this folder is not part of one"):
        refuse_to_replace(tmp_path, overwrite=True)


@pytest.mark.parametrize("target", ["data", "m.keras", "."])
def test_images_and_models_are_never_replaced(target: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(place.rglob("*"))
    assert main(["export", "m.keras", "--calibration", "data", "--scale", "1", "-o", target, "--overwrite"]) == 2
    assert f"{target}: --overwrite replaces bundles" in capsys.readouterr().err
    assert sorted(place.rglob("*")) == before


def make_alphabetical(folder: Path) -> None:
    """Leave images of twelve greys in folders 0 to 11, and a model whose classes are those folders sorted by name."""
    layers, keras = load("keras").layers, load("keras")
    greys = {str(number): 20.0 * number for number in range(12)}
    for name, grey in greys.items():
        (folder / "data" / name).mkdir(parents=True)
        for number in range(20):
            Image.new("L", (SIDE, SIDE), int(grey) + number % 2).save(folder / "data" / name / f"{number}.png")
    # Of -(x - grey)², what depends on the class is linear in x.
    centres = np.array([greys[name] for name in sorted(greys)], np.float32)
    dense = layers.Dense(12)
    image = keras.Input((SIDE, SIDE, 1))
    model = keras.Model(image, dense(layers.GlobalAveragePooling2D()(image)))
    dense.set_weights([2 * centres[np.newaxis], -(centres**2)])
    model.save(folder / "net.keras")
    (folder / "labels.txt").write_text("\n".join(sorted(greys)))


@pytest.mark.parametrize("scale", [(), ("--scale", "1")])
def test_a_model_of_folders_in_alphabetical_order_is_told_how_to_say_so(
    scale: tuple[str, ...], made_once: MadeOnce, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = made_once("alphabetical", make_alphabetical)
    words = ["export", str(place / "net.keras"), "--calibration", str(place / "data"), *scale]
    words += ["--variants", "float32.tflite", "-o", str(tmp_path / "bundle")]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "where 100.0% are if it is alphabetical (0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9): write the labels in" in said
    assert not (tmp_path / "bundle").exists()
    assert main([*words, "--labels", str(place / "labels.txt")]) == 0


@pytest.mark.parametrize("words", ["--input-size 8", "--custom-objects labels.py"])
def test_options_for_keras_models_are_refused_beside_a_finished_file(
    words: str, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Bundle.load("small").path / "small-int8.tflite"
    command = ["export", str(file), "--calibration", "data", *words.split(), "-o", str(tmp_path / "bundle")]
    assert main(command) == 2
    assert f"{words.split(maxsplit=1)[0]}: is for Keras models" in capsys.readouterr().err
