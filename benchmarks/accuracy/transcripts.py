"""Pages through `DigitClassifier.read`: character error rate and sequence accuracy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pages import Page

from edgedigits import DigitClassifier


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is on a page, what was read, and the edits between them."""

    page: Page
    read: str
    edits: int


def transcribe(classifier: DigitClassifier, pages: Iterable[Page]) -> list[Transcript]:
    """Read every page; digits are compared line by line in reading order, without the blanks between words."""
    done = []
    for page in pages:
        read = classifier.read(page.image).text
        done.append(Transcript(page, read, edits(_digits(page.text), _digits(read))))
    return done


def page_summary(done: list[Transcript]) -> dict[str, Any]:
    """Character error rate over all digits; the shares of pages and of words without any error."""
    characters = sum(len(_digits(one.page.text)) for one in done)
    words = [(_words(one.page.text), _words(one.read)) for one in done]
    whole = sum(len(truth) - edits(truth, read) for truth, read in words if truth)
    return {
        "n": len(done),
        "characters": characters,
        "cer": sum(one.edits for one in done) / characters,
        "sequence_accuracy": max(whole, 0) / sum(len(truth) for truth, _ in words),
        "pages_right": sum(one.read == one.page.text for one in done) / len(done),
    }


def edits(truth: str | tuple[str, ...], read: str | tuple[str, ...]) -> int:
    """Levenshtein distance: the fewest insertions, deletions and substitutions."""
    previous = np.arange(len(read) + 1)
    codes = {symbol: code for code, symbol in enumerate(dict.fromkeys([*truth, *read]))}
    there = np.array([codes[symbol] for symbol in read], np.intp)
    steps = np.arange(len(read) + 1)
    for row, symbol in enumerate(truth, start=1):
        current = np.empty_like(previous)
        current[0] = row
        current[1:] = np.minimum(previous[1:] + 1, previous[:-1] + (there != codes[symbol]))
        # An insertion costs one a step to the right: the running minimum of what is left after the steps.
        previous = np.minimum.accumulate(current - steps) + steps
    return int(previous[-1])


def _digits(text: str) -> str:
    return "".join(text.split())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())
