"""Load the data that a user names (``mnist``, a folder, an .npz file) as the parts that each stage may use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgedigits.datasets.dataset import Dataset, Splits, split_stratified
from edgedigits.datasets.labels import match_labels
from edgedigits.datasets.mnist import KerasLoader, is_mnist, load_mnist
from edgedigits.datasets.own import ReadImage, read_folder, read_npz
from edgedigits.errors import DatasetError

# Constants in place of options: the trainer and the exporter run apart and must split the same digits off.
SPLIT_SEED = 0
MNIST_VALIDATION = 5_000
OWN_SHARE = 0.1


def load_splits(data: str | None, read_image: ReadImage, *, keras_loader: KerasLoader | None = None) -> Splits:
    """Return the training, validation and test parts of the data that ``data`` names.

    MNIST (``None``, ``mnist``, or a path to its files) gives 55,000 and 5,000 of the training digits, and the 10,000
    test digits. Other data give 80, 10 and 10 per cent, stratified, the same at every call.

    Raises
    ------
    DatasetError: see `load_mnist`, `read_folder`, `read_npz`.

    """
    if names_mnist(data):
        train, test = load_mnist(_mnist_path(data), keras_loader=keras_loader)
        rest, validation = split_stratified(train, MNIST_VALIDATION, SPLIT_SEED)
        return Splits(rest, validation, test)
    return _split_own(_read_own(str(data), read_image))


def load_evaluation(data: str | None, read_image: ReadImage) -> Dataset:
    """Return the data for an evaluation: the 10,000 MNIST test digits, or all of a user's own data.

    Raises
    ------
    DatasetError: see `load_mnist`, `read_folder`, `read_npz`.

    """
    if names_mnist(data):
        return load_mnist(_mnist_path(data))[1]
    return _read_own(str(data), read_image)


def names_mnist(data: str | None) -> bool:
    """Return whether ``data`` names MNIST: None, ``mnist``, or a path to its files."""
    return data is None or data == "mnist" or is_mnist(Path(data))


def _mnist_path(data: str | None) -> str | None:
    return None if data == "mnist" else data


def _read_own(data: str, read_image: ReadImage) -> Dataset:
    path = Path(data)
    if path.is_dir():
        return read_folder(path, read_image)
    if path.suffix == ".npz":
        return read_npz(path)
    raise DatasetError(
        f"{data}: expected 'mnist', a folder with one sub-folder per label, or an .npz with images and labels, found "
        f"{'another kind of file' if path.exists() else 'nothing'}"
    )


def _split_own(own: Dataset) -> Splits:
    count = round(len(own) * OWN_SHARE)
    rest, test = split_stratified(own, count, SPLIT_SEED)
    rest, validation = split_stratified(rest, count, SPLIT_SEED)
    return Splits(rest, validation, test)


def load_by_hash(data: str | None, read_image: ReadImage, sha256: str, labels: Sequence[str] | None) -> Dataset:
    """Return all of ``data`` or its test part, whichever has this hash; all of it when neither has.

    Its classes are matched with ``labels``, if any, by name, after it was split, as `export` does.

    Raises
    ------
    DatasetError: see `load_mnist`, `read_folder`, `read_npz`, `match_labels`.

    """
    read = load_evaluation(data, read_image)
    everything = _matched(read, labels)
    too_few_to_split = round(len(read) * OWN_SHARE) < 1
    if everything.sha256() == sha256 or names_mnist(data) or too_few_to_split:
        return everything
    test = _matched(_split_own(read).test, labels)
    return test if test.sha256() == sha256 else everything


def _matched(data: Dataset, labels: Sequence[str] | None) -> Dataset:
    return data if labels is None else match_labels(data, labels)
