"""Say in a sentence how a file was repaired."""

from __future__ import annotations

from edgedigits.manifest import Repair

_NAMED = 3
_RANGES = {
    "min-max": "the ranges of all values seen",
    "percentile": "ranges without one value in 10,000 at each end",
    "mse": "ranges with the least squared error",
}


def repair_in_words(repair: Repair) -> str:
    """Return what was done to a file, and on how many images it was chosen out of how many."""
    tried = f"{len(repair.tried)} candidates tried on {repair.count:,} images of {repair.chosen_on}"
    if not repair.found:
        return f"no repair was found: none of {tried} is within the margin; the file is the whole int8 one"
    what = [_RANGES.get(repair.ranges, repair.ranges)]
    if repair.in_float:
        names = ", ".join(map(short_name, repair.in_float[:_NAMED]))
        more = len(repair.in_float) - _NAMED
        what.append(f"{len(repair.in_float)} operators in float ({names}{f' and {more} more' if more > 0 else ''})")
    return f"repaired by {', '.join(what)}; the cheapest within the margin of {tried}, then judged on others"


def short_name(operator: str) -> str:
    """Return an operator's name as people want it: the first of those that were merged, without the model's own."""
    first = operator.partition(";")[0]
    return first.partition("/")[2] or first
