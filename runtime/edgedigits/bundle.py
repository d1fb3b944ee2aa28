"""A bundle on disk: found, loaded, verified, and asked for one of its files."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import BundleError
from edgedigits.manifest import (
    ALIASES,
    PRECISIONS,
    SUFFIXES,
    Attachment,
    Format,
    Manifest,
    ModelFile,
    ReferenceEngine,
    read_manifest,
)

SHIPPED = Path(__file__).parent / "bundles"
DEFAULT_BUNDLE = "small"
DEFAULT_PRECISION = "int8"
MANIFEST = "manifest.json"


class GoldenSet(NamedTuple):
    """Inputs and the answers they must get.

    Attributes
    ----------
    images: uint8 ``[K, H, W, C]``.
    expected: by file name, each reference engine's outputs with that file, float32 ``[K, classes]``.
    pictures: encoded pictures (PNG, JPEG) whose normalised form is ``images[i]``, by ``i``.

    """

    images: NDArray[np.uint8]
    expected: dict[str, dict[ReferenceEngine, NDArray[np.float32]]]
    pictures: dict[int, bytes]


class Bundle(NamedTuple):
    """A verified manifest and the folder it stands in."""

    path: Path
    manifest: Manifest

    @staticmethod
    def load(place: str | Path | None = None) -> Bundle:
        """Load the default bundle, a shipped one by name, or one by path.

        Raises
        ------
        BundleError: nothing there, or the manifest is broken or was edited.

        """
        path = find_bundle(place)
        file = path / MANIFEST
        return Bundle(path, read_manifest(_read(file), str(file)))

    @property
    def id(self) -> str:
        """Hash of the manifest's content, which names the hash of every file."""
        return self.manifest.id

    def read(self, file: ModelFile | Attachment) -> bytes:
        """The bytes of one of the bundle's files, once its hash is right.

        Raises
        ------
        BundleError: the file is missing or is not the one in the manifest.

        """
        path = self.path / file.path
        data = _read(path)
        found = hashlib.sha256(data).hexdigest()
        if found != file.sha256:
            raise BundleError(
                f"{path}: expected SHA-256 {file.sha256[:16]}..., found {found[:16]}... over {len(data)} bytes; "
                "the file is not the one that was exported: copy or export the bundle again"
            )
        return data

    def pick(self, variant: str | None, formats: Sequence[Format]) -> ModelFile:
        """The file of a variant in the first of ``formats`` that has it.

        ``variant`` is a precision (``int8``), one of Google's recipe names, or a precision with a format
        (``int8.onnx``). None means int8, or the bundle's first file when it has no int8.

        Raises
        ------
        BundleError: no such file; the message lists those there are.

        """
        precision, wanted = split_variant(variant or self._default_precision(formats))
        for format_ in [wanted] if wanted else formats:
            for file in self.manifest.files:
                if (file.precision, file.format) == (precision, format_) and format_ in formats:
                    return file
        there = ", ".join(file.precision + SUFFIXES[file.format] for file in self.manifest.files)
        raise BundleError(
            f"{self.path}: expected a variant {variant or precision} as {' or '.join(formats)}, found only {there}"
        )

    def _default_precision(self, formats: Sequence[Format]) -> str:
        there = [file.precision for file in self.manifest.files if file.format in formats]
        return DEFAULT_PRECISION if DEFAULT_PRECISION in there or not there else there[0]

    def golden(self, only: ModelFile | None = None) -> GoldenSet:
        """The golden inputs and answers; of one file alone and without pictures where every load waits for them.

        Raises
        ------
        BundleError: the attachment is missing, changed or broken.

        """
        attachment = self.manifest.golden.file
        arrays = self._arrays(attachment, "" if only is None else only.path)
        images = self._expect(arrays, "images", attachment, self.manifest.image)
        files = self.manifest.files if only is None else (only,)
        expected = {file.path: self._answers(arrays, file, attachment) for file in files}
        pictures = {
            index: arrays[key].tobytes() for index in range(len(images)) if (key := f"picture/{index}") in arrays
        }
        return GoldenSet(images, expected, pictures)

    def _answers(
        self, arrays: dict[str, NDArray[Any]], file: ModelFile, attachment: Attachment
    ) -> dict[ReferenceEngine, NDArray[np.float32]]:
        """Return the outputs of every reference engine that ran the file: at least one."""
        classes, reference_engines = (len(self.manifest.labels),), self.manifest.golden.reference_engines
        keys = {expected_key(index, file.path): reference for index, reference in enumerate(reference_engines)}
        there = [key for key in keys if key in arrays] or [expected_key(0, file.path)]
        return {keys[key]: self._expect(arrays, key, attachment, classes) for key in there}

    def reference(self) -> NDArray[np.float32] | None:
        """Keras' probabilities, float32 ``[N, classes]``, or None when they were left out.

        Raises
        ------
        BundleError: the file is missing, changed or broken.

        """
        attachment = self.manifest.reference.file
        if attachment is None:
            return None
        return self._expect(self._arrays(attachment), "probabilities", attachment, (len(self.manifest.labels),))

    def _arrays(self, attachment: Attachment, ending: str = "") -> dict[str, NDArray[Any]]:
        """All arrays of an attachment, or the images and those whose key ends so."""
        try:
            with np.load(io.BytesIO(self.read(attachment)), allow_pickle=False) as archive:
                return {key: archive[key] for key in archive.files if key.endswith(("images", ending))}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise BundleError(f"{self.path / attachment.path}: expected an .npz of arrays, found: {error}") from error

    def _expect(
        self, arrays: dict[str, NDArray[Any]], key: str, attachment: Attachment, one: tuple[int, ...]
    ) -> NDArray[Any]:
        """The array under a key, which has as many rows of shape ``one`` as the manifest says."""
        found, shape = arrays.get(key), (attachment.count, *one)
        if found is None or found.shape != shape or not found.size:
            there = "nothing" if found is None else list(found.shape)
            raise BundleError(f"{self.path / attachment.path}: expected {key} {list(shape)}, found {there}")
        return found


def expected_key(index: int, path: str) -> str:
    """Return the key in golden.npz of a file's outputs in the manifest's reference engine of that index."""
    return f"expected/{index}/{path}"


def shipped_bundles() -> list[str]:
    """Names of the bundles inside the package."""
    return sorted(entry.parent.name for entry in SHIPPED.glob(f"*/{MANIFEST}"))


def find_bundle(place: str | Path | None) -> Path:
    """The folder of a bundle: the default, a shipped name, or a path.

    Raises
    ------
    BundleError: nothing of the kind; the message says what there is.

    """
    if place is None or (str(place) in shipped_bundles() and not Path(place).exists()):
        return SHIPPED / str(place or DEFAULT_BUNDLE)
    path = Path(place)
    if not (path / MANIFEST).is_file():
        found = "no such file or folder" if not path.exists() else f"{path.name} without a {MANIFEST} in it"
        raise BundleError(
            f"{place}: expected a bundle's folder or one of the shipped bundles ({', '.join(shipped_bundles())}), "
            f"found {found}"
        )
    return path


def split_variant(variant: str) -> tuple[str, Format | None]:
    """``int8.onnx`` to ``("int8", "onnx")``, ``int8`` to ``("int8", None)``; recipe names become ours.

    Raises
    ------
    BundleError: neither; the message lists what can be said.

    """
    name = variant
    format_: Format | None = None
    for known, suffix in SUFFIXES.items():
        if variant.endswith(suffix):
            name, format_ = variant.removesuffix(suffix), known
    name = ALIASES.get(name, name)
    if name not in PRECISIONS:
        raise BundleError(
            f"variant {variant!r}: expected {', '.join(PRECISIONS)}, with .tflite or .onnx behind it or not"
        )
    return name, format_


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror or error}); is the bundle whole?") from error
