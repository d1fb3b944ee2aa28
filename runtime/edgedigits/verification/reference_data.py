"""Load the labelled images that the reference of a bundle belongs to."""

from __future__ import annotations

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset, load_by_hash
from edgedigits.images.resize import read_resized


def load_reference_data(bundle: Bundle, place: str) -> Dataset:
    """Return the images of the reference, in the model's size, from ``mnist``, a folder or an .npz that holds them.

    ``place`` may be the source that a manifest or `parity --json` names. Where it has other images, they are returned
    all the same: `explain_missing_reference` tells.

    Raises
    ------
    DatasetError: the data cannot be read, or their classes do not fit the bundle's labels.

    """
    manifest = bundle.manifest
    return load_by_hash(
        None if place == "mnist" or place.startswith("mnist:") else place,
        lambda path: read_resized(path, manifest.image),
        manifest.reference.dataset_sha256,
        manifest.labels if manifest.task == "classify" else None,
    )
