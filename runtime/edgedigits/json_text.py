"""Reading JSON that others wrote: every number fits into 64 bits, and nothing is nested deeply."""

from __future__ import annotations

import json
import math
from typing import Any

_DEPTH = 64  # a manifest has six
_NUMBER = 2**63


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON document.

    Raises
    ------
    ValueError: it is no JSON, or has a number that no 64 bits hold, NaN among them, or lists deep in each other.

    """
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("lists or objects nested too deeply") from error
    level = [value]
    for _ in range(_DEPTH):
        if not level:
            return value
        if any(type(one) in {int, float} and not _fits(one) for one in level):
            raise ValueError("a number beyond 64 bits")
        lists = [one for one in level if type(one) is list] + [one.values() for one in level if type(one) is dict]
        level = [child for one in lists for child in one]
    raise ValueError("lists or objects nested too deeply")


def _fits(number: float) -> bool:
    return -_NUMBER <= number < _NUMBER if type(number) is int else math.isfinite(number)
