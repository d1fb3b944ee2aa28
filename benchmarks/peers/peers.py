"""How does edgedigits do beside its peers? Same digits, same machine, each in an environment of its own.

Environments and converted models stay in the cache folder (3 GB), so that a second run only measures. Each round starts
a fresh process of every peer, so that what drifts meets all alike. The 10,000 test digits are read for accuracy alone;
timed are training digits.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from benchmarks.harness.benchmark import Benchmark, Result, describe
from benchmarks.peers.peer import PEERS
from benchmarks.peers.peer_models import PeerModels, PeerVenvs
from benchmarks.peers.peer_rounds import Attempt, last_processor, run_rounds
from benchmarks.peers.peers_table import draw_peers, peers_table
from edgedigits.bundle import Bundle
from edgedigits.datasets import Dataset, load_mnist
from edgedigits.files import cache_folder

TIMED_DIGITS, SMALLEST_DIGITS = 100, 20
ROUNDS, SECONDS = 5, 0.3
NAMES = tuple(peer.name for peer in PEERS)


def measure(args: argparse.Namespace) -> Result:
    """Measure the chosen peers with MNIST."""
    return measure_peers(args.only, *load_mnist(), smallest=args.smallest)


def measure_peers(names: Sequence[str], training: Dataset, test: Dataset, *, smallest: bool) -> Result:
    """Measure the named peers; the smallest run takes those that this Python has, one short process each."""
    rounds, seconds = (1, 0.0) if smallest else (ROUNDS, SECONDS)
    if smallest:
        test = test.take(np.arange(SMALLEST_DIGITS))
    work = cache_folder() / "peers"
    venvs = PeerVenvs(work / "venvs", here=smallest)
    models = PeerModels(work / "models", venvs, Bundle.load(), training)
    attempts = [Attempt(peer) for peer in PEERS if peer.name in names]
    run_rounds(attempts, venvs, models, test, training.take(np.arange(TIMED_DIGITS)), rounds, seconds)
    return describe(["edgedigits"]) | {
        "data": test.source, "digits": len(test),
        "rounds": rounds, "seconds": seconds,
        "processor": last_processor(), "own_venvs": not smallest,
        "rows": [attempt.row() for attempt in attempts],
    }  # fmt: skip


def _options(parser: argparse.ArgumentParser) -> None:
    shown = f"measure these alone, of {', '.join(NAMES)}"
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES, metavar="NAME", help=shown)


BENCHMARK = Benchmark("peers", "How does edgedigits do beside its peers?", measure, peers_table, draw_peers, _options)

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
