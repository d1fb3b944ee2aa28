from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from edgedigits.datasets import load, load_by_hash, load_evaluation, load_splits, match_labels
from edgedigits.datasets.mnist import DIGITS
from edgedigits.errors import DatasetError
from edgedigits.images.decode import read_pixels


def never(path):
    raise AssertionError(f"{path}: an .npz holds arrays")


@pytest.fixture
def own(tmp_path, digits):
    """The hundred digits under a name of one's own."""
    np.savez(tmp_path / "own.npz", images=digits.images, labels=digits.labels)
    return str(tmp_path / "own.npz")


def keys(dataset):
    return {image.tobytes() for image in dataset.images}


def test_own_data_are_split_80_10_10_by_class_the_same_at_every_call(own, digits):
    splits = load_splits(own, never)
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [80, 10, 10]
    sizes = np.bincount(digits.labels)
    for part, share in ((splits.train, 0.8), (splits.validation, 0.1), (splits.test, 0.1)):
        assert (abs(np.bincount(part.labels, minlength=10) - sizes * share) <= 1).all()
    assert keys(splits.train) | keys(splits.validation) | keys(splits.test) == keys(digits)
    again = load_splits(own, never)
    assert [part.sha256() for part in (again.train, again.validation, again.test)] == [
        part.sha256() for part in (splits.train, splits.validation, splits.test)
    ]


def test_mnist_gives_its_own_test_digits_and_a_stratified_part_of_the_training_digits(small_mnist, monkeypatch):
    monkeypatch.setattr(load, "MNIST_VALIDATION", 5)  # 5,000 of 60,000 in truth
    by_keras = load_splits("mnist", never, keras_loader=small_mnist.keras)
    splits = load_splits(None, never)
    assert by_keras.test.sha256() == splits.test.sha256()
    assert [len(part) for part in (splits.train, splits.validation, splits.test)] == [35, 5, 10]
    assert keys(splits.train) | keys(splits.validation) == {image.tobytes() for image in small_mnist.arrays[0]}
    assert np.array_equal(splits.test.images[..., 0], small_mnist.arrays[2])


def test_of_the_real_training_digits_5000_are_kept_for_validation():
    assert load.MNIST_VALIDATION == 5000


def test_a_path_to_the_files_of_mnist_means_mnist(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(load, "MNIST_VALIDATION", 5)
    path = str(small_mnist.write(tmp_path / "files"))
    assert len(load_splits(path, never).validation) == 5
    assert load_evaluation(path, never).source == "mnist:test"
    small_mnist.write(small_mnist.cache)
    for name in (None, "mnist"):
        assert np.array_equal(load_evaluation(name, never).images[..., 0], small_mnist.arrays[2])


def test_all_of_ones_own_data_are_measured_on(own, tmp_path, digits):
    assert np.array_equal(load_evaluation(own, never).images, digits.images)
    (tmp_path / "folder" / "3").mkdir(parents=True)
    Image.fromarray(digits.images[0, ..., 0]).save(tmp_path / "folder" / "3" / "x.png")
    found = load_evaluation(str(tmp_path / "folder"), read_pixels)
    assert found.names == ("3",)
    assert np.array_equal(found.images, digits.images[:1])


def test_the_part_with_the_hash_is_found_again(own, digits):
    test = load_splits(own, never).test
    assert load_by_hash(own, never, test.sha256(), DIGITS).sha256() == test.sha256()
    assert len(load_by_hash(own, never, digits.sha256(), DIGITS)) == 100
    assert len(load_by_hash(own, never, "0" * 64, DIGITS)) == 100  # none has it: what calls will say so


def test_the_part_with_the_hash_is_found_by_labels_in_another_order(own):
    """As `export` does: split first, as the trainer did, and matched then."""
    turned = DIGITS[::-1]
    test = match_labels(load_splits(own, never).test, turned)
    assert test.names == turned
    found = load_by_hash(own, never, test.sha256(), turned)
    assert found.sha256() == test.sha256()
    assert len(load_by_hash(own, never, match_labels(load_evaluation(own, never), turned).sha256(), turned)) == 100


def test_too_few_images_to_have_parts_are_the_whole(tmp_path):
    np.savez(tmp_path / "few.npz", images=np.zeros((4, 2, 2), np.uint8), labels=np.array([0, 0, 1, 1]))
    assert len(load_by_hash(str(tmp_path / "few.npz"), never, "0" * 64, None)) == 4


def test_ten_images_are_enough_to_have_parts(tmp_path, digits):
    np.savez(tmp_path / "ten.npz", images=digits.images[:10], labels=digits.labels[:10])
    path = str(tmp_path / "ten.npz")
    test = load_splits(path, never).test
    assert len(load_by_hash(path, never, test.sha256(), DIGITS)) == len(test) == 1


def test_mnist_is_never_searched_for_another_part(small_mnist):
    small_mnist.write(small_mnist.cache)
    assert load_by_hash("mnist", never, "0" * 64, DIGITS).source == "mnist:test"
    assert load_by_hash(None, never, "0" * 64, None).source == "mnist:test"


@pytest.mark.parametrize(("name", "found"), [("notes.txt", "another kind of file"), ("nothing", "nothing")])
def test_what_is_none_of_these_is_refused_with_what_could_be_said(tmp_path, name, found):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError) as caught:
        load_evaluation(str(tmp_path / name), never)
    assert str(caught.value) == (
        f"{tmp_path / name}: expected 'mnist', a folder with one sub-folder per label, or an .npz with images and "
        f"labels, found {found}"
    )


def test_too_few_images_for_three_parts_are_refused(tmp_path):
    np.savez(tmp_path / "few.npz", images=np.zeros((4, 2, 2), np.uint8), labels=np.array([0, 0, 1, 1]))
    with pytest.raises(DatasetError, match="expected a part of 1 to 3 of 4 images, found 0; give more images"):
        load_splits(str(tmp_path / "few.npz"), never)
