"""A parser of command lines whose errors say what a mistyped word may stand for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from edgedigits.printable import printable


class Parser(argparse.ArgumentParser):
    """An `argparse.ArgumentParser` that takes no abbreviations and suggests the commands and options there are."""

    def __init__(self, prog: str, **options: Any) -> None:
        """Take what `argparse.ArgumentParser` takes."""
        super().__init__(prog, allow_abbrev=False, **options)
        self._given: list[str] = []

    def parse_known_args(self, args: Sequence[str], namespace: Any = None) -> Any:  # type: ignore[override]
        """Keep the words, which errors look at."""
        self._given = list(args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Tell an error, with a suggestion where a word is nearly one that is known, and leave with exit code 2."""
        options = [word for action in self._actions for word in action.option_strings]
        commands = [str(word) for action in self._actions if not action.option_strings for word in action.choices or ()]
        hints = [_hint(word, commands) for word in self._given[:1]]
        hints += [_hint(word.partition("=")[0], options) for word in self._given if word.startswith("--")]
        super().error(printable(message + "".join(hints)))


def _hint(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches  # it takes 3 ms, which no right command line pays

    nearest = next(iter(get_close_matches(word.lower(), known, n=1)), word)
    return f"; did you mean {nearest}, not {word}?" if nearest != word and word not in known else ""
