"""docs/train-your-own.md is true: its commands run on photographs of every kind, and both ends see the same pixels."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from own_model import KINDS, shape_image
from PIL import Image
from sharing import MadeOnce

from edgedigits import DigitClassifier
from edgedigits.datasets import load_splits

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

PAGE = (Path(__file__).parents[2] / "docs" / "train-your-own.md").read_text()
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)
EVALUATION = re.findall(r"`(edgedigits eval .*?)`", PAGE, re.DOTALL)
# So many that no note is told, and that `export` can tell a network that has learned from a guess.
EACH = 40
TURNED = 6


def save_as(number: int, picture: Image.Image, folder: Path) -> None:
    """Save a picture as one of the kinds of files that people have."""
    alpha = picture.convert("L").point(lambda level: 255 if level > 110 else 0)
    exif = Image.Exif()
    exif[0x0112] = TURNED
    match number % 8:
        case 0:
            picture.save(folder / f"{number}.jpg", exif=exif)
        case 1:
            picture.putalpha(alpha)
            picture.save(folder / f"{number}.png")
        case 2:
            picture.quantize(64).save(folder / f"{number}.gif", save_all=True, append_images=[Image.new("P", (9, 9))])
        case 3:
            picture.convert("CMYK").save(folder / f"{number}.jpeg")
        case 4:
            Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(folder / f"{number}.png")
        case 5:
            picture.save(folder / f"{number}.tif", compression="tiff_lzw")
        case 6:
            picture.save(folder / f"{number}.webp")
        case _:
            picture.convert("L").save(folder / f"{number}.jpg")


def make_photos(folder: Path) -> None:
    """Shapes of 30 to 90 pixels a side."""
    rng = np.random.default_rng(0)
    for kind in KINDS:
        (folder / "photos" / kind).mkdir(parents=True)
        for number in range(EACH):
            size = tuple(rng.integers(30, 90, 2).tolist())
            save_as(number, Image.fromarray(shape_image(kind, rng)).resize(size), folder / "photos" / kind)
    Image.fromarray(shape_image("disc", rng)).resize((640, 480)).save(folder / "photo.jpg")
    (folder / "other-photos").symlink_to("photos")


def quick(command: str) -> str:
    """The same command with two files in place of six."""
    return f"{command} --variants int8" if command.startswith("edgedigits export") else command


@pytest.fixture(scope="module")
def followed(made_once: MadeOnce, shell: dict[str, str]) -> Path:
    """The folder of somebody who typed the page's commands."""

    def follow(folder: Path) -> None:
        make_photos(folder)
        said = ""
        for command in [*COMMANDS, *EVALUATION]:
            done = subprocess.run(
                ["sh", "-ec", quick(command)], cwd=folder, env=shell, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            said += f"$ {command}\n{done.stderr}{done.stdout}"
        (folder / "said").write_text(said)

    return made_once("train-your-own", follow)


# Trains, exports and starts three more commands: a minute. A network that has learned less is one on which engines
# differ.
def test_the_commands_on_the_page_end_with_the_right_answer(followed: Path) -> None:
    said = (followed / "said").read_text()
    assert len(COMMANDS) == 4
    assert len(EVALUATION) == 1
    assert "\npictures: 120 of " in said
    assert "resized to 32x32, colour\n" in said
    assert "note: " not in said.split("$ edgedigits export")[0]
    assert re.search(r"classify --bundle my-classes photo.jpg\n.*\bdisc\b", said)


def test_the_network_trained_on_the_pixels_that_the_bundle_makes_of_each_file(followed: Path) -> None:
    with DigitClassifier(followed / "my-classes") as classifier:
        seen = load_splits(str(followed / "photos"), lambda path: classifier.classify(path).model_input)
    record = json.loads((followed / "my-run" / "train.json").read_text())["data"]
    for part in ("train", "validation", "test"):
        assert getattr(seen, part).sha256() == record[part]["sha256"]
    # It notices a pixel.
    images = seen.test.images.copy()
    images[0, 0, 0, 0] ^= 1
    assert replace(seen.test, images=images).sha256() != record["test"]["sha256"]
