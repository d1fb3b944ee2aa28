"""Requests a second of the service, beside those of a bare endpoint that makes the same classifier calls.

Both are processes of the same Python on one processor, the client has another. Rounds have fresh servers; within a
round both take turns, and every other round goes the other way round.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

from benchmarks.harness.benchmark import progress
from benchmarks.harness.spread import ratio_ci95
from benchmarks.serving.load_client import Request, run_load, saved
from benchmarks.serving.payloads import digit, drawing, encoded, post
from benchmarks.serving.servers import Server, cores, started

CONNECTIONS = (1, 8, 64)
GOAL = 0.9
WARM = 300
SIDES = ("ours", "theirs")
FIGURES = ("per_s", "p50_ms", "p99_ms", "processor_us")


def throughput(commands: dict[str, list[str]], rounds: int, seconds: float) -> dict[str, Any]:
    """Measure a row a picture and number of connections; ``commands`` start ``ours`` and ``theirs``."""
    server_core, client_core = cores()
    with tempfile.TemporaryDirectory(prefix="edgedigits-serve-") as name:
        requests = _requests(Path(name))
        found: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
        for number in range(rounds):
            progress(f"throughput: round {number + 1} of {rounds}")
            with ExitStack() as stack:
                servers = {side: stack.enter_context(started(commands[side], server_core)) for side in SIDES}
                order = SIDES[:: -1 if number % 2 else 1]
                for side, request in product(order, requests.values()):
                    run_load(servers[side].port, [request], 8, client_core, count=WARM)
                for picture, connections in product(requests, CONNECTIONS):
                    load = (requests[picture], connections, client_core, seconds)
                    found[picture, connections].append({side: _turn(servers[side], *load) for side in order})
    rows = [_row(*key, turns) for key, turns in found.items()]
    wrong = [f"{row['picture']}, {row['connections']}: {row['wrong']}" for row in rows if row["wrong"]]
    return {
        "rounds": rounds, "seconds": seconds, "server_core": server_core, "client_core": client_core, "goal": GOAL,
        "rows": rows, "failed": wrong,
    }  # fmt: skip


def _requests(folder: Path) -> dict[str, Request]:
    pictures = {"28×28": Image.fromarray(digit(7)), "drawing": drawing()}
    return {
        name: saved(folder, name, post("/v1/classify", encoded(picture)), '"digit": 7,')
        for name, picture in pictures.items()
    }


def _turn(server: Server, request: Request, connections: int, core: int | None, seconds: float) -> dict[str, Any]:
    before = server.processor_s()
    found = run_load(server.port, [request], connections, core, seconds=seconds)
    return found | {"processor_us": (server.processor_s() - before) / found["requests"] * 1e6}


def _row(picture: str, connections: int, turns: list[dict[str, Any]]) -> dict[str, Any]:
    every = [turn[side] for turn in turns for side in SIDES]
    wrong: Counter[str] = sum((Counter(one["wrong"]) for one in every), Counter())
    return {
        "picture": picture, "connections": connections,
        **{side: {figure: median(turn[side][figure] for turn in turns) for figure in FIGURES} for side in SIDES},
        **ratio_ci95(*([turn[side]["per_s"] for turn in turns] for side in SIDES)),
        "client_busy": max(one["busy"] for one in every),
        "requests": sum(one["requests"] for one in every),
        "wrong": dict(wrong),
    }  # fmt: skip
