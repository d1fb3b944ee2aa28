"""The verdict of `edgedigits check` about each model on each release, beside what really happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.compat.reality import RUNS, Reality
from edgedigits.manifest import SUFFIXES, Format
from edgedigits_export.compat.check import judge_release, parse_release
from edgedigits_export.compat.requirements import read_requirements

UNKNOWN = "unknown"
FALSE_RUNS, FALSE_CANNOT, OTHER = "false runs", "false cannot run", "refused, but for another reason"


@dataclass(frozen=True, slots=True)
class Pair:
    """One model on one release: verdict and why, reality and the engine's message."""

    model: str
    release: str
    verdict: str
    why: str
    reality: str
    told: str

    @property
    def fault(self) -> str:
        """What is wrong with the verdict; empty where it is right or unknown."""
        if self.verdict in {self.reality, UNKNOWN}:
            return ""
        if self.verdict == RUNS:
            return FALSE_RUNS
        return FALSE_CANNOT if self.reality == RUNS else OTHER


def pairs(zoo: Path, realities: Mapping[str, Mapping[str, Reality]]) -> Iterator[Pair]:
    """Yield every model with every release that was tried with it."""
    formats: dict[str, Format] = {suffix: name for name, suffix in SUFFIXES.items()}
    for file, by_release in realities.items():
        found = formats[Path(file).suffix]
        requirements = read_requirements((zoo / file).read_bytes(), found)
        for release, reality in by_release.items():
            verdict = judge_release(requirements, found, parse_release(release))
            yield Pair(file, release, verdict.answer, verdict.why, reality.outcome, reality.told)


def totals(judged: Sequence[Pair]) -> dict[str, Any]:
    """Return counts; the share is of the pairs that really run."""
    faults = Counter(pair.fault for pair in judged)
    running = sum(pair.reality == RUNS for pair in judged)
    return {
        "pairs": len(judged),
        "reality": dict(sorted(Counter(pair.reality for pair in judged).items())),
        "verdict": dict(sorted(Counter(pair.verdict for pair in judged).items())),
        "false_runs": faults[FALSE_RUNS],
        "false_cannot_run": faults[FALSE_CANNOT],
        "false_cannot_run_share": round(faults[FALSE_CANNOT] / running, 5) if running else None,
        "other_reason": faults[OTHER],
        "unknown": sum(pair.verdict == UNKNOWN for pair in judged),
    }
