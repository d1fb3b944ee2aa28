"""Tables of the fields of records, from their types and docstrings: the manifest's, and those that `--json` prints."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from importlib import import_module
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin

from benchmarks.publish.site.field_words import WORDS
from edgedigits.records import UNIONS, field_types, is_record

_KINDS = {str: "text", int: "integer", float: "number", bool: "true or false"}
_PLURAL = {"text": "texts", "integer": "integers", "number": "numbers", "object": "objects", "anything": "values"}
_CONTAINERS = {tuple: "[]", dict: ".NAME"}
_NEXT = "\n\n"  # between two paragraphs
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}
_ATTRIBUTES = re.compile(r"^Attributes\n-+\n(?P<entries>.*?)(?=^\S+\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
_ENTRY = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?P<text>.*(?:\n .*)*)", re.MULTILINE)


# In a page: the fields of a record, with a path before them where they are inside something.
_ASKED = re.compile(r"<!-- fields: (?P<record>[\w.]+)(?: at (?P<prefix>\S+))? -->")


class Field(NamedTuple):
    """A field as the tables tell of it: where it is, what kind of value it has, what it means."""

    path: str
    kind: str
    text: str


class UndescribedError(Exception):
    """A field of which neither its record's docstring nor `WORDS` says anything."""


def with_fields(page: str) -> str:
    """Return a page of Markdown with the tables of fields that it asks for."""
    return _ASKED.sub(_asked, page)


def _asked(match: re.Match[str]) -> str:
    module, _, kind = match["record"].rpartition(".")
    record: type = getattr(import_module(module), kind)
    return table(fields(record, f"{match['prefix']}." if match["prefix"] else ""))


def summary(record: type) -> str:
    """Return what the record's docstring begins with."""
    text = (inspect.getdoc(record) or "").partition("\nAttributes\n")[0].strip()
    return _NEXT.join(map(markdown, text.split(_NEXT)))


def fields(record: type, prefix: str = "", *, nested: bool = True) -> Iterator[Field]:
    """Yield the record's fields in order; with ``nested`` those of records inside it follow each, by their whole path.

    Raises
    ------
    UndescribedError: nothing says what a field means.

    """
    told = descriptions(record)
    for name, hint in field_types(record).items():
        inner, ending = record_in(hint)
        text = told.get(name) or WORDS.get(f"{record.__name__}.{name}")
        if inner is not None and (text is None or text.startswith("null ")):
            text = "; ".join([summary(inner).partition(_NEXT)[0].rstrip("."), *([text] if text else [])])
        text = text or WORDS.get(name)
        if text is None:
            raise UndescribedError(f"{record.__module__}.{record.__qualname__}.{name}: nothing says what it means")
        yield Field(f"{prefix}{name}", kind_of(hint), f"{text[0].upper()}{text[1:]}".rstrip(".") + ".")
        if nested and inner is not None:
            yield from fields(inner, f"{prefix}{name}{ending}.")


def descriptions(record: type) -> dict[str, str]:
    """Return what the section "Attributes" of the record's docstring says of its fields."""
    section = _ATTRIBUTES.search(inspect.getdoc(record) or "")
    return {
        name: markdown(" ".join(entry["text"].split()))
        for entry in _ENTRY.finditer(section["entries"] if section else "")
        for name in entry["names"].split(", ")
    }


def markdown(text: str) -> str:
    """Return a docstring's text with its code marked as Markdown does, and with the words of JSON."""
    text = re.sub(r"``(.+?)``", r"`\1`", " ".join(text.split()))
    return re.sub(r"\b(None|True|False)\b", lambda word: _JSON_WORDS[word[0]], text)


def record_in(hint: Any) -> tuple[type | None, str]:
    """Return the record that a type has inside it, and what its path has after the field's name; None for none."""
    origin, args = get_origin(hint), get_args(hint)
    if origin in UNIONS:
        return next((inside for arg in args if (inside := record_in(arg))[0]), (None, ""))
    if origin in _CONTAINERS:
        (inner, ending), step = record_in(args[-1 if origin is dict else 0]), _CONTAINERS[origin]
        return inner, step + ending
    return (hint, "") if is_record(hint) else (None, "")


def kind_of(hint: Any) -> str:
    """Return a type in words."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return kind_of(args[0])
    if origin in UNIONS:
        kinds = [kind_of(arg) for arg in args if arg is not types.NoneType]
        return ", ".join([*kinds, "or null"]) if len(kinds) > 1 else f"{kinds[0]} or null"
    if origin is Literal:
        return ", ".join(f"`{arg}`" for arg in args)
    return _container(origin, args) if origin else "object" if is_record(hint) else _KINDS.get(hint, "anything")


def _container(origin: Any, args: tuple[Any, ...]) -> str:
    if origin is dict:
        return f"{_plural(kind_of(args[1]))} by name"
    return f"{'list of' if args[-1] is Ellipsis else len(args)} {_plural(kind_of(args[0]))}"


def table(rows: Iterator[Field]) -> str:
    """Return a table of Markdown."""
    lines = ["| field | type | meaning |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| `{row.path}` | {row.kind} | {escaped(row.text)} |" for row in rows)])


def escaped(text: str) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", "\\|")


def _plural(kind: str) -> str:
    return _PLURAL.get(kind, kind)
