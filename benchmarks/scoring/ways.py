"""The ways to score an archive that are measured beside each other, and the archives."""

from __future__ import annotations

from dataclasses import dataclass

SIDE = 1_024  # pixels of a photograph
GOAL, RAY_GOAL = 0.95, 0.9


@dataclass(frozen=True, slots=True)
class Way:
    """One way to score: its words for a command line, and what it is compared with."""

    name: str
    words: tuple[str, ...]
    beside: str | None = None
    goal: float = GOAL


_OURS, _HAND = ("-m", "edgedigits.cli.main", "score"), ("-m", "benchmarks.scoring.by_hand")
ONE = "`score`, 1 process"
LOOP, RAY, RAYS = "a loop by hand", "Ray by hand, 1 worker", "Ray by hand, 2 workers"
WAYS = (
    Way(LOOP, (*_HAND, "loop", "1")),
    Way(ONE, (*_OURS, "--workers", "1"), LOOP),
    Way("`score`, 2 processes", (*_OURS, "--workers", "2")),
    Way(RAY, (*_HAND, "ray", "1")),
    Way("`score --ray local`, 1 worker", (*_OURS, "--ray", "local", "--workers", "1"), RAY),
    Way(RAYS, (*_HAND, "ray", "2")),
    Way("`score --ray local`, 2 workers", (*_OURS, "--ray", "local", "--workers", "2"), RAYS, RAY_GOAL),
)
# Pictures, and how many times each way gets them.
SETS = {"ready arrays": (10_000_000, 1), "small PNG files": (100_000, 3), "photographs": (5_000, 3)}
SMALLEST = {"ready arrays": (2_000, 1), "small PNG files": (200, 1), "photographs": (20, 1)}
