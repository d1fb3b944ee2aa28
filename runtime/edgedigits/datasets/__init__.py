"""Load and split labelled images: MNIST with its checksums and cache, and users' folders and .npz files.

It imports nothing but numpy, Pillow and the standard library, since boards evaluate models, too.
"""

from __future__ import annotations

from edgedigits.datasets.dataset import Dataset, Splits, choose_stratified, join, split_stratified
from edgedigits.datasets.labels import match_labels, read_label_file
from edgedigits.datasets.load import load_by_hash, load_evaluation, load_splits, names_mnist
from edgedigits.datasets.mnist import load_mnist

__all__ = [
    "Dataset",
    "Splits",
    "choose_stratified",
    "join",
    "load_by_hash",
    "load_evaluation",
    "load_mnist",
    "load_splits",
    "match_labels",
    "names_mnist",
    "read_label_file",
    "split_stratified",
]
