"""Scoring on this machine: the rows of every kind of archive are those of a plain loop; what is wrong is told."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scored import Expected, assert_rows, decoded, loop, png, rows_of

from edgedigits.classifier import DigitClassifier
from edgedigits.cli.main import main
from edgedigits.images.convention import follow_mnist, follows_mnist
from edgedigits.images.judge import judge, refusals
from edgedigits.scoring.shards import find_shards

pytestmark = pytest.mark.slow


def score(*words: object) -> int:
    return main(["score", *map(str, words), "--workers", "1"])


@pytest.mark.parametrize("archive", ["digits.tar", "digits.parquet"])
def test_rows_are_those_of_a_loop(
    archive: str, archives: Path, expected: Expected, labels: list[int], tmp_path: Path
) -> None:
    assert score(archives / archive, "-o", tmp_path / "out") == 0
    rows = rows_of(tmp_path / "out")
    assert_rows(rows, expected)
    assert [row["expected"] for row in rows] == [str(label) for label in labels]
    assert {row["rejected"] for row in rows} > {None}  # there is something to refuse
    with DigitClassifier() as classifier:
        known = classifier.model_id.bundle, *classifier.engine_id
    assert {(row["bundle"], row["engine"], row["release"]) for row in rows} == {known}


def test_a_folder_is_scored_with_all_below_it(
    archives: Path, expected: Expected, labels: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    order = sorted(range(len(labels)), key=lambda number: (str(labels[number]), number))
    assert score(archives / "folders", "-o", tmp_path / "out", "--labelled", "--json") == 0
    rows = rows_of(tmp_path / "out")
    assert_rows(rows, [expected[number] for number in order])
    assert [row["source"] for row in rows[:1]] == [str(archives / "folders" / "0" / f"{order[0]:03}.png")]
    summary = json.loads(capsys.readouterr().out)
    assert summary == json.loads((tmp_path / "out" / "_summary.json").read_text())
    read = [
        (label, rejected, labels[number]) for number, (label, _, rejected, error) in enumerate(expected) if not error
    ]
    assert (summary["pictures"], summary["errors"]) == (len(expected), 1)
    assert sum(summary["confidence_histogram"]) == len(read)
    right = sum(label == str(truth) and rejected is None for label, rejected, truth in read)
    assert (summary["labelled"]["n"], summary["labelled"]["top1"]) == (len(read), pytest.approx(right / len(read)))
    assert sum(summary["refusals"].values()) == sum(rejected is not None for _, rejected, _ in read)
    confusion = summary["labelled"]["confusion"]
    assert sum(confusion[label].get(label, 0) for label in confusion) == right
    assert sum(row.get("?", 0) for row in confusion.values()) == sum(summary["refusals"].values())


def test_arrays_are_scored_in_batches_with_the_answers_of_single_ones(archives: Path, tmp_path: Path) -> None:
    arrays = np.load(archives / "digits.npy")
    assert score(archives / "digits.npy", "-o", tmp_path / "out") == 0
    expected = list(loop(list(arrays)))
    assert_rows(rows_of(tmp_path / "out"), expected)
    assert {rejected for _, _, rejected, _ in expected} > {None}


@given(st.integers(0, 2**32 - 1))
def test_many_are_judged_as_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (6, 28, 28)).astype(np.uint8)
    images[1:, :4], images[1:, -4:], images[1:, :, :4], images[1:, :, -4:] = 0, 0, 0, 0
    images[2] //= 2
    images[3, 5:9, 5:9] = 0
    images[4, 0] = rng.integers(0, 60, 28)
    images[5, 4:14] = 0
    assert follow_mnist(images).tolist() == [follows_mnist(image.tobytes()) for image in images]
    scores = rng.dirichlet(np.full(10, rng.choice([0.02, 0.1, 0.5])), 30).astype(np.float32)
    scores[0] = [0.5, 0.5, *[0] * 8]
    single = [judge(one, None, {}) for one in scores]
    assert refusals(scores, {}) == [one and one.reason for one in single]


@pytest.mark.parametrize(
    ("rows", "parts"), [(1, 1), (10_000, 1), (10_001, 2), (320_000, 32), (1_000_000, 64), (6_400_001, 65)]
)
def test_parts_are_many_enough_for_processes_to_end_together_and_none_is_lost(
    rows: int, parts: int, tmp_path: Path
) -> None:
    np.save(tmp_path / "a.npy", np.zeros((rows, 1, 1), np.uint8))
    shards = find_shards([str(tmp_path / "a.npy")])
    assert len(shards) == parts
    assert [shard.first for shard in shards[1:]] == [shard.last for shard in shards[:-1]]
    assert (shards[0].first, shards[-1].last) == (0, rows) == (0, sum(shard.count or 0 for shard in shards))


def test_pages_are_read_with_boxes(pictures: list[bytes], tmp_path: Path) -> None:
    page = Image.new("L", (140, 60), 255)
    for at, digit in enumerate(decoded(pictures)[:4]):
        page.paste(Image.fromarray(255 - digit), (5 + 32 * at, 15))
    page.save(tmp_path / "two.tif", save_all=True, append_images=[Image.new("L", (140, 60), 255)])
    assert score(tmp_path / "two.tif", "-o", tmp_path / "out", "--task", "read") == 0
    first, second = rows_of(tmp_path / "out")
    with DigitClassifier() as classifier:
        reading = classifier.read(tmp_path / "two.tif")
    assert (first["text"], second["text"]) == (reading.text, "")
    assert (first["source"], second["source"]) == (str(tmp_path / "two.tif"), f"{tmp_path / 'two.tif'}#2")
    corners = ("top", "left", "bottom", "right")
    assert [tuple(box[corner] for corner in corners) for box in first["boxes"]] == [
        digit.box for digit in reading.digits
    ]
    summary = json.loads((tmp_path / "out" / "_summary.json").read_text())
    assert summary["answers"]["empty"] == 1
    assert summary["answers"]["digits"] + sum(summary["refusals"].values()) == len(reading.digits)


def test_what_is_done_stays_as_it_is(archives: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    assert score(archives / "digits.parquet", "-o", output) == 0
    before = {file: file.stat().st_mtime_ns for file in output.glob("*.parquet")}
    rows = rows_of(output)
    gone = sorted(before)[2]
    gone.unlink()
    for left in (f".{gone.name}.1234", f".{gone.stem}.at"):  # what a process leaves that is killed a moment ago
        (output / left).write_bytes(b"0")
    assert score(archives / "digits.parquet", "-o", output) == 0
    assert rows_of(output) == rows
    assert not list(output.glob(".*"))
    assert {file for file, changed in before.items() if file.stat().st_mtime_ns != changed} == {gone}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        (["--bundle", "tiny"], "another bundle"),
        (["--mnist"], "another mnist (False there, True now)"),
        (["--task", "read"], "another task (classify there, read now)"),
        (["MORE"], "other inputs"),
    ],
)
def test_another_scoring_does_not_go_on(
    changed: list[str], what: str, archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    assert score(archives / "digits.tar", "-o", output) == 0
    words = [str(archives / "digits.parquet") if word == "MORE" else word for word in changed]
    capsys.readouterr()
    assert score(archives / "digits.tar", *words, "-o", output) == 2
    said = capsys.readouterr().err
    assert what in said
    assert said.count("\n") == 1


def _empty(place: Path) -> Any:
    (place / "in").mkdir()
    return place / "in"


def _no_array(place: Path) -> Any:
    np.save(place / "floats.npy", np.zeros((3, 28, 28)))
    return place / "floats.npy"


def _no_parquet(place: Path) -> Any:
    (place / "x.parquet").write_bytes(b"no Parquet at all")
    return place / "x.parquet"


def _no_numbers(place: Path) -> Any:
    (place / "x.npy").write_bytes(b"\x93NUMPY")
    return place / "x.npy"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_empty, "expected images, .tar, .parquet, .npy files, or a folder of them, found none"),
        (_no_array, "expected pictures, uint8 [N, H, W] or [N, H, W, C], found float64 [3, 28, 28]"),
        (_no_parquet, "expected a Parquet file"),
        (_no_numbers, "expected pictures, uint8 [N, H, W]"),
        (lambda place: place / "nothing", "cannot be read (No such file or directory)"),
    ],
)
def test_what_is_no_archive_is_refused_at_once(
    make: Any, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(make(tmp_path), "-o", tmp_path / "out") == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_with_other_things_is_left_alone(
    archives: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert score(archives / "digits.tar", "-o", tmp_path) == 2
    assert "expected an empty or a new folder" in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_an_archive_that_is_cut_short_keeps_what_it_has(archives: Path, expected: Expected, tmp_path: Path) -> None:
    whole = (archives / "digits.tar").read_bytes()
    (tmp_path / "cut.tar").write_bytes(whole[: len(whole) // 2 + 100])
    assert score(tmp_path / "cut.tar", "-o", tmp_path / "out") == 0
    *rows, last = rows_of(tmp_path / "out")
    assert 20 < len(rows) < len(expected)
    assert_rows(rows, expected[: len(rows)])
    assert "cannot be read to its end" in last["error"]


def test_samples_of_a_tar_have_their_labels(pictures: list[bytes], tmp_path: Path) -> None:
    """The layout of WebDataset: files that stand together, called alike up to the first dot."""
    files = [("a/1.json", b'{"label": 4}'), ("a/1.left.png", pictures[0]), ("a/1.right.png", pictures[1]),
             ("b/1.png", pictures[2]), ("b/2.cls", b"cat\n"), ("b/2.png", pictures[3])]  # fmt: skip
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for name, data in files:
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    assert score(tmp_path / "x.tar", "-o", tmp_path / "out") == 0
    told = [(row["source"].removeprefix(f"{tmp_path}/"), row["expected"]) for row in rows_of(tmp_path / "out")]
    assert told == [
        ("x.tar/a/1.left.png", "4"),
        ("x.tar/a/1.right.png", "4"),
        ("x.tar/b/1.png", None),
        ("x.tar/b/2.png", "cat"),
    ]
    labelled = json.loads((tmp_path / "out" / "_summary.json").read_text())["labelled"]
    assert (labelled["n"], labelled["unknown_labels"]) == (2, 1)


def test_colours_are_scored_as_a_loop_does(tmp_path: Path) -> None:
    images = np.random.default_rng(3).integers(0, 256, (4, 40, 40, 3)).astype(np.uint8)
    np.save(tmp_path / "colours.npy", images)
    assert score(tmp_path / "colours.npy", "-o", tmp_path / "out") == 0
    assert_rows(rows_of(tmp_path / "out"), list(loop(list(images))))


def test_png_of_the_tests_is_whole(pictures: list[bytes]) -> None:
    assert png(decoded(pictures)[0]) == pictures[0]
