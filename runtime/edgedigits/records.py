"""Conversion of frozen dataclasses and named tuples to plain JSON values and back.

`from_plain` is strict: a missing, unknown or mistyped field is an error that names its place. It supports the types
that manifests and results use: str, int, float, bool, tuples, dicts, ``| None``, Literal, nested dataclasses and named
tuples, and Annotated with a `Check`.
"""

from __future__ import annotations

import re
import types
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from edgedigits.errors import BundleError

T = TypeVar("T")
# `A | None` has the first type, `Annotated[...] | None` the second.
UNIONS = (types.UnionType, Union)


class Check(NamedTuple):
    """A condition on a value beyond its type; ``pattern`` must match the whole text."""

    pattern: str | None = None
    minimum: int | None = None


Sha256 = Annotated[str, Check(pattern="^[0-9a-f]{64}$")]
Count = Annotated[int, Check(minimum=0)]
# A name inside a bundle's folder, of letters and digits of all scripts: no separators, so that no manifest can point
# out of it, and no spaces or control characters, which would hide what it is.
FILE_NAME = r"^\w[\w.-]*$"
FileName = Annotated[str, Check(pattern=FILE_NAME)]


def to_plain(value: Any) -> Any:
    """Return the JSON form of a record, or of anything made of records, tuples, lists and dicts."""
    if is_record(type(value)):
        return {name: to_plain(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value


def from_plain(kind: type[T], value: Any, where: str) -> T:
    """Return the record of a JSON object; ``where`` names the document in messages.

    Raises
    ------
    BundleError: a field is missing, unknown, or not of its declared type.

    """
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    known: Any = kind
    hints = field_types(known)
    if unknown := sorted(set(value) - set(hints)):
        raise BundleError(f"{where}: unknown field {unknown[0]!r}; made by another version of edgedigits?")
    if missing := [name for name in hints if name not in value]:
        raise BundleError(f"{where}: field {missing[0]!r} is missing; made by another version of edgedigits?")
    return kind(**{name: _read(hint, value[name], f"{where}: {name}") for name, hint in hints.items()})


@cache
def field_types(kind: type) -> dict[str, Any]:
    """Return the declared type of each field, with its annotations."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hints[name] for name in _names(kind)}


def is_record(kind: Any) -> bool:
    """Return whether a type is a dataclass or a named tuple."""
    return hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields")


def _names(kind: Any) -> tuple[str, ...]:
    if hasattr(kind, "_fields"):
        names: tuple[str, ...] = kind._fields
        return names
    from dataclasses import fields  # this import takes a millisecond, which reading a manifest does not need

    return tuple(field.name for field in fields(kind))


def _read(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin is Annotated:
        inner, *checks = get_args(hint)
        return _checked(_read(inner, value, where), checks, where)
    if origin in UNIONS:
        chosen = next(arg for arg in get_args(hint) if arg is not types.NoneType)
        return None if value is None else _read(chosen, value, where)
    if origin is Literal:
        if value not in get_args(hint):
            raise _wrong(where, " or ".join(map(str, get_args(hint))), value)
        return value
    if origin is tuple:
        return _read_tuple(get_args(hint), value, where)
    if origin is dict:
        if not isinstance(value, dict):
            raise _wrong(where, "an object", value)
        return {key: _read(get_args(hint)[1], item, f"{where}.{key}") for key, item in value.items()}
    return _read_object(hint, value, where) if is_record(hint) else _read_scalar(hint, value, where)


def _read_object(kind: Any, value: Any, where: str) -> Any:
    return from_plain(kind, value, where)


def _read_tuple(hints: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise _wrong(where, "a list", value)
    if hints[-1] is not Ellipsis and len(value) != len(hints):
        raise _wrong(where, f"{len(hints)} values", value)
    kinds = [hints[0]] * len(value) if hints[-1] is Ellipsis else hints
    return tuple(_read(kind, item, f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True)))


def _read_scalar(hint: Any, value: Any, where: str) -> Any:
    if hint is Any:
        return value
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:  # isinstance would accept True as an int
        raise _wrong(where, f"a value of type {hint.__name__}", value)
    return value


def _checked(value: Any, checks: list[Check], where: str) -> Any:
    for check in checks:
        # A `$` alone would also match before a line end.
        if check.pattern is not None and not re.fullmatch(check.pattern, value):
            raise _wrong(where, f"text like {check.pattern}", value)
        if check.minimum is not None and value < check.minimum:
            raise _wrong(where, f"at least {check.minimum}", value)
    return value


def _wrong(where: str, expected: str, found: Any) -> BundleError:
    text = repr(found)
    return BundleError(f"{where}: expected {expected}, found {text if len(text) < 60 else text[:57] + '...'}")
