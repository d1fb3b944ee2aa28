"""An extension of griffe that makes this project's docstrings known to it.

Their sections are titled as numpydoc's are, and their entries are one line each, ``name: what it is``, as in Google's.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

_SECTION = re.compile(
    r"^(?P<title>Parameters|Attributes|Raises)\n-+\n(?P<entries>.*?)(?=^\S[^\n]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL
)
_ENTRY = re.compile(r"^(?P<names>\w+(?:, \w+)*): (?P<text>.*(?:\n[ ].*)*)", re.MULTILINE)
_EXAMPLE = re.compile(r"^>>>.*(?:\n.+)*", re.MULTILINE)


class PlainSections(Extension):
    """Turns sections into those of Google's style before they are parsed."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            text = _EXAMPLE.sub(_example, re.sub(r"``(.+?)``", r"`\1`", obj.docstring.value))
            obj.docstring.value = _SECTION.sub(_section, text)


def _section(match: re.Match[str]) -> str:
    entries = [
        f"    {name}: {' '.join(entry['text'].split())}"
        for entry in _ENTRY.finditer(match["entries"])
        for name in entry["names"].split(", ")
    ]
    return "\n".join([f"{match['title']}:", *entries, "", ""])


def _example(match: re.Match[str]) -> str:
    return "Examples:\n" + "\n".join(f"    {line}" for line in match[0].split("\n"))
