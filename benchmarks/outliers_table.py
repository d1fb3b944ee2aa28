"""How pictures that are no digit are told from digits, in Markdown: of models/outliers.json."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TITLES = {
    "exposure": "unsure of outliers", "background": "background class", "plain": "saw no outliers",
    "foreground": "1 - background", "arrays": "digits as they are", "paper": "digits on paper",
    "unchecked": "noise, unchecked",
}  # fmt: skip
DIGITS, NONE = ("arrays", "paper"), ("noise", "letters", "unseen letters", "outliers")
BOTH = "confidence and margin"
LEVELS = ("0.99", "0.995")
Tally = dict[str, dict[str, int]]


def outliers_table(result: dict[str, Any]) -> str:
    """Scores alone, then beside and behind confidence and margin, then kinds of noise; means over the seeds."""
    return "\n".join([*_alone(result), "", *_beside(result), "", *_kinds(result), "", _origin(result)])


def _alone(result: dict[str, Any]) -> Iterator[str]:
    """A row a score: what it accepts where 99 % and 99.5 % of the digits are."""
    groups = (*NONE, "unchecked")
    yield _row("network", "score", "AUROC", *(_title(group) for group in groups))
    yield _rule(2, 1 + len(groups))
    for network, score, told in _scores(result):
        accepted = {level: [one["alone"][level] for one in told] for level in LEVELS}
        cells = (
            " / ".join(_percent(_share(accepted[level], [result["fed"]], group)) for level in LEVELS)
            for group in groups
        )
        yield _row(_title(network), _title(score), f"{_area(told):.4f}", *cells)


def _beside(result: dict[str, Any]) -> Iterator[str]:
    """Confidence and margin; scores that let as many digits pass; and what a score still refuses behind those two."""
    yield _row("network", "evidence", *(_title(group) for group in DIGITS), *NONE, "refused behind the two")
    yield _rule(2, len(DIGITS) + len(NONE) + 1)
    for network in _networks(result):
        runs = _runs(result, network)
        right, judged = [run["right"] for run in runs], [run["judged"] for run in runs]
        rows = {BOTH: (judged, "")}
        for name, score, told in _scores(result):
            if name == network:
                passing = [one["behind"][LEVELS[0]] for one in told]
                refused = sum(1 - _share(passing, judged, group) for group in NONE) / len(NONE)
                rows[_title(score)] = [one["alone"]["today"] for one in told], _percent(refused)
        for evidence, (accepted, behind) in rows.items():
            kept = (_percent(_share(accepted, right, group), 2) for group in DIGITS)
            taken = (_percent(_share(accepted, [result["fed"]], group)) for group in NONE)
            yield _row(_title(network), evidence, *kept, *taken, behind)


def _kinds(result: dict[str, Any]) -> Iterator[str]:
    """A row a kind of noise: what structure leaves of it, what the two and the best scores accept of that."""
    columns = {}
    for network in _networks(result)[:2]:
        columns[f"{_title(network)}, {BOTH}"] = [run["judged"] for run in _runs(result, network)]
        best = max((one for one in _scores(result) if one[0] == network), key=lambda one: _area(one[2]))
        columns[f"{_title(network)}, {_title(best[1])}"] = [one["alone"]["today"] for one in best[2]]
    yield _row("noise", "pictures", "left by structure", *columns)
    yield _rule(1, 2 + len(columns))
    for kind, count in result["fed"]["unchecked"].items():
        left = (
            sum(tally.get("noise", {}).get(kind, 0) for tally in tallies) / len(tallies) for tallies in columns.values()
        )
        fed = result["fed"]["noise"].get(kind, 0)
        yield _row(kind.replace("_", " "), f"{count:,}", str(fed), *(f"{mean:.1f}" for mean in left))


def _origin(result: dict[str, Any]) -> str:
    fed, seeds = result["fed"], dict.fromkeys(str(run["seed"]) for run in result["runs"])
    counts = ", ".join(f"{_count(fed, group):,} {_title(group)}" for group in (*DIGITS, *NONE))
    right = []
    for name in _networks(result):
        tallies = [run["right"] for run in _runs(result, name)]
        shares = " and ".join(_percent(_share(tallies, [fed], group), 2) for group in DIGITS)
        right.append(f"{_title(name)} {shares}")
    confidence, margin = (result["parameters"][name] for name in ("confidence", "margin"))
    return (
        f"Fed to the networks: {counts}; noise is what structure left of {_count(fed, 'unchecked'):,} pictures. "
        f"Digits as they are and on paper that are answered rightly: {', '.join(right)}. "
        f"Thresholds: `confidence` {confidence:g}, `margin` {margin:g}. `small`, {result['epochs']} epochs; "
        f"means of seeds {', '.join(seeds)}; pictures of seed {result['seed']}. "
        "Measured by `python models/outliers.py`, written by `make readme`."
    )


def _networks(result: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(run["network"] for run in result["runs"]))


def _runs(result: dict[str, Any], network: str) -> list[dict[str, Any]]:
    return [run for run in result["runs"] if run["network"] == network]


def _scores(result: dict[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Network, score, and what each seed's run tells of it."""
    for network in _networks(result):
        runs = _runs(result, network)
        for score in runs[0]["scores"]:
            yield network, score, [run["scores"][score] for run in runs]


def _area(told: list[dict[str, Any]]) -> float:
    """The mean of the groups' and seeds' AUROC."""
    return sum(one["auroc"][group] for one in told for group in NONE) / len(NONE) / len(told)


def _share(part: list[Tally], whole: list[Tally], group: str) -> float:
    """Of the pictures of a group, the mean share."""
    mean = sum(_count(tally, group) for tally in part) / len(part)
    return mean * len(whole) / sum(_count(tally, group) for tally in whole)


def _count(tally: Tally, group: str) -> int:
    return sum(tally.get(group, {}).values())


def _title(name: str) -> str:
    return TITLES.get(name, name)


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f} %"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _rule(left: int, right: int) -> str:
    return f"|{'---|' * left}{'---:|' * right}"
