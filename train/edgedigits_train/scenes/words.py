"""What stands in print and in handwriting: numbers as people write them, and words that nobody has to read."""

from __future__ import annotations

import numpy as np

from edgedigits_train.scenes.typefaces import DIGITS
from edgedigits_train.scenes.writing import MARKS

Rng = np.random.Generator

# Letters in about the frequencies of several European languages, for words that nobody has to read.
_COMMON = (
    "eeeeeeeeeeeetttttttaaaaaaaaaaooooooooiiiiiiiinnnnnnnnssssssssrrrrrrrrhhhhllllllddddcccuuuummmffppggwwyybbvvkxjqz"
)
_ACCENTED = "äöüéèàçñøåßœ"


def random_number(rng: Rng) -> str:
    """Return a number as people write them: often digits alone, else with a sign, a point, or as a date or time."""

    def digits(low: int, high: int) -> str:
        return "".join(DIGITS[i] for i in rng.integers(0, 10, int(rng.integers(low, high + 1))))

    match int(rng.integers(10)):
        case 0:
            return f"{digits(1, 3)}{',' if rng.random() < 0.5 else '.'}{digits(1, 2)}"
        case 1:
            return f"-{digits(1, 4)}"
        case 2 | 3:
            mark = MARKS[int(rng.integers(len(MARKS)))]
            return mark.join((digits(1, 2), digits(2, 2), *([digits(2, 4)] if rng.random() < 0.4 else [])))
        case _:
            return digits(1, 8)


def random_word(rng: Rng) -> str:
    """Return letters in the lengths and frequencies of words."""
    letters = [_COMMON[i] for i in rng.integers(0, len(_COMMON), int(rng.integers(1, 11)))]
    if rng.random() < 0.1:
        letters[-1] = _ACCENTED[rng.integers(len(_ACCENTED))]
    word = "".join(letters)
    kind = rng.random()
    return word.capitalize() if kind < 0.15 else word.upper() if kind < 0.25 else word
