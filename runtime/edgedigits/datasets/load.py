"""One rule from what a user names (``mnist``, a folder, an .npz) to the parts a stage may use."""

from __future__ import annotations

from pathlib import Path

from edgedigits.datasets.dataset import Dataset, Splits, split_stratified
from edgedigits.datasets.mnist import KerasLoader, is_mnist, load_mnist
from edgedigits.datasets.own import Prepare, read_folder, read_npz
from edgedigits.errors import DatasetError

# Fixed, not an option: trainer and exporter meet through files and must mean the same digits by "validation".
SPLIT_SEED = 0
MNIST_VALIDATION = 5_000
OWN_SHARE = 0.1


def load_splits(data: str | None, prepare: Prepare, *, keras_loader: KerasLoader | None = None) -> Splits:
    """Training, validation and test part of what ``data`` names.

    MNIST (``None``, ``mnist``, or a path to its files): 55,000 + 5,000 of the training digits, and the 10,000
    test digits. Anything else: 80 + 10 + 10 per cent, stratified, the same at every call.

    Raises
    ------
    DatasetError: see `load_mnist`, `read_folder`, `read_npz`.

    """
    if _names_mnist(data):
        train, test = load_mnist(_mnist_path(data), keras_loader=keras_loader)
        rest, validation = split_stratified(train, MNIST_VALIDATION, SPLIT_SEED)
        return Splits(rest, validation, test)
    whole = _read_own(str(data), prepare)
    count = round(len(whole) * OWN_SHARE)
    rest, test = split_stratified(whole, count, SPLIT_SEED)
    rest, validation = split_stratified(rest, count, SPLIT_SEED)
    return Splits(rest, validation, test)


def load_evaluation(data: str | None, prepare: Prepare) -> Dataset:
    """What to measure on: the 10,000 MNIST test digits, or all of the user's own set.

    Raises
    ------
    DatasetError: see `load_mnist`, `read_folder`, `read_npz`.

    """
    if _names_mnist(data):
        return load_mnist(_mnist_path(data))[1]
    return _read_own(str(data), prepare)


def _names_mnist(data: str | None) -> bool:
    return data is None or data == "mnist" or is_mnist(Path(data))


def _mnist_path(data: str | None) -> str | None:
    return None if data == "mnist" else data


def _read_own(data: str, prepare: Prepare) -> Dataset:
    path = Path(data)
    if path.is_dir():
        return read_folder(path, prepare)
    if path.suffix == ".npz":
        return read_npz(path)
    raise DatasetError(
        f"{data}: expected 'mnist', a folder with one sub-folder a label, or an .npz with images and labels, found "
        f"{'another kind of file' if path.exists() else 'nothing'}"
    )


def load_by_hash(data: str | None, prepare: Prepare, sha256: str) -> Dataset:
    """The part of ``data`` that has this hash: its test part or all of it; all of it when none has.

    Raises
    ------
    DatasetError: see `load_mnist`, `read_folder`, `read_npz`.

    """
    whole = load_evaluation(data, prepare)
    too_few = round(len(whole) * OWN_SHARE) < 1  # to have a test part
    if whole.sha256() == sha256 or _names_mnist(data) or too_few:
        return whole
    test = load_splits(data, prepare).test
    return test if test.sha256() == sha256 else whole
