"""Our own overhead, in Markdown: a row a question, with its goal."""

from __future__ import annotations

from typing import Any

# The question, and the goal: at most so many times, or at least.
QUESTIONS = {
    "calls": ("`classify(28×28 uint8)` and its digit", "≤ 1.5"),
    "batch": ("`classify_batch` of 1,000", "≤ 1.05"),
    "start": ("`edgedigits classify x.png`, start to exit", "≤ 1.15"),
    "photograph": ("12-megapixel JPEG to its digit", "≤ 1.15"),
    "memory": ("most memory", "≤ 1.1"),
    "threads": ("8 threads share one `classify`", "≥ 0.9"),
    "threads, tens": ("the same, ten images a call of `classify_batch`", "≥ 0.9"),
}


def overhead_table(result: dict[str, Any]) -> str:
    """What, against what, both figures, their ratio and the goal."""
    lines = [
        "| what | engine | against | ours | theirs | ratio (95 % interval) | goal |",
        "|---|---|---|---:|---:|---:|---:|",
    ]
    for row in result["rows"]:
        question, goal = QUESTIONS[row["what"]]
        low, high = row["ratio_ci95"]
        wrong = f", {row['wrong']} wrong answers" if "wrong" in row else ""
        lines.append(
            f"| {question} | {row['engine']} | {row['against']}{wrong} | {_figure(row['ours'])} | "
            f"{_figure(row['theirs'])} {row['unit']} | {row['ratio']:.3f} ({low:.3f}-{high:.3f}) | {goal} |"
        )
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines += [
        "",
        f"Same file, engine and picture, in turns in one process, one thread; medians over {result['processes']} "
        f"processes of each process's ratio. Bundle `{result['bundle'][:12]}`; {versions}; "
        f"{machine['board'] or machine['cpu']}, {machine['cores']} cores, Python {machine['python']}.",
    ]
    return "\n".join(lines)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 100 else f"{value:.2f}"
