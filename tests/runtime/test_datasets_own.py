from __future__ import annotations

import io
import os
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgedigits.datasets.own import IMAGE_SUFFIXES, label_folders, read_folder, read_npz
from edgedigits.errors import DatasetError, ImageError
from edgedigits.images.decode import read_pixels


def fill(folder, files):
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_folders_named_by_numbers_come_in_the_order_of_the_numbers(tmp_path):
    fill(tmp_path, ["10/a.png", "9/a.png", "2/a.png"])
    assert list(label_folders(tmp_path)) == ["2", "9", "10"]


def test_folders_named_by_words_come_in_the_order_of_the_alphabet(tmp_path):
    fill(tmp_path, ["10/a.png", "9/a.png", "none/a.png"])
    assert list(label_folders(tmp_path)) == ["10", "9", "none"]


def test_files_come_sorted_at_any_depth_and_only_images_do(tmp_path):
    fill(tmp_path, ["a/z.PNG", "a/b/c.jpeg", "a/notes.txt", "b/x.webp", "empty/readme.md", ".git/x.png", "stray.png"])
    (tmp_path / "a" / "folder.png").mkdir()
    found = label_folders(tmp_path)
    assert {label: [str(path.relative_to(tmp_path)) for path in paths] for label, paths in found.items()} == {
        "a": ["a/b/c.jpeg", "a/z.PNG"],
        "b": ["b/x.webp"],
    }


def test_all_formats_that_are_decoded_are_found(tmp_path):
    fill(tmp_path, [f"a/x{suffix}" for suffix in IMAGE_SUFFIXES])
    assert {path.suffix for path in label_folders(tmp_path)["a"]} == {
        ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm", ".tif", ".tiff", ".webp",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("files", "only"),
    [([], ""), (["stray.png", "notes.txt"], "; move the 1 images beside them into one for each label"),
     (["a/notes"], ""), (["a/notes.txt"], ", only 1 .txt"),
     (["a/x.NEF", "b/y.nef", "b/c/film.mp4"], ", only 2 .nef, 1 .mp4")],
)  # fmt: skip
def test_a_folder_without_labelled_images_is_refused_and_what_it_has_is_told(tmp_path, files, only):
    with pytest.raises(DatasetError) as caught:
        label_folders(fill(tmp_path, files))
    assert str(caught.value) == f"{tmp_path}: expected one sub-folder per label with images in it, found none{only}"


@pytest.mark.parametrize("name", ["x.heic", "x.HEIF", "x.avif"])
def test_a_telephone_s_photograph_that_nothing_reads_is_told_and_not_left_out(tmp_path, name):
    fill(tmp_path, [f"a/{name}"])
    (tmp_path / "a" / name).write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    Image.new("L", (9, 9)).save(tmp_path / "a" / "b.png")
    with pytest.raises(ImageError, match=rf"{name}: expected an image .*, found a HEIC photograph; save it as JPEG"):
        read_folder(tmp_path, read_pixels)


@pytest.mark.parametrize(
    ("count", "told"),
    [(2, "2 of 9 images cannot be read: {0}: expected an image .*; nor can {1}; remove them or save them again"),
     (4, "4 of 9 images cannot be read: {0}: expected an image .*; nor can {1}, {2}, {3}; remove"),
     (6, "6 of 9 images cannot be read: {0}: expected an image .*; nor can {1}, {2}, {3} and 2 more; remove")],
)  # fmt: skip
def test_files_that_cannot_be_read_are_named_together(tmp_path, count, told):
    files = [tmp_path / "a" / f"{number}.png" for number in range(9)]
    for number, file in enumerate(files):
        save(tmp_path, f"a/{file.name}", np.zeros((4, 5), np.uint8))
        if number >= 9 - count:
            file.write_text("no image")
    with pytest.raises(ImageError, match=told.format(*map(str, files[9 - count :]))):
        read_folder(tmp_path, read_pixels)


def test_a_folder_that_is_not_there_or_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError) as caught:
        label_folders(tmp_path / "nothing")
    assert str(caught.value) == f"{tmp_path / 'nothing'}: cannot be read (No such file or directory)"
    with pytest.raises(DatasetError, match="Not a directory"):
        label_folders(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_without_permission_is_reported(tmp_path):
    fill(tmp_path, ["a/x.png"]).chmod(0)
    with pytest.raises(DatasetError, match="cannot be read"):
        label_folders(tmp_path)


def save(folder, name, array):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(folder / name)


def test_a_folder_of_digits_becomes_a_data_set_with_the_folders_as_names(tmp_path, digits):
    for row in range(20):
        save(tmp_path, f"{digits.labels[row]}/{row:03}.png", digits.images[row, ..., 0])
    found = read_folder(tmp_path, read_pixels)
    order = np.argsort(digits.labels[:20], kind="stable")
    assert np.array_equal(found.images, digits.images[order])
    assert [found.names[label] for label in found.labels] == [str(label) for label in digits.labels[order]]
    assert found.labels.dtype == np.int64
    assert found.source == str(tmp_path)


def test_an_image_of_another_size_is_named(tmp_path):
    save(tmp_path, "a/first.png", np.zeros((4, 5), np.uint8))
    save(tmp_path, "b/other.png", np.zeros((5, 4), np.uint8))
    with pytest.raises(DatasetError) as caught:
        read_folder(tmp_path, read_pixels)
    assert str(caught.value) == (
        f"{tmp_path / 'b' / 'other.png'}: expected the size of first.png, [4, 5, 1], found [5, 4, 1]; "
        "resize all images to one size first"
    )


def test_an_npz_keeps_its_names_and_grey_images_get_their_axis(tmp_path):
    images, labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.array([1, 0], np.uint8)
    np.savez(tmp_path / "a.npz", images=images, labels=labels, names=np.array(["cat", "dog"]))
    found = read_npz(tmp_path / "a.npz")
    assert np.array_equal(found.images, images[..., np.newaxis])
    assert list(found.labels) == [1, 0]
    assert found.labels.dtype == np.int64
    assert found.names == ("cat", "dog")
    assert found.source == str(tmp_path / "a.npz")


def test_an_npz_without_names_counts_its_classes_and_colour_stays(tmp_path):
    images = np.arange(36, dtype=np.uint8).reshape(2, 2, 3, 3)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([0, 2]))
    found = read_npz(tmp_path / "a.npz")
    assert np.array_equal(found.images, images)
    assert found.names == ("0", "1", "2")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.0, 1.0]), "expected whole numbers as labels [N], found float64 [2]"),
        (np.array([[0, 1]]), "expected whole numbers as labels [N], found int64 [1, 2]"),
        (np.array([], np.int64), "expected whole numbers as labels [N], found int64 [0]"),
        (np.array([0, 1, 1]), "expected as many labels as images and at least one, found 2 images and 3 labels"),
        (np.array([0, -1]), "expected labels 0 to 0, found -1 to 0; name every class or remove the other labels"),
    ],
)
def test_labels_that_make_no_sense_are_refused(tmp_path, labels, message):
    np.savez(tmp_path / "a.npz", images=np.zeros((2, 3, 4), np.uint8), labels=labels)
    with pytest.raises(DatasetError) as caught:
        read_npz(tmp_path / "a.npz")
    assert str(caught.value) == f"{tmp_path / 'a.npz'}: {message}"


@pytest.mark.parametrize("harm", ["gone", "text", "cut", "keys", "pickle"])
def test_a_file_that_is_no_such_npz_is_refused(tmp_path, harm):
    file = tmp_path / "a.npz"
    np.savez(file, images=np.zeros((2, 3, 4), np.uint8), labels=np.array([0, 1]))
    if harm == "gone":
        file.unlink()
    elif harm == "text":
        file.write_text("not a zip")
    elif harm == "cut":
        file.write_bytes(file.read_bytes()[:200])
    elif harm == "keys":
        np.savez(file, images=np.zeros((2, 3, 4), np.uint8))
    else:
        np.savez(file, images=np.array([{}, []], object), labels=np.array([0, 1]))
    with pytest.raises(DatasetError, match=r"a.npz: expected an .npz with 'images' and 'labels', found: "):
        read_npz(file)


@given(st.data())
def test_a_byte_changed_anywhere_gives_an_error_of_ours_or_none(tmp_path_factory, digits, data):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, images=digits.images[:2], labels=digits.labels[:2])
    broken = bytearray(buffer.getvalue())
    broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.getbasetemp() / "broken.npz"
    file.write_bytes(broken)
    with suppress(DatasetError):
        read_npz(file)


def test_a_single_array_under_the_name_of_an_npz_is_refused(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.zeros((2, 3, 4), np.uint8))
    with pytest.raises(DatasetError, match=r"expected an .npz with 'images' and 'labels'"):
        read_npz(tmp_path / "a.npz")
