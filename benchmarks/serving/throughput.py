"""Requests a second of the service, beside those of a bare endpoint that makes the same classifier calls.

Both are processes of the same Python on one processor, the client has another. Rounds with fresh servers; within a
round both in turns, and every other round the other way round.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from asking import Asked, ask, kept
from pictures import digit, drawing, encoded, post
from PIL import Image
from servers import Server, cores, started

from edgedigits.measure.summary import bootstrap

CONNECTIONS = (1, 8, 64)
GOAL = 0.9
WARM = 300
SIDES = ("ours", "theirs")
FIGURES = ("per_s", "p50_ms", "p99_ms", "processor_us")


def throughput(commands: dict[str, list[str]], rounds: int, seconds: float) -> dict[str, Any]:
    """A row a picture and number of connections; ``commands`` start ``ours`` and ``theirs``."""
    server_core, client_core = cores()
    with tempfile.TemporaryDirectory(prefix="edgedigits-serve-") as name:
        asks = _requests(Path(name))
        found: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
        for number in range(rounds):
            print(f"throughput: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
            with ExitStack() as stack:
                servers = {side: stack.enter_context(started(commands[side], server_core)) for side in SIDES}
                order = SIDES[:: -1 if number % 2 else 1]
                for side, one in product(order, asks.values()):
                    ask(servers[side].port, [one], 8, client_core, count=WARM)
                for key in product(asks, CONNECTIONS):
                    turns = {side: _turn(servers[side], asks[key[0]], key[1], client_core, seconds) for side in order}
                    found[key].append(turns)
    rows = [_row(*key, turns) for key, turns in found.items()]
    wrong = [f"{row['picture']}, {row['connections']}: {row['wrong']}" for row in rows if row["wrong"]]
    return {
        "rounds": rounds, "seconds": seconds, "server_core": server_core, "client_core": client_core, "goal": GOAL,
        "rows": rows, "failed": wrong,
    }  # fmt: skip


def _requests(folder: Path) -> dict[str, Asked]:
    pictures = {"28×28": Image.fromarray(digit(7)), "drawing": drawing()}
    return {
        name: kept(folder, name, post("/v1/classify", encoded(picture)), '"digit": 7,')
        for name, picture in pictures.items()
    }


def _turn(server: Server, one: Asked, connections: int, core: int | None, seconds: float) -> dict[str, Any]:
    before = server.processor_s()
    told = ask(server.port, [one], connections, core, seconds=seconds)
    return told | {"processor_us": (server.processor_s() - before) / told["requests"] * 1e6}


def _row(picture: str, connections: int, turns: list[dict[str, Any]]) -> dict[str, Any]:
    ratios = np.array([turn["ours"]["per_s"] / turn["theirs"]["per_s"] for turn in turns])
    sides = {side: {figure: median(turn[side][figure] for turn in turns) for figure in FIGURES} for side in SIDES}
    return {
        "picture": picture, "connections": connections, **sides,
        "ratio": float(np.median(ratios)), "ratio_ci95": bootstrap(ratios, 0.95),
        "client_busy": max(turn[side]["busy"] for turn in turns for side in SIDES),
        "requests": sum(turn[side]["requests"] for turn in turns for side in SIDES),
        "wrong": dict(sum((Counter(turn[side]["wrong"]) for turn in turns for side in SIDES), Counter())),
    }  # fmt: skip
