"""What is measured: one model file in one engine, set up in one way."""

from __future__ import annotations

from dataclasses import dataclass

from edgedigits.records import Count, Sha256


@dataclass(frozen=True, slots=True)
class Configuration:
    """One row of a measurement.

    Attributes
    ----------
    path: where the file is; file, bytes, sha256: its name and content.
    bundle, variant: the id of the bundle it belongs to, and ``int8.tflite`` or the like there; None of a lone file.
    options: of the engine, as far as they were said (see `EngineKind`).
    batch: images handed over at once.
    images: a folder of pictures that go the whole way from file to answer, one by one; None for the bare engine.

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
    images: str | None

    @property
    def setting(self) -> str:
        """All but the file, for people."""
        parts = [self.engine, "1 thread" if self.threads == 1 else f"{self.threads} threads"]
        parts += [f"{name} {'on' if value else 'off'}" for name, value in sorted(self.options.items())]
        parts += [f"batch {self.batch}"] if self.batch > 1 else []
        return ", ".join(parts + (["from pictures"] if self.images else []))

    @property
    def name(self) -> str:
        """File and setting, for people."""
        return f"{self.file} in {self.setting}"

    @property
    def role(self) -> tuple[str, str]:
        """What another version of the same thing has in common with it: variant, or file name, and setting."""
        return self.variant or self.file, self.setting
