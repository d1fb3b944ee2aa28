"""The order in which candidates of a repair are tried: what costs nothing first, then ever more operators in float.

Source: the order of operators by what each of them spoils, and the search along it, follow mixed-precision search as in
H. Wu et al., "Integer quantization for deep learning inference: principles and empirical evaluation", 2020,
arXiv 2004.09602, section 5.1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import get_args

from edgedigits_export.convert.recipe import Operator, RangeMethod, Recipe, WeighedOperator
from edgedigits_export.repair.trial import Trial

_RETURNS = 6  # so many operators at most are tried again in integers at the end
# What an operator in float costs besides its constants: conversions before and after it, a slower kernel. As a share
# of all constants, so that of two that spoil alike the smaller one stays in float.
_BASE_COST = 0.02

Try = Callable[[Recipe], Trial]


@dataclass(frozen=True, slots=True)
class Search:
    """All candidates that were tried, in their order, and the cheapest one within the margin; None if there is none."""

    tried: tuple[Trial, ...]
    best: Trial | None


def search(try_recipe: Try, weigh: Callable[[RangeMethod], Sequence[WeighedOperator]]) -> Search:
    """Search for the cheapest candidate within the margin.

    Every method for ranges is tried with everything in integers: what one of them repairs costs nothing at run time.
    If none does, the operators that spoil most stay in float, twice as many each time until a candidate is within the
    margin, and by bisection no more of them than it takes. Last, the largest of these are tried in integers again.
    Constants of at least one operator stay integers: without any, it would be the float file under another name.
    ``weigh`` returns the operators with their harm under such ranges; it is called where ranges alone do not help.
    """
    tried: list[Trial] = []

    def attempt(recipe: Recipe) -> Trial:
        known = next((trial for trial in tried if trial.recipe == recipe), None)
        if known is None:
            tried.append(known := try_recipe(recipe))
        return known

    whole = [attempt(Recipe(ranges=method)) for method in get_args(RangeMethod)]
    if not any(trial.within for trial in whole):
        sound = [trial for trial in whole if trial.refused is None] or whole
        base = min(sound, key=lambda trial: trial.divergence).recipe
        _keep_in_float(base, _worst_first(weigh(base.ranges)), attempt)
    # Of two that cost the same, the one that differs least from Keras.
    best = min((t for t in tried if t.within), key=lambda trial: (trial.cost, trial.divergence), default=None)
    return Search(tuple(tried), best)


def _worst_first(weighed: Sequence[WeighedOperator]) -> list[Operator]:
    """Return the operators, those first that spoil most for what they cost in float."""
    base = _BASE_COST * sum(one.operator.constants for one in weighed) + 1
    ordered = sorted(weighed, key=lambda one: -one.harm / (base + one.operator.constants))
    return [one.operator for one in ordered]


def _keep_in_float(base: Recipe, operators: Sequence[Operator], attempt: Try) -> None:
    """Try ``base`` with the first operators in float: as few as are needed, and fewer where some are not."""

    def within(kept: Sequence[Operator]) -> bool:
        return attempt(replace(base, in_float=tuple(operator.name for operator in kept))).within

    most = max((index for index, operator in enumerate(operators) if operator.constants), default=0)
    failed, count = 0, min(1, most)
    while not within(operators[:count]):
        if count == most:
            return
        failed, count = count, min(2 * count, most)
    while count - failed > 1:
        middle = (failed + count) // 2
        if within(operators[:middle]):
            count = middle
        else:
            failed = middle
    kept = list(operators[:count])
    # The last one was just found to be needed.
    for operator in sorted(kept[:-1], key=lambda one: -one.constants)[:_RETURNS]:
        fewer = [one for one in kept if one is not operator]
        if operator.constants and within(fewer):
            kept = fewer
