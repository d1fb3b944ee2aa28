"""The shapes of a model's inputs: which dimensions a file leaves free, and how long a command is told that they are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from edgedigits.errors import UsageError
from edgedigits.manifest import TensorInfo

_FREE = -1
_EXAMPLE = 320  # a length that is neither too short to show nor too long to wait for
_FORM = re.compile(r"(?P<name>.+)=(?P<sizes>[1-9]\d{0,8}(?:[xX][1-9]\d{0,8})*)", re.DOTALL)


class InputShape(NamedTuple):
    """An input with the length of each of its dimensions."""

    name: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """Return it as ``--shape`` takes it; a scalar has none."""
        return f"{self.name}={'x'.join(map(str, self.shape)) or 'scalar'}"


def parse_shapes(texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the shapes by input that texts such as ``images=1x3x320x320`` name.

    Raises
    ------
    UsageError: a text has another form, or an input is named twice.

    """
    shapes: dict[str, tuple[int, ...]] = {}
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None:
            raise UsageError(
                f"--shape: expected an input's name and whole numbers of at least 1, such as images=1x3x320x320, "
                f"found {text!r}"
            )
        if match["name"] in shapes:
            raise UsageError(f"--shape: expected one shape for each input, found two for {match['name']!r}")
        shapes[match["name"]] = tuple(map(int, re.split("[xX]", match["sizes"])))
    return shapes


def resolve_shapes(
    file: str, inputs: Sequence[TensorInfo], asked: Mapping[str, tuple[int, ...]], batch: int | None = None
) -> tuple[InputShape, ...]:
    """Return the shape of each input: the file's own, with the lengths that ``asked`` has for its free dimensions.

    ``batch`` is the length of a first dimension that is the only free one; None leaves it open, too.

    Raises
    ------
    UsageError: a dimension stays free, a shape does not fit its input, or no first dimension is free for a batch.

    """
    if batch not in {None, 1} and not any(one.shape[:1] == (_FREE,) for one in inputs):
        found = ", ".join(f"{one.name!r} {dimensions(one.shape)}" for one in inputs)
        raise UsageError(f"{file}: expected a free first dimension for a batch of {batch}, found {found}")
    chosen = []
    for one in inputs:
        shape = one.shape
        if one.name in asked:
            _refuse_misfit(file, one, asked[one.name])
            shape = asked[one.name]
        elif batch is not None and shape[:1] == (_FREE,) and _FREE not in shape[1:]:
            shape = (batch, *shape[1:])
        chosen.append(InputShape(one.name, shape))
    if open_ones := [one for one, this in zip(inputs, chosen, strict=True) if _FREE in this.shape]:
        which = ", ".join(f"{one.name!r} {dimensions(one.shape)}" for one in open_ones)
        options = " ".join(f"--shape {shlex.quote(str(_example(one)))}" for one in open_ones)
        raise UsageError(
            f"{file}: expected the length of every dimension, found free ones in {which}; say how long they are, for "
            f"example {options}"
        )
    return tuple(chosen)


def refuse_unknown_names(asked: Mapping[str, object], inputs: Sequence[TensorInfo]) -> None:
    """Refuse shapes of inputs that no file has; ``inputs`` are those of all files.

    Raises
    ------
    UsageError: there is one; the message lists the inputs that there are.

    """
    names = list(dict.fromkeys(one.name for one in inputs))
    if unknown := [name for name in asked if name not in names]:
        raise UsageError(f"--shape: expected an input out of {', '.join(names) or 'none'}, found {unknown[0]!r}")


def dimensions(shape: Sequence[int]) -> str:
    """Return a shape for people, as in ``[free, 3, 224, 224]``."""
    return f"[{', '.join('free' if size == _FREE else str(size) for size in shape)}]"


def _refuse_misfit(file: str, one: TensorInfo, asked: tuple[int, ...]) -> None:
    """Refuse a shape of another rank or with another length of a fixed dimension.

    A rank of 0 may also be one that the file does not state, so that it takes any shape; the engine will tell.
    """
    fits = len(asked) == len(one.shape) and all(
        size in {_FREE, wanted} for size, wanted in zip(one.shape, asked, strict=True)
    )
    if one.shape and not fits:
        raise UsageError(f"--shape: expected {one.name!r} of {file} to be {dimensions(one.shape)}, found {list(asked)}")


def _example(one: TensorInfo) -> InputShape:
    """Return a shape to put into a message; the first free dimension is the batch, unless the first of all is 1."""
    first = one.shape.index(_FREE) if one.shape[0] != 1 else None
    sizes = (size if size != _FREE else 1 if at == first else _EXAMPLE for at, size in enumerate(one.shape))
    return InputShape(one.name, tuple(sizes))
