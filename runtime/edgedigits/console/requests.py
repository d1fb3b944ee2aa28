"""The requests that commands of the runtime hand to the exporter, which runs on a host."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from edgedigits.console.output import Output


class PerLayerRequest(NamedTuple):
    """What ``parity --per-layer`` asks for: compare a bundle's files with its Keras model layer by layer.

    Attributes
    ----------
    model: the Keras file that the bundle was exported from.
    custom_objects: a Python file that defines what is not Keras' own in it; None where nothing is.
    variant: compare only this variant; None for all.
    picture: draw the result into this .png or .svg file; None for no picture.

    """

    model: Path
    custom_objects: Path | None
    variant: str | None
    picture: Path | None
    output: Output


class RemoteSelftestRequest(NamedTuple):
    """What ``selftest`` asks for with ``--board``, or with an engine's release: run it in another Python.

    Attributes
    ----------
    bundle: a shipped bundle's name or a path; None for the bundle in the package.
    variant: test only this variant; None for all.
    engine: ``auto``, an engine, or an engine's release such as ``tflite-runtime==2.14``.
    board, os, arch: the board to emulate, its system and architecture; None where they are not named.

    """

    bundle: str | None
    variant: str | None
    engine: str
    threads: int
    board: str | None
    os: str | None
    arch: str | None
    output: Output
