"""How does edgedigits do beside its peers? Same digits, same machine, each in a venv of its own.

`python benchmarks/peers/run.py [-o RESULT] [--rounds 5] [--seconds 0.3] [--only NAME ...] [--here] [--digits N]`. Venvs
and converted models stay in the cache folder (3 GB), so that a second run only measures. Each round starts a fresh
process of every peer, so that what drifts hits all alike. The 10,000 test digits are read for accuracy alone; timed are
training digits.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from asking import last_processor
from homes import Homes
from models import Models
from peer import PEERS
from rounds import answer, prepare, time
from rows import row
from table import peers_table

from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset, load_mnist
from edgedigits.files import cache_folder, write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain

RESULT = Path(__file__).parents[1] / "results" / "peers.json"
TIMED_DIGITS = 100


def main() -> int:
    """Measure, write, print the table."""
    args = parse()
    told = result(args, *load_mnist())
    write_atomic(args.output, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    print(peers_table(told))
    return 0


def result(args: argparse.Namespace, training: Dataset, test: Dataset) -> dict[str, Any]:
    """Everything that is committed."""
    test = test.take(np.arange(min(args.digits, len(test))))
    bundle, work = Bundle.load(), cache_folder() / "peers"
    homes = Homes(work / "venvs", args.here)
    chosen = [peer for peer in PEERS if not args.only or peer.name in args.only]
    with tempfile.TemporaryDirectory(prefix="edgedigits-") as folder:
        attempts = prepare(chosen, homes, Models(work / "models", homes, bundle, training))
        answer(attempts, Path(folder), test)
        time(attempts, Path(folder), training.take(np.arange(TIMED_DIGITS)), args.rounds, args.seconds)
    return {
        "machine": to_plain(describe_machine()),
        "bundle": bundle.id,
        "data": test.source, "digits": len(test),
        "rounds": args.rounds, "seconds": args.seconds,
        "processor": last_processor(), "own_venvs": not args.here,
        "rows": [row(attempt) for attempt in attempts],
    }  # fmt: skip


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [peer.name for peer in PEERS]
    parser.add_argument("-o", type=Path, default=RESULT, dest="output", help="result, benchmarks/results/peers.json")
    parser.add_argument("--rounds", type=_positive, default=5, help="fresh processes a peer")
    parser.add_argument("--seconds", type=float, default=0.3, help="least steady state of each process")
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--here", action="store_true", help="no venvs: those peers that this Python has")
    parser.add_argument("--digits", type=_positive, default=10_000, help="how many test digits to answer")
    return parser.parse_args(words)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    raise SystemExit(main())
