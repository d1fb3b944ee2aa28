"""Tables of how well it reads, in Markdown, out of reading.json and thresholds.json: one a mark in docs/reading.md."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

SPEED_GOALS = {"frame": 4.0, "photograph": 1.15}
SPEED_NAMES = {
    "frame": "640×480 grey frame to answer, against `BoxBlur(12)` of it",
    "photograph": "12-megapixel JPEG file ({file_mb:.1f} MB) to answer, against its bare `draft` decoding",
}
CER_GOAL = 0.02


def reading_tables(result: dict[str, Any]) -> dict[str, str]:
    """What stands between the marks ``reading``, ``reading-negatives``, ``reading-pages`` and ``reading-speed``."""
    return {
        "reading": "\n".join([*_sets(result), "", _origin(result)]),
        "reading-negatives": "\n".join(_kinds(result, "negatives")),
        "reading-pages": "\n".join(_pages(result)),
        "reading-speed": "\n".join(_speed(result)),
    }


def short_table(result: dict[str, Any]) -> str:
    """A row a set, a column a variant, for the README; sets that were not had are left out."""
    variants = list(result["pages"]["variants"])
    lines = [f"| pictures of digits | n | read right, {', '.join(variants)} | goal |", "|---|---:|---:|---:|"]
    lines += _short(result, "top1")
    characters = result["pages"]["variants"][variants[0]]["characters"]
    wrong = ", ".join(_percent(result["pages"]["variants"][variant]["cer"]) for variant in variants)
    goal = f"at most {_percent(CER_GOAL, 0)}"
    lines += [
        f"| generated pages, `read`: character error rate | {characters:,} | {wrong} | {goal} |",
        "",
        f"| pictures of no digit | n | refused, {', '.join(variants)} | goal |",
        "|---|---:|---:|---:|",
    ]
    lines += _short(result, "refused")
    return "\n".join([*lines, "", _origin(result)])


def _short(result: dict[str, Any], figure: str) -> Iterator[str]:
    """Rows of the sets that are judged by ``figure``."""
    for told in result["sets"].values():
        found = [one for one in told.get("variants", {}).values() if figure in one]
        if found:
            shares = ", ".join(_percent(one[figure]) for one in found)
            goal = _percent(told["goal"], 1) if told["goal"] else ""
            yield f"| {told['title']} | {found[0]['n']:,} | {shares} | {goal} |"


def thresholds_table(result: dict[str, Any]) -> str:
    """What the chosen thresholds cost and bring, for the mark ``reading-thresholds``."""
    chosen = result["chosen"]
    lines = [
        "| set | n | refused before inference | right answers lost to evidence | budget | no digit, yet answered |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, count in result["counts"].items():
        lost = _percent(chosen["lost"][name]) if name in chosen["lost"] else ""
        budget = _percent(result["budgets"][name]) if name in result["budgets"] else ""
        answered = _percent(chosen["accepted"][name]) if name in chosen["accepted"] else ""
        before = _percent(result["refused_before"][name])
        lines.append(f"| {name} | {count:,} | {before} | {lost} | {budget} | {answered} |")
    lines += [
        "",
        f"Chosen: `confidence` {chosen['confidence']:g}, `margin` {chosen['margin']:g}; {result['variant']} of bundle "
        f"`{result['bundle'][:12]}`, seed {result['seed']}.",
    ]
    return "\n".join(lines)


def plain_table(result: dict[str, Any]) -> str:
    """All of it for a terminal."""
    parts = [list(_sets(result))]
    parts += [list(_kinds(result, name)) for name in ("negatives", "corrupted") if _kinds_of(result, name)]
    parts += [list(_pages(result))] if "variants" in result.get("pages", {}) else []
    parts += [list(_speed(result))] if "variants" in result.get("speed", {}) else []
    return "\n\n".join("\n".join(part) for part in parts)


def _sets(result: dict[str, Any]) -> Iterator[str]:
    yield "| set | model | n | right | 95 % interval | without refusals | refused | reasons | goal |"
    yield "|---|---|---:|---:|---|---:|---:|---|---:|"
    for told in result["sets"].values():
        if "skipped" in told:
            yield f"| {told['title']} | | | | | | | not had: {told['skipped']} | |"
            continue
        for variant, found in told["variants"].items():
            share, interval = (
                (found["top1"], found["ci95"]) if "top1" in found else (found["refused"], found["refused_ci95"])
            )
            bare = f" (model alone {_percent(found['bare'])})" if "bare" in found else ""
            cells = [
                told["title"], variant, f"{found['n']:,}", _percent(share),
                f"{_percent(interval[0])} to {_percent(interval[1])}",
                _percent(found["top1_unrejected"]) + bare if "top1_unrejected" in found else "",
                f"{found['rejected']:,}", _reasons(found["reasons"]),
                _percent(told["goal"], 1) if told["goal"] else "",
            ]  # fmt: skip
            yield f"| {' | '.join(cells)} |"


def _kinds_of(result: dict[str, Any], name: str) -> dict[str, dict[str, Any]]:
    variants = result["sets"].get(name, {}).get("variants", {})
    return {variant: found["kinds"] for variant, found in variants.items() if "kinds" in found}


def _kinds(result: dict[str, Any], name: str) -> Iterator[str]:
    """A row a kind, a column a variant."""
    by_variant = _kinds_of(result, name)
    if not by_variant:
        return
    yield f"| {name.replace('_', ' ')} | n | {' | '.join(by_variant)} | reasons |"
    yield f"|---|---:|{'---:|' * len(by_variant)}---|"
    first = next(iter(by_variant.values()))
    for kind, told in first.items():
        shares = " | ".join(_percent(found[kind]["right"], 1) for found in by_variant.values())
        yield f"| {kind.replace('_', ' ')} | {told['n']:,} | {shares} | {_reasons(told['reasons'])} |"
    means = (sum(one["right"] for one in found.values()) / len(found) for found in by_variant.values())
    yield f"| mean | | {' | '.join(_percent(mean, 2) for mean in means)} | |"


def _pages(result: dict[str, Any]) -> Iterator[str]:
    yield "| model | pages | digits | character error rate | numbers right | pages right | goal |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    for variant, told in result.get("pages", {}).get("variants", {}).items():
        yield (
            f"| {variant} | {told['n']} | {told['characters']:,} | {_percent(told['cer'])} "
            f"| {_percent(told['sequence_accuracy'])} | {_percent(told['pages_right'], 1)} | {_percent(CER_GOAL, 0)} |"
        )


def _speed(result: dict[str, Any]) -> Iterator[str]:
    yield "| from | model | ms | reference, ms | ratio | at most |"
    yield "|---|---|---:|---:|---:|---:|"
    for variant, told in result.get("speed", {}).get("variants", {}).items():
        for what, goal in SPEED_GOALS.items():
            one = told[what]
            yield (
                f"| {SPEED_NAMES[what].format(**one)} | {variant} | {one['ms']:.2f} | {one['reference_ms']:.2f} "
                f"| {one['ratio']:.2f} | {goal:g} |"
            )


def _origin(result: dict[str, Any]) -> str:
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return (
        f"Bundle `{result['bundle'][:12]}`, MNIST's {result['split']} digits, seed {result['seed']}; {versions}; "
        f"{machine['board'] or machine['cpu']}, {machine['cores']} cores, Python {machine['python']}. Measured by "
        "`make reading`, written by `make readme`."
    )


def _percent(share: float, digits: int = 2) -> str:
    return f"{100 * share:.{digits}f} %"


def _reasons(counts: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items())
