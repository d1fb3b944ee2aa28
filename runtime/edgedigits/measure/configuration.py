"""The configuration of a measurement: one model file in one engine with its settings."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.bundle import Bundle
from edgedigits.input_shapes import InputShape
from edgedigits.manifest import SUFFIXES, ModelFile
from edgedigits.records import Count, Sha256


@dataclass(frozen=True, slots=True)
class Configuration:
    """One configuration to measure.

    Attributes
    ----------
    path: the path of the model file.
    file, bytes, sha256: its name, size and hash.
    bundle, variant: the id of its bundle and its variant there, such as ``int8.tflite``; None for a lone file.
    engine, threads: the engine and its number of threads.
    options: the options of the engine that were given (see `EngineKind`).
    batch: the number of images in one inference.
    shapes: the shape of each input, in the file's order; empty with ``images``, and where the engine refuses the file.
    images: a folder of pictures, each of which is decoded, preprocessed and classified; None measures inference alone.

    """

    path: str
    file: str
    bytes: Count
    sha256: Sha256
    bundle: Sha256 | None
    variant: str | None
    engine: str
    threads: Count
    options: dict[str, bool]
    batch: Count
    shapes: tuple[InputShape, ...]
    images: str | None

    @property
    def setting(self) -> str:
        """The configuration without its file, as text for people."""
        parts = [self.engine, "1 thread" if self.threads == 1 else f"{self.threads} threads"]
        parts += [f"{name} {'on' if value else 'off'}" for name, value in sorted(self.options.items())]
        parts += [f"batch {self.batch}"] if self.batch > 1 else []
        return ", ".join(parts + (["from pictures"] if self.images else []))

    @property
    def name(self) -> str:
        """The file and the setting, as text for people."""
        return f"{self.file} in {self.setting}"

    @property
    def identity(self) -> tuple[str, str]:
        """What a newer version of the same model has in common: the variant (or the file's name) and the setting."""
        return self.variant or self.file, self.setting


def configuration_of(bundle: Bundle, file: ModelFile, engine: str, images: str | None = None) -> Configuration:
    """Return the configuration of a bundle's file with one thread and a batch of one, without the shape of its input.

    Raises
    ------
    BundleError: the file is not the one in the manifest.

    """
    bundle.read(file)
    variant = file.precision + SUFFIXES[file.format]
    path = str(bundle.path / file.path)
    return Configuration(path, file.path, file.bytes, file.sha256, bundle.id, variant, engine, 1, {}, 1, (), images)
