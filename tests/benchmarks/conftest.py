"""Nothing here is collected where the benchmarks are not: the wheel alone is tested without them."""

from __future__ import annotations

from pathlib import Path

collect_ignore_glob = [] if (Path(__file__).parents[2] / "benchmarks").is_dir() else ["test_*.py"]
