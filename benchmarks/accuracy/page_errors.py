"""Counts of what `read` gets wrong on generated pages: false digits in print, wrong characters in numbers."""

from __future__ import annotations

from collections.abc import Iterable

from benchmarks.accuracy.pages import DrawnPage
from benchmarks.harness.benchmark import Result
from edgedigits import DigitClassifier


def normalised(text: str) -> str:
    """Return a text with one space between words and one line end between lines, without empty lines."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def edit_distance(found: str, truth: str) -> int:
    """Return how many characters have to be put in, left out or changed to make one text of the other (Levenshtein)."""
    above = list(range(len(truth) + 1))
    for row, character in enumerate(found, 1):
        here = [row]
        for column, wanted in enumerate(truth, 1):
            here.append(min(above[column] + 1, here[-1] + 1, above[column - 1] + (character != wanted)))
        above = here
    return above[-1]


def error_rate(found: str, truth: str) -> float:
    """Return the character error rate: the edit distance of the normalised texts over the length of the truth."""
    return edit_distance(normalised(found), normalised(truth)) / len(normalised(truth))


def count_errors(classifier: DigitClassifier, pages: Iterable[DrawnPage]) -> Result:
    """Read pages of numbers; return the characters, how many edits they were off, and the pages without any fault."""
    counts = {"pages": 0, "characters": 0, "edits": 0, "faultless": 0}
    for page in pages:
        edits = edit_distance(normalised(classifier.read(page.image).text), normalised(page.text))
        counts["pages"] += 1
        counts["characters"] += len(normalised(page.text))
        counts["edits"] += edits
        counts["faultless"] += edits == 0
    return dict(counts)


def count_false(classifier: DigitClassifier, pages: Iterable[DrawnPage]) -> Result:
    """Read pages without digits; return their letters, the digits that were reported, and those that were refused."""
    counts = {"pages": 0, "letters": 0, "false": 0, "refused": 0}
    for page in pages:
        counts["pages"] += 1
        counts["letters"] += sum(character.isalpha() for character in page.text)
        for digit in classifier.read(page.image).digits:
            counts["refused" if digit.rejection else "false"] += 1
    return dict(counts)
