"""A release of an engine, and the verdict on one file there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edgedigits.engines import ENGINES

Answer = Literal["runs", "cannot run", "computes wrongly", "unknown"]


@dataclass(frozen=True, slots=True)
class EngineRelease:
    """A release of an engine."""

    engine: str
    version: str

    def __str__(self) -> str:
        """Return the package and its release, as pip names them."""
        return f"{self.distribution} {self.version}"

    @property
    def distribution(self) -> str:
        """The package as pip knows it."""
        return ENGINES[self.engine].distribution


@dataclass(frozen=True, slots=True)
class ReleaseVerdict:
    """Whether one file runs on one engine release.

    Attributes
    ----------
    why: the reason for the answer.
    cure: what to do so that the file runs; empty where it runs.

    """

    answer: Answer
    why: str
    cure: str
