"""Classes are matched with labels by name, whatever their order, and what cannot be matched is named on both sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.datasets import Dataset, match_labels, read_label_file
from edgedigits.datasets.labels import match_names
from edgedigits.datasets.own import label_folders
from edgedigits.errors import DatasetError, UsageError

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def data(names: tuple[str, ...], labels: list[int] | None = None) -> Dataset:
    """One image a class, whose pixels are the number of the class."""
    shown = np.array(range(len(names)) if labels is None else labels, np.int64)
    images = np.broadcast_to(shown.astype(np.uint8)[:, None, None, None], (len(shown), 2, 2, 1))
    return Dataset(np.array(images), shown, names, "pictures")


@given(st.permutations(CLOTHES))
def test_classes_in_any_order_are_matched_by_name(names: list[str]) -> None:
    matched = match_labels(data(tuple(names)), CLOTHES)
    assert matched.names == CLOTHES
    assert [names[image.flat[0]] for image in matched.images] == [CLOTHES[label] for label in matched.labels]


@pytest.mark.parametrize(
    ("folder", "label"),
    [("T-shirt_top", "T-shirt/top"), ("ankle boot", "Ankle boot"), ("BAG", "Bag"), ("T shirt - top", "T-shirt/top")],
)
def test_a_name_that_cannot_be_a_folders_is_matched_by_its_letters(folder: str, label: str) -> None:
    assert match_names([folder], CLOTHES, "here") == [CLOTHES.index(label)]


def test_an_equal_name_is_matched_before_a_similar_one() -> None:
    assert match_names(["A-B", "AB"], ("AB", "A-B"), "here") == [1, 0]


def test_letters_of_every_script_count() -> None:
    assert match_names(["grün", "数字"], ("数字", "GRÜN"), "here") == [1, 0]
    assert match_names(["cafe\u0301"], ("tea", "caf\u00e9"), "here") == [1]  # composed in two ways


@pytest.mark.parametrize("names", [("0", "1", "10", "11", "2"), ("11", "10", "2", "1", "0")])
def test_numeric_folders_in_any_order_are_matched(names: tuple[str, ...]) -> None:
    labels = ("0", "1", "10", "11", "2")  # the order of Keras' image_dataset_from_directory
    matched = match_labels(data(names), labels)
    assert [names[image.flat[0]] for image in matched.images] == [labels[label] for label in matched.labels]


def test_numbers_stand_for_labels_by_position_where_no_label_is_a_number() -> None:
    assert match_names(["9", "0", "3"], CLOTHES, "here") == [9, 0, 3]


def test_a_label_may_be_without_images_and_a_class_without_images_without_a_label() -> None:
    found = match_labels(data(("Bag", "Coat", "nothing"), [0, 1, 1]), CLOTHES)
    assert [CLOTHES[label] for label in found.labels] == ["Bag", "Coat", "Coat"]


@pytest.mark.parametrize(
    ("names", "labels", "said"),
    [
        (("Bag", "Hat"), ("Bag", "Cap"), "found 'Hat'; labels left over: 'Cap'"),
        (("Bag", "bag"), ("BAG", "Cap"), "found 'Bag', 'bag'; labels left over: 'Cap'"),
        (("0", "1", "10"), CLOTHES, "found '0', '1', '10'"),
        (("0", "x"), ("a", "b"), "found '0', 'x'; labels left over: 'a', 'b'"),
        (("A-B",), ("A_B", "A B"), "found 'A-B'; labels left over: 'A_B', 'A B'"),
        (tuple("abcdefgh"), tuple("ABCDEFGX"), "found 'h'; labels left over: 'X'"),
    ],
)
def test_what_cannot_be_matched_is_named_on_both_sides(
    names: tuple[str, ...], labels: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DatasetError, match="pictures: expected classes named like the labels") as caught:
        match_labels(data(names), labels)
    assert said in str(caught.value)


def test_many_names_are_cut_short() -> None:
    with pytest.raises(DatasetError, match="found 'q0', 'q1', 'q2', 'q3', 'q4' and 3 more; labels left over: none;"):
        match_names([f"q{number}" for number in range(8)], (), "here")


def test_data_in_the_labels_order_is_taken_as_it_is() -> None:
    own = data(CLOTHES)
    assert match_labels(own, CLOTHES) is own


@pytest.mark.parametrize("text", ["\ufeffgrün\r\nT-shirt/top\r\n", "grün\nT-shirt/top", "  grün  \n\nT-shirt/top\n\n"])
def test_a_label_file_may_have_a_mark_and_any_line_ends(tmp_path: Path, text: str) -> None:
    (tmp_path / "labels.txt").write_bytes(text.encode())
    assert read_label_file(tmp_path / "labels.txt") == ("grün", "T-shirt/top")


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a\nb\na\n", "expected each label once, found 'a' again"), (b"\xff\xfe", "one label a line")],
)
def test_a_label_file_that_is_none_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "labels.txt").write_bytes(content)
    with pytest.raises(UsageError, match=said):
        read_label_file(tmp_path / "labels.txt")


def test_folders_with_numbers_keep_their_numeric_order(tmp_path: Path) -> None:
    for name in ("0", "1", "10", "2"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").touch()
    assert list(label_folders(tmp_path)) == ["0", "1", "2", "10"]
