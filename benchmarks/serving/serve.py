"""What `edgedigits serve` costs and bears: throughput beside a bare endpoint, memory, hostile requests.

`python benchmarks/serve/run.py [--only throughput memory hostile] [--smallest] [-o FILE]`: ten minutes for everything,
in an environment that has the wheel as users install it. Parts that are not asked for stay in the file as they were.
Exit code 1: a wrong answer, a failure, or memory that grew. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path += [str(HERE.parent)]
from hostile import hostile  # noqa: E402
from memory import memory  # noqa: E402
from servers import ours, theirs  # noqa: E402
from table import TABLES  # noqa: E402
from throughput import throughput  # noqa: E402
from venvs import project_venv  # noqa: E402

from edgedigits.bundle import Bundle  # noqa: E402
from edgedigits.files import cache_folder, write_atomic  # noqa: E402
from edgedigits.measure.machine import describe_machine  # noqa: E402
from edgedigits.records import to_plain  # noqa: E402

RESULT = HERE.parent / "results" / "serve.json"
PARTS = tuple(TABLES)
PACKAGES = {
    "edgedigits": "edgedigits", "starlette": "starlette", "uvicorn": "uvicorn", "h11": "h11",
    "litert": "ai-edge-litert", "numpy": "numpy", "pillow": "pillow",
}  # fmt: skip
# A load average beyond which whoever has the processor is a matter of luck.
BUSY = 1.0
ROUNDS, SECONDS = 7, 1.5
POINTS = (2_000, 20_000, 50_000, 100_000, 150_000, 200_000)
REQUESTS, HOSTILE_ROUNDS = 10_000, 10


def main() -> int:
    """Measure, print, write."""
    args = parse()
    # In this Python the least that shows that everything works; else the wheel as users install it.
    python = sys.executable if args.smallest else project_venv(cache_folder() / "serve", extras="[serve]")
    if (load := os.getloadavg()[0]) > BUSY:
        print(f"load average {load:.1f}: something else runs, and times are doubtful", file=sys.stderr)
    told: dict[str, Any] = {"schema": 1}
    if args.output.exists():
        told = json.loads(args.output.read_text())
    for part in args.only:
        of = described(python)
        told[part] = measured(part, python, smallest=args.smallest) | {"of": of}
        write_atomic(args.output, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
        print(f"\n{TABLES[part](told)}\n", flush=True)
    failed = [f"{part}: {line}" for part in args.only for line in told[part]["failed"]]
    print("\n".join(f"FAILED: {line}" for line in failed), end="\n" if failed else "")
    return int(bool(failed))


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ", ".join(PARTS)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART", help=f"of {names}")
    parser.add_argument("--smallest", action="store_true", help="a few requests, in this Python: does it work?")
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="benchmarks/results/serve.json")
    return parser.parse_args(words)


def measured(part: str, python: str, *, smallest: bool) -> dict[str, Any]:
    """One part."""
    if part == "throughput":
        commands = {"ours": ours(python), "theirs": theirs(python)}
        return throughput(commands, *((1, 0.05) if smallest else (ROUNDS, SECONDS)))
    if part == "memory":
        return memory(ours(python), (40, 80) if smallest else POINTS)
    return hostile(ours(python), *((12, 2) if smallest else (REQUESTS, HOSTILE_ROUNDS)))


def described(python: str) -> dict[str, Any]:
    """On what, with what, and how busy it was."""
    code = "import json, sys; from importlib.metadata import version as v; print(json.dumps([*map(v, sys.argv[1:])]))"
    done = subprocess.run([python, "-c", code, *PACKAGES.values()], check=True, capture_output=True, text=True)
    return {
        "machine": to_plain(describe_machine()), "bundle": Bundle.load().id,
        "versions": dict(zip(PACKAGES, json.loads(done.stdout), strict=True)), "load_average": os.getloadavg()[0],
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
