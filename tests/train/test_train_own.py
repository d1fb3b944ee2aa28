"""`edgedigits train` with somebody's own data: what is chosen and told, and fifteen ways and more to get it wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgedigits.errors import UsageError
from edgedigits_train import run as run_module
from edgedigits_train.config import parse_size, resolve
from edgedigits_train.data.classes import class_notes
from edgedigits_train.data.pictures import look_at
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.start import find_start
from edgedigits_train.training import backend, checkpoint
from edgedigits_train.training.checkpoint import Progress
from edgedigits_train.training.loop import new_model
from edgedigits_train.training.notes import training_notes

pytestmark = pytest.mark.tensorflow

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
AVIF = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"
GREY, LABELS = np.zeros((20, 8, 8), np.uint8), np.arange(20) % 2


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow's threads stay as they are, and plots are not drawn."""
    monkeypatch.setattr(backend, "set_up", lambda threads: None)
    monkeypatch.setattr(run_module, "_draw_plots", lambda *_: {})
    monkeypatch.setattr(run_module, "render", lambda *_: "")


def save(path: Path, height: int, width: int, mode: str = "L") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.effect_noise((width, height), 60).convert(mode).save(path)
    return path


def photos(folder: Path, classes: tuple[str, ...] = ("cat", "dog"), each: int = 6) -> Path:
    for name in classes:
        for number in range(each):
            save(folder / "photos" / name / f"{number}.jpg", 40 + number, 50)
    return folder / "photos"


def without_images(folder: Path) -> Path:
    (photos(folder) / "bird").mkdir()
    return folder / "photos"


def replaced(content: bytes) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (photos(folder) / "cat" / "3.jpg").write_bytes(content)
        return folder / "photos"

    return make


def all_replaced(folder: Path) -> Path:
    for path in photos(folder).rglob("*.jpg"):
        path.write_bytes(HEIC)
    return folder / "photos"


def cut_short(folder: Path) -> Path:
    for path in photos(folder).rglob("[13].jpg"):
        path.write_bytes(path.read_bytes()[:-400])
    return folder / "photos"


def arrays(**named: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        np.savez(folder / "data.npz", **{"images": GREY, "labels": LABELS, **named})
        return folder / "data.npz"

    return make


def other_arrays(folder: Path) -> Path:
    np.savez(folder / "data.npz", x=GREY, y=LABELS)
    return folder / "data.npz"


def empty(folder: Path) -> Path:
    (folder / "photos").mkdir()
    return folder / "photos"


WRONG: Mapping[str, tuple[Callable[[Path], Path], str, str]] = {
    "nothing there": (lambda folder: folder / "photos", "", "photos: expected 'mnist', a folder with one sub-folder"),
    "an empty folder": (empty, "", "photos: expected one sub-folder per label with images in it, found none"),
    "files instead of folders": (
        lambda folder: photos(folder) / "cat", "", "found none; move the 6 images beside them into one for each label"
    ),
    "a picture": (lambda folder: photos(folder) / "cat" / "0.jpg", "", "0.jpg: expected 'mnist', a folder"),
    "one class": (lambda folder: photos(folder, ("cat",)), "", "expected at least two classes, found 'cat' alone"),
    "a class without images": (without_images, "", "expected images of every class, found none of 'bird'; add some"),
    "few images": (lambda folder: photos(folder, each=2), "", "photos: expected at least 10 images, found 4; add more"),
    "names alike": (lambda folder: photos(folder, ("Cat", "cat")), "", "expected different names, found 'Cat', 'cat'"),
    "parts": (lambda folder: photos(folder, ("test", "train")), "", "one folder a class, found 'test', 'train'"),
    "HEIC": (replaced(HEIC), "", "cat/3.jpg: expected an image (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP), found a HEIC"),
    "AVIF": (replaced(AVIF), "", "found an AVIF picture; save it as JPEG or PNG first"),
    "PDF": (replaced(b"%PDF-1.7\n"), "", "found a PDF document"),
    "all HEIC": (all_replaced, "", "cat/3.jpg and 8 more; remove them or save them again"),
    "cut short": (cut_short, "", "4 of 12 images cannot be read: "),
    "other arrays": (other_arrays, "", "expected an .npz with 'images' and 'labels', found: x, y; rename its arrays"),
    "float pixels": (arrays(images=GREY / 255), "", "expected uint8 images [N, H, W, C], found float64 [20, 8, 8, 1]"),
    "flat pixels": (arrays(images=GREY.reshape(20, -1)), "", "expected uint8 images [N, H, W, C], found uint8 [20, "),
    "five channels": (arrays(images=np.zeros((20, 8, 8, 5), np.uint8)), "", "expected images of 1 channel (grey) or 3"),
    "labels of another type": (arrays(labels=LABELS / 1), "", "expected whole numbers as labels [N], found float64"),
    "one-hot labels": (arrays(labels=np.eye(2, dtype=int)[LABELS]), "", "as labels [N], found int64 [20, 2]"),
    "fewer labels": (arrays(labels=LABELS[:9]), "", "found 20 images and 9 labels"),
    "labels without names": (arrays(labels=LABELS + 1, names=["a", "b"]), "", "expected labels 0 to 1, found 1 to 2"),
    "labels from 1": (arrays(labels=LABELS + 1), "", "expected images of every class, found none of '0'"),
    "a label of a million": (arrays(labels=LABELS * 10**6), "", "count the classes from 0, found 1000000; number them"),
    "size 0": (photos, "--size 0", "--size: expected 8 to 512 pixels, as in 64 or 48x64, found 0"),
    "size 100000": (photos, "--size 100000", "--size: expected 8 to 512 pixels, as in 64 or 48x64, found 100000"),
    "half a size": (photos, "--size 64x", "--size: expected 8 to 512 pixels, as in 64 or 48x64, found 64x"),
    "size of arrays": (arrays(), "--size 64", "data.npz; leave it out"),
    "size of mnist": (lambda _: Path("mnist"), "--size 64", "--size: expected a folder of pictures, found mnist"),
    "RUN is there": (photos, "-o photos", "photos: exists already; choose another path or add --overwrite"),
    "RUN below a file": (photos, "-o photos/cat/0.jpg/run", "expected a folder, found a file: "),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_what_cannot_be_trained_is_one_line_and_leaves_nothing(wrong: str, tmp_path: Path, run_here: Any) -> None:
    make, options, told = WRONG[wrong]
    data = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    words = options.split() if "-o" in options else [*options.split(), "-o", "run"]
    done = run_here("train", "--data", data, *words)
    errors = [line for line in done.stderr.splitlines() if line.startswith("edgedigits: ")]
    assert (done.returncode, done.stdout, len(errors)) == (2, "", 1), done.stderr
    assert told in errors[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_may_not_be_written_is_refused_before_the_data_is_read(
    tmp_path: Path, run_here: Any, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda place, mode: False)  # root may write everywhere
    done = run_here("train", "--data", photos(tmp_path), "-o", "run")
    refused(done, 2, "run: cannot be written (no permission in ", "name another place")
    assert not (tmp_path / "run").exists()


def test_resuming_with_another_size_is_refused(tmp_path: Path) -> None:
    config = resolve({"model": "mlp", "data": str(photos(tmp_path))})
    data = TrainingSet((GREY[..., np.newaxis],), np.eye(2, dtype=np.float32)[LABELS], np.ones(20, np.float32), 2)
    folder = tmp_path / "run"
    folder.mkdir()
    checkpoint.save_checkpoint(folder, new_model(config, data), Progress(config, "0" * 64, ()))
    assert find_start(folder, {}, resume=True, overwrite=False).own is not None
    with pytest.raises(UsageError, match=r"the run was started with no --size \(asked: 48x48\); leave these options"):
        find_start(folder, {"size": parse_size("48")}, resume=True, overwrite=False)


@pytest.mark.parametrize(
    ("sizes", "modes", "asked", "told"),
    [
        ([(28, 28)] * 3, ["L"], None, "pictures: 3 of 28x28 pixels, grey, taken as they are"),
        ([(28, 28)] * 3, ["L", "L", "RGB"], None, "pictures: 3 of 28x28 pixels, colour, taken as they are"),
        ([(96, 64)] * 3, ["RGB"], None, "pictures: 3 of 96x64 pixels, colour, taken as they are"),
        ([(97, 64)] * 3, ["RGB"], None, "pictures: 3 of 97x64 pixels, resized to 64x64, colour"),
        (
            [(64, 200), (300, 90), (10, 10)],
            ["L"],
            None,
            "pictures: 3 of 10x10 to 300x90 pixels, resized to 64x64, grey",
        ),
        (
            [(63, 200), (300, 90), (10, 10)],
            ["1"],
            None,
            "pictures: 3 of 10x10 to 300x90 pixels, resized to 32x32, grey",
        ),
        ([(28, 28)] * 3, ["P"], "48x64", "pictures: 3 of 28x28 pixels, resized to 48x64, colour"),
    ],
)
def test_size_and_colours_follow_from_the_pictures(
    tmp_path: Path, sizes: list[tuple[int, int]], modes: list[str], asked: str | None, told: str
) -> None:
    paths = [
        save(tmp_path / f"{number}.png", *size, mode=modes[number % len(modes)]) for number, size in enumerate(sizes)
    ]
    assert str(look_at(paths, asked)) == told


def test_a_photograph_that_lies_on_its_side_counts_as_it_is_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (90, 60)).save(tmp_path / "a.jpg", exif=exif)
    assert look_at([tmp_path / "a.jpg"], None).shape == (90, 60, 3)


def test_few_images_get_more_and_smaller_batches() -> None:
    few, many = resolve({"data": "here"}, 80), resolve({"data": "here"}, 50_000)
    assert few.epochs * -(-80 // few.batch_size) >= 500
    assert few.batch_size >= 16
    assert (many.epochs, many.batch_size, many.ema) == (resolve({}).epochs, resolve({}).batch_size, resolve({}).ema)
    assert (resolve({"epochs": 3, "batch_size": 9}, 80).epochs, resolve({"batch_size": 9}, 80).batch_size) == (3, 9)


def test_the_average_of_a_short_run_forgets_the_weights_that_it_began_with() -> None:
    for given in ({}, {"epochs": 4}, {"epochs": 50, "batch_size": 20}):
        config = resolve({"data": "here", **given}, 80)
        steps = config.epochs * -(-80 // config.batch_size)
        assert config.ema**steps < 0.001
    assert resolve({"data": "here", "epochs": 1, "ema": 0.5}, 80).ema == 0.5
    assert resolve({"data": "here", "epochs": 1}, 80).ema == 0


def test_poor_classes_are_told_in_a_line_each() -> None:
    assert class_notes({"a": 30, "b": 299}) == []
    assert class_notes({"a": 30, "b": 19}) == [
        "note: fewer than 20 images of 'b': what is learned of so few is little; add more"
    ]
    assert class_notes({"a": 30, "b": 300})[0].startswith("note: 300 images of 'b' and 30 of 'a': in doubt ")


def test_a_large_network_and_a_short_training_are_told() -> None:
    targets = np.eye(2, dtype=np.float32)[np.arange(40) % 2]
    data = TrainingSet((np.zeros((40, 64, 64, 3), np.uint8),), targets, np.ones(40, np.float32), 2)
    large = resolve({"model": "mlp", "epochs": 2, "batch_size": 32})
    steps, size = training_notes(large, data, new_model(large, data).count_params())
    assert steps.startswith("note: 40 images in batches of 32 make 4 steps in 2 epochs, too few to learn from; ")
    assert size.startswith("note: mlp has 1,573,250 parameters for 64x64 pixels, which need many images and 1.6 MB in ")
    assert size.endswith("take a smaller --size or --model small")
    small = resolve({"epochs": 25, "batch_size": 20})
    assert training_notes(small, data, new_model(small, data).count_params()) == []


def test_what_is_done_with_pictures_is_told_and_recorded(tmp_path: Path, run_here: Any) -> None:
    words = ("--model", "mlp", "--epochs", 1, "--size", "24x32", "-o", "run")
    done = run_here("train", "--data", photos(tmp_path), *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[1] == "pictures: 12 of 40x50 to 45x50 pixels, resized to 24x32, grey"
    record = json.loads((tmp_path / "run" / "train.json").read_text())
    assert record["config"]["size"] == "24x32"
    assert record["data"]["image"] == [24, 32, 1]
    assert record["data"]["pictures"] == {
        "count": 12, "smallest": [40, 50], "largest": [45, 50], "shape": [24, 32, 1], "preprocessing": "resize/1",
    }  # fmt: skip
