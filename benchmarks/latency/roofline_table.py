"""What the limit says of a model, and the table of how it was found."""

from __future__ import annotations

from typing import Any

PRECISIONS = ("float32", "int8")


def limits(details: list[dict[str, Any]]) -> dict[str, float]:
    """The most that anything ever reached in each precision, thousand million multiplications with addition a second.

    The best process counts and not the median one: a limit that was exceeded once is none.
    """
    return {
        f"{precision}_gmacs": max(row["high"] for row in details if row["precision"] == precision)
        for precision in PRECISIONS
    }


def limit_us(result: dict[str, Any], precision: str, macs: int) -> float:
    """The time in which one core could do a model's multiplications, if it did nothing else."""
    return macs / float(result[f"{precision}_gmacs"]) / 1e3


def limit_table(result: dict[str, Any]) -> str:
    """A row what multiplies, a column a shape, in Markdown."""
    shapes = list(dict.fromkeys(tuple(row["shape"]) for row in result["details"]))
    lines = [
        f"| precision | what multiplies | {' | '.join('×'.join(map(str, shape)) for shape in shapes)} |",
        f"|---|---|{'---:|' * len(shapes)}",
    ]
    by_line: dict[tuple[str, str], list[str]] = {}
    for row in sorted(result["details"], key=lambda row: PRECISIONS.index(row["precision"])):
        by_line.setdefault((row["precision"], f"{row['engine']} {row['operator']}"), []).append(f"{row['gmacs']:.0f}")
    lines += [f"| {precision} | {what} | {' | '.join(cells)} |" for (precision, what), cells in by_line.items()]
    macs, machine = result["model"]["macs"], result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines += [
        "",
        f"Thousand million multiplications with addition a second, one thread, medians over {result['processes']} "
        f"processes; rows × depth × columns. The best process reached {result['float32_gmacs']:.0f} in float32 and "
        f"{result['int8_gmacs']:.0f} in int8: the {macs / 1e6:.2f} million of `{result['model']['name']}` cannot take "
        f"less than {limit_us(result, 'float32', macs):.1f} µs and {limit_us(result, 'int8', macs):.1f} µs on one "
        f"core. {versions}; {machine['board'] or machine['cpu']}, Python {machine['python']}.",
    ]
    return "\n".join(lines)
