"""Finding, loading and verifying bundles and their files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import BundleError
from edgedigits.images.judge import PARAMETERS
from edgedigits.manifest import (
    ALIASES,
    PRECISIONS,
    SUFFIXES,
    Attachment,
    Format,
    Manifest,
    ModelFile,
    ReferenceEngine,
    output_shape,
    read_manifest,
)
from edgedigits.npz import read_arrays
from edgedigits.regular_files import read_regular
from edgedigits.store.active import ACTIVE, active_bundle

SHIPPED = Path(__file__).parent / "bundles"
DEFAULT_BUNDLE, LOCATOR_BUNDLE = "small", "locator"
DEFAULT_PRECISION = "int8"
MANIFEST = "manifest.json"
# Bytes: thousands of labels, and the outputs of 50,000 images in 1,000 classes.
_LARGEST_MANIFEST, _LARGEST_ATTACHMENT = 2 << 20, 256 << 20

# Every precision, alone or with the suffix of a format.
Variant = Literal[
    "float32", "float32.tflite", "float32.onnx",
    "float16", "float16.tflite", "float16.onnx",
    "dynamic-int8", "dynamic-int8.tflite", "dynamic-int8.onnx",
    "int8", "int8.tflite", "int8.onnx",
    "int16x8", "int16x8.tflite", "int16x8.onnx",
]  # fmt: skip


class GoldenSet(NamedTuple):
    """Golden inputs and the outputs that each file must give for them.

    Attributes
    ----------
    images: the inputs, uint8 ``[K, H, W, C]``.
    expected: for each file name, the outputs of each reference engine with that file, float32 ``[K, values]``.
    pictures: for some ``i``, an encoded picture (PNG, JPEG) whose normalised form is ``images[i]``.

    """

    images: NDArray[np.uint8]
    expected: dict[str, dict[ReferenceEngine, NDArray[np.float32]]]
    pictures: dict[int, bytes]


class Bundle(NamedTuple):
    """A verified manifest and the folder that holds it.

    Attributes
    ----------
    path: the folder.
    manifest: what the bundle says of itself.

    """

    path: Path
    manifest: Manifest

    @staticmethod
    def load(name_or_path: str | Path | None = None) -> Bundle:
        """Load the default bundle, a shipped one by name, the store's ``active`` one, or one by path.

        Raises
        ------
        BundleError: there is no such bundle, or its manifest is broken, was edited, or has a preprocessing parameter
            that nothing here obeys.

        """
        path = find_bundle(name_or_path)
        file = path / MANIFEST
        manifest = read_manifest(_read(file, _LARGEST_MANIFEST), str(file))
        _check_parameters(manifest.preprocessing.parameters, str(file))
        return Bundle(path, manifest)

    @property
    def id(self) -> str:
        """The hash of the manifest's content, which holds the hash of every file."""
        return self.manifest.id

    def read(self, file: ModelFile | Attachment) -> bytes:
        """Return the bytes of one of the bundle's files after verifying its hash.

        Raises
        ------
        BundleError: the file is missing or is not the one in the manifest.

        """
        path = self.path / file.path
        data = _read(path, _LARGEST_ATTACHMENT if isinstance(file, Attachment) else 2 * file.bytes + _LARGEST_MANIFEST)
        found = hashlib.sha256(data).hexdigest()
        if found != file.sha256:
            raise BundleError(
                f"{path}: expected SHA-256 {file.sha256[:16]}..., found {found[:16]}... over {len(data)} bytes; "
                "the file is not the one that was exported: copy or export the bundle again"
            )
        return data

    def pick(self, variant: str | None, formats: Sequence[Format]) -> ModelFile:
        """Return the file of a variant in the first of ``formats`` that has one.

        ``variant`` is a precision (``int8``), one of Google's recipe names, or a precision with a format
        (``int8.onnx``). None means int8, or the bundle's first file when it has no int8.

        Raises
        ------
        BundleError: there is no such file; the message lists the variants that the bundle has.

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

    def golden(self, *, only: ModelFile | None = None) -> GoldenSet:
        """Return the golden inputs and outputs.

        With ``only``, the outputs are those of this file alone, and there are no pictures: that is quick to read.

        Raises
        ------
        BundleError: the attachment is missing, changed or broken.

        """
        attachment = self.manifest.golden.file
        arrays = self._arrays(attachment, "" if only is None else only.path)
        images = self._expect(arrays, "images", attachment, self.manifest.image)
        files = self.manifest.files if only is None else (only,)
        expected = {file.path: self._outputs(arrays, file, attachment) for file in files}
        pictures = {
            index: arrays[key].tobytes() for index in range(len(images)) if (key := f"picture/{index}") in arrays
        }
        return GoldenSet(images, expected, pictures)

    def _outputs(
        self, arrays: dict[str, NDArray[Any]], file: ModelFile, attachment: Attachment
    ) -> dict[ReferenceEngine, NDArray[np.float32]]:
        """Return the outputs of every reference engine that ran the file; there must be at least one."""
        one, reference_engines = output_shape(self.manifest), self.manifest.golden.reference_engines
        keys = {expected_key(index, file.path): reference for index, reference in enumerate(reference_engines)}
        present = [key for key in keys if key in arrays] or [expected_key(0, file.path)]
        expected = {keys[key]: self._expect(arrays, key, attachment, one) for key in present}
        return {engine: _in_float(outputs).reshape(len(outputs), -1) for engine, outputs in expected.items()}

    def reference(self) -> NDArray[np.float32] | None:
        """Return Keras' probabilities, float32 ``[N, classes]``, or None when the bundle was made without them.

        Raises
        ------
        BundleError: the file is missing, changed or broken.

        """
        attachment = self.manifest.reference.file
        if attachment is None:
            return None
        return self._expect(self._arrays(attachment), "probabilities", attachment, (self._compared,))

    def places(self) -> NDArray[np.float32]:
        """Return where the reference of a locator belongs, float32 ``[P, 3]`` (see `edgedigits.verification.places`).

        Raises
        ------
        BundleError: the bundle has no reference, or its file is missing, changed or broken.

        """
        attachment = self.manifest.reference.file
        if attachment is None:
            raise BundleError(f"{self.path}: was made without a reference; export the model again")
        return self._expect(self._arrays(attachment), "places", attachment, (3,))

    @property
    def _compared(self) -> int:
        """The count of classes that are compared; of a locator one more, nothing."""
        return len(self.manifest.labels) + (self.manifest.task == "locate")

    def _arrays(self, attachment: Attachment, ending: str = "") -> dict[str, NDArray[Any]]:
        """Return the images of an attachment and all arrays whose key has this ending."""
        try:
            return read_arrays(self.read(attachment), lambda key: key.endswith(("images", ending)))
        except ValueError as error:
            raise BundleError(f"{self.path / attachment.path}: expected an .npz of arrays, found: {error}") from error

    def _expect(
        self, arrays: dict[str, NDArray[Any]], key: str, attachment: Attachment, one: tuple[int, ...]
    ) -> NDArray[Any]:
        """Return the array of a key after verifying its shape: as many rows of shape ``one`` as the manifest says."""
        found, shape = arrays.get(key), (attachment.count, *one)
        maps = self.manifest.task == "locate" and key.startswith(EXPECTED)
        dtype = np.uint8 if key == "images" or maps else np.float32
        if found is None or found.shape != shape or not found.size or found.dtype != dtype:
            there = "nothing" if found is None else list(found.shape)
            kind = "" if found is None or found.dtype == dtype else f" of {found.dtype}"
            raise BundleError(f"{self.path / attachment.path}: expected {key} {list(shape)}, found {there}{kind}")
        return found


# Maps of a locator are recorded in steps of a sixteenth, uint8, which takes less of the package than float32. The steps
# are off by a third of the mean difference that is allowed.
MAP_STEPS = 16
EXPECTED = "expected/"  # the keys in golden.npz of recorded outputs begin so


def _in_float(outputs: NDArray[Any]) -> NDArray[np.float32]:
    """Return recorded outputs, float32, or uint8 if they are maps, as float32."""
    return outputs / np.float32(MAP_STEPS) if outputs.dtype == np.uint8 else outputs


def expected_key(index: int, path: str) -> str:
    """Return the key in golden.npz of a file's outputs in the manifest's reference engine of that index."""
    return f"{EXPECTED}{index}/{path}"


def shipped_bundles() -> list[str]:
    """Return the names of the bundles inside the package."""
    return sorted(entry.parent.name for entry in SHIPPED.glob(f"*/{MANIFEST}"))


def _check_parameters(parameters: Mapping[str, float], where: str) -> None:
    """Refuse preprocessing parameters that nothing obeys."""
    if unknown := sorted(set(parameters) - set(PARAMETERS)):
        raise BundleError(
            f"{where}: preprocessing: expected no parameters but {', '.join(PARAMETERS)}, found "
            f"{', '.join(unknown)}; export the model again"
        )


def find_bundle(name_or_path: str | Path | None) -> Path:
    """Return the folder of a bundle, given a shipped name, ``active`` or a path, or None for the default bundle.

    Raises
    ------
    BundleError: there is no such bundle; the message lists the shipped ones.

    """
    if name_or_path is None or (str(name_or_path) in shipped_bundles() and not Path(name_or_path).exists()):
        return SHIPPED / str(name_or_path or DEFAULT_BUNDLE)
    path = Path(name_or_path)
    if str(name_or_path) == ACTIVE and not path.exists():
        return active_bundle()[0]
    if not (path / MANIFEST).is_file():
        from edgedigits.keras_files import export_first

        found = export_first(path) or (
            f"{path.name} without a {MANIFEST} in it" if path.exists() else "no such file or folder"
        )
        raise BundleError(
            f"{name_or_path}: expected a bundle's folder, a .tflite or .onnx file, or one of the shipped bundles "
            f"({', '.join(shipped_bundles())}), found {found}"
        )
    return path


def split_variant(variant: str) -> tuple[str, Format | None]:
    """Split ``int8.onnx`` into ``("int8", "onnx")`` and ``int8`` into ``("int8", None)``.

    Google's recipe names are replaced by the precisions that they stand for.

    Raises
    ------
    BundleError: it is no variant; the message lists the precisions.

    """
    name = variant
    format_: Format | None = None
    for known, suffix in SUFFIXES.items():
        if variant.endswith(suffix):
            name, format_ = variant.removesuffix(suffix), known
    name = ALIASES.get(name, name)
    if name not in PRECISIONS:
        raise BundleError(f"variant {variant!r}: expected {', '.join(PRECISIONS)}, with or without .tflite or .onnx")
    return name, format_


def _read(path: Path, limit: int) -> bytes:
    try:
        return read_regular(path, limit, links=False)
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror or error}); is the bundle whole?") from error
