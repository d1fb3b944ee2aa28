"""`edgedigits read` as a process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgedigits.datasets import Dataset


@pytest.fixture
def page(tmp_path: Path, digits: Dataset, classifier: Any) -> Path:
    """A 7 and a 2, a blank apart, on white paper."""
    sheet = np.full((120, 320), 255, np.uint8)
    for left, value in ((30, 7), (200, 2)):
        images = digits.images[digits.labels == value]
        surest = images[classifier.classify_batch(images)[:, value].argmax()]
        sheet[32:88, left : left + 56] -= np.asarray(Image.fromarray(surest[..., 0]).resize((56, 56)))
    Image.fromarray(sheet).save(tmp_path / "page.png")
    return tmp_path / "page.png"


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    Image.new("L", (200, 100), 230).save(tmp_path / "empty.png")
    return tmp_path / "empty.png"


def test_the_numbers_of_one_picture_stand_alone(command: Any, page: Path) -> None:
    done = command("read", page)
    assert (done.returncode, done.stdout, done.stderr) == (0, "7 2\n", "")


def test_nothing_found_is_said_and_no_error(run_here: Any, empty: Path) -> None:
    done = run_here("read", empty)
    assert (done.returncode, done.stdout, done.stderr) == (0, "no digits found\n", "")


def test_several_pictures_have_their_names_and_a_bad_one_stops_none(
    run_here: Any, page: Path, empty: Path, tmp_path: Path, refused: Any
) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    done = run_here("read", page, tmp_path / "bad.png", empty)
    refused(done, 2, "bad.png")
    assert done.stdout == f"{page}:\n  7 2\n{empty}:\n  no digits found\n"


def test_json_is_one_object_a_picture_and_stored_as_well(run_here: Any, page: Path, tmp_path: Path) -> None:
    done = run_here("read", page, tmp_path / "none.png", "--json", "-o", tmp_path / "out.jsonl")
    assert done.returncode == 2
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert first["source"] == str(page) and first["text"] == "7 2"
    assert set(second) == {"source", "error"}
    assert (tmp_path / "out.jsonl").read_text() == done.stdout


@pytest.mark.slow
def test_a_picture_is_annotated_in_its_own_size_and_never_written_over(
    run_here: Any, page: Path, tmp_path: Path, refused: Any
) -> None:
    drawn = tmp_path / "drawn.png"
    assert run_here("read", page, "--annotate", drawn).returncode == 0
    with Image.open(drawn) as image:
        assert image.size == (320, 120) and image.mode == "RGB"
    before = drawn.read_bytes()
    refused(run_here("read", page, "--annotate", drawn), 2, "drawn.png", "--overwrite")
    assert drawn.read_bytes() == before
    assert run_here("read", page, "--annotate", drawn, "--overwrite").returncode == 0


def test_several_pictures_are_annotated_in_a_folder(run_here: Any, page: Path, empty: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "page.png"
    other.parent.mkdir()
    other.write_bytes(page.read_bytes())
    done = run_here("read", page, empty, other, "--annotate", tmp_path / "drawn")
    assert done.returncode == 0, done.stderr
    assert sorted(file.name for file in (tmp_path / "drawn").iterdir()) == ["empty.png", "page-2.png", "page.png"]


def test_one_file_cannot_take_two_annotated_pictures(run_here: Any, page: Path, empty: Path, refused: Any) -> None:
    refused(run_here("read", page, empty, "--annotate", "drawn.png"), 2, "drawn.png", "folder")


def test_a_name_of_another_kind_is_not_made_a_folder(run_here: Any, page: Path, tmp_path: Path, refused: Any) -> None:
    refused(run_here("read", page, "--annotate", tmp_path / "out.txt"), 2, "out.txt", ".png or .jpg")
    (tmp_path / "out.d").mkdir()
    assert run_here("read", page, "--annotate", tmp_path / "out.d").returncode == 0
    assert (tmp_path / "out.d" / "page.png").exists() and not (tmp_path / "out.txt").exists()


def test_every_stage_is_explained_by_a_picture(run_here: Any, page: Path, tmp_path: Path, refused: Any) -> None:
    done = run_here("read", page, "--explain", tmp_path / "why")
    assert done.returncode == 0
    stages = ["1-grey", "2-contrast", "3-maps", "4-fed", "5-answer"]
    assert sorted(path.name for path in (tmp_path / "why").iterdir()) == [f"page-{stage}.png" for stage in stages]
    with Image.open(tmp_path / "why" / "page-4-fed.png") as fed:
        assert fed.size == (4 * 2 * 28, 4 * 28)
    refused(run_here("read", page, "--explain", tmp_path / "why"), 2, "why")
