"""The reference page of the exit codes, made of the tree of exceptions, which is their table."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.publish.site.records import escaped
from edgedigits.errors import EdgeDigitsError

_HEAD = """| exit code | exception | a kind of | what happened |
|---:|---|---|---|
| 0 | | | Done. |
"""
_TAIL = "| 130 | | | Ctrl+C ended it. |\n"


def exit_codes_text() -> str:
    """Return what the page has of them."""
    kinds = sorted(_kinds(EdgeDigitsError), key=lambda error: error.exit_code)
    rows = [f"| {one.exit_code} | `{one.__name__}` | {_base(one)} | {escaped(_text(one))} |\n" for one in kinds]
    return _HEAD + "".join(rows) + _TAIL


def _kinds(error: type[EdgeDigitsError]) -> Iterator[type[EdgeDigitsError]]:
    for kind in error.__subclasses__():
        if kind.__module__ == EdgeDigitsError.__module__:
            yield kind
            yield from _kinds(kind)


def _base(error: type[EdgeDigitsError]) -> str:
    base = error.__bases__[0]
    return "" if base is EdgeDigitsError else f"`{base.__name__}`"


def _text(error: type[EdgeDigitsError]) -> str:
    return (error.__doc__ or "").partition(" (exit code")[0].rstrip(".") + "."
