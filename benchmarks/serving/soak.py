"""Does the service last? Requests of all kinds in random order, hostile ones among them, while it is ended and killed.

Twenty minutes at most. Each turn is a service of its own: under load, then SIGTERM or SIGKILL in the middle of more
load, and the next one starts. Memory is what the service and its decoding processes take together, since that is what
a unit's limit counts. The exit code is 1 for a wrong answer, a status of 500 or above but 503, memory that grew
within a turn or passed the unit's limit, or a service that did not end. Linux only.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.harness.benchmark import SCHEMA, Benchmark, Result, describe_shipped, progress
from benchmarks.harness.markdown import machine_phrase, versions_phrase
from benchmarks.serving.load_client import Request, run_load, saved
from benchmarks.serving.payloads import digit, encoded, on_paper, page, post
from benchmarks.serving.servers import Server, started
from edgedigits.serve.systemd_unit import unit_for
from edgedigits_export.report.svg import svg_bytes, svg_figure

TURNS, SECONDS = 6, 150.0
CONNECTIONS, RENEW, SEED = 6, 50, 0
EVERY_S = 1.0
_ENOUGH = 5  # samples for a trend
GOAL = 0.05  # growth of memory within a turn
_LIMIT = re.compile(r"^MemoryMax=(\d+)M$", re.MULTILINE)
PACKAGES = ("edgedigits", "starlette", "uvicorn", "h11", "litert", "numpy", "pillow")


def soak(args: argparse.Namespace) -> Result:
    """Run the turns and return what memory, answers and ends were like."""
    turns, seconds = (2, 2.0) if args.smallest else (args.turns, args.seconds)
    command = [sys.executable, "-m", "edgedigits.cli.main", "serve", "--port", "0"]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="edgedigits-soak-") as name:
        requests = _requests(Path(name))
        for turn in range(turns):
            progress(f"turn {turn + 1} of {turns}")
            rows.append(_turn(command, _shuffled(requests, turn), seconds, kill=turn % 2 == 1))
    return {
        "schema": SCHEMA, "of": describe_shipped(PACKAGES, sys.executable), "turns": rows, "connections": CONNECTIONS,
        "every_s": EVERY_S, "limit_mb": _unit_limit(), "goal": GOAL,
    }  # fmt: skip


def _turn(command: Sequence[str], requests: Sequence[Request], seconds: float, *, kill: bool) -> dict[str, Any]:
    samples: list[float] = []
    done = threading.Event()
    with started(command) as server:
        watch = threading.Thread(target=_watch, args=(server.pid, samples, done))
        watch.start()
        try:
            found = run_load(server.port, requests, CONNECTIONS, seconds=seconds, renew=RENEW)
        finally:
            done.set()
            watch.join()
        ended = _end_under_load(server, requests, kill=kill)
    wrong = {text: count for text, count in found["wrong"].items() if text[9:12] != "503"}
    return {
        "requests": found["requests"], "per_s": found["per_s"], "p99_ms": found["p99_ms"], "wrong": wrong,
        "busy": sum(found["wrong"].values()) - sum(wrong.values()), "memory_mb": samples, "kill": kill, "end": ended,
    }  # fmt: skip


def _end_under_load(server: Server, requests: Sequence[Request], *, kill: bool) -> int:
    """End the service while clients are served; returns its exit code."""
    clients = threading.Thread(target=_load_until_it_ends, args=(server.port, requests))
    clients.start()
    time.sleep(0.5)
    code = server.end(signal.SIGKILL if kill else signal.SIGTERM)
    clients.join()
    return code


def _load_until_it_ends(port: int, requests: Sequence[Request]) -> None:
    """Send until the service is gone, which the client tells as an error."""
    order = f'{{"requests": [["{requests[0].file}", 200, ""]], "connections": 4, "core": null, "seconds": 5}}'
    command = [sys.executable, "-m", "benchmarks.serving.load_client", str(port), order]
    subprocess.run(command, capture_output=True, check=False)


def _watch(pid: int, samples: list[float], done: threading.Event) -> None:
    while not done.wait(EVERY_S):
        samples.append(sum(map(_resident_mb, _with_children(pid))))


def _with_children(pid: int) -> list[int]:
    try:
        told = " ".join(file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    except OSError:  # it has ended
        return [pid]
    return [pid, *(process for child in told.split() for process in _with_children(int(child)))]


def _resident_mb(pid: int) -> float:
    """Return a process's share of the memory that it uses, in MB; what several use counts once in all."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:  # it has ended
        return 0.0
    return int(text.partition("Pss:")[2].split()[0]) / 1024


def _requests(folder: Path) -> list[Request]:
    """Return requests and what is answered: digits, pages, photographs, blanks, other paths, and hostile ones."""
    found = []
    for label in range(10):
        ready = encoded(Image.fromarray(digit(label)))
        found.append(saved(folder, f"digit{label}", post("/v1/classify", ready), f'"digit": {label},'))
    for label, side in ((1, 56), (3, 112), (7, 280)):
        body = encoded(on_paper(label, side))
        found.append(saved(folder, f"paper{label}", post("/v1/classify", body), f'"digit": {label},'))
    found += [
        saved(folder, "page", post("/v1/read", encoded(page())), '"digits": ['),
        saved(folder, "photograph", post("/v1/read", encoded(_photograph(), "JPEG")), '"digits": ['),
        saved(folder, "blank", post("/v1/classify", encoded(Image.new("L", (100, 100), 255))), '"rejected": "'),
        saved(folder, "model", b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n", '"manifest"'),
        saved(folder, "metrics", b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "edgedigits"),
        saved(folder, "nowhere", b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", '"detail"', 404),
    ]
    hostile = {
        "text": b"no picture", "empty": b"", "cut": _noise()[:60_000], "bomb": _bomb(), "gif": encoded(page(), "GIF"),
        "comments": b"P5\n" + b"#\n" * 500_000 + b"1 1 255\n\0",
    }  # fmt: skip
    found += [saved(folder, name, post("/v1/classify", body), '"detail"', 422) for name, body in hostile.items()]
    return found


def _shuffled(requests: Sequence[Request], turn: int) -> list[Request]:
    """Return digits many times and all others some, in a random order that is the same for the same turn."""
    rng = random.Random(SEED + turn)  # noqa: S311  an order, no secret
    mixed = [request for request in requests for _ in range(6 if "digit" in Path(request.file).name else 2)]
    rng.shuffle(mixed)
    return mixed


def _photograph() -> Image.Image:
    """Return eight megapixels of a page on a table, with a camera's noise."""
    rng = np.random.default_rng(SEED)
    table = Image.fromarray(rng.integers(90, 110, (2448, 3264), np.uint8))
    table.paste(page().resize((1680, 660)), (800, 900))
    return table


def _noise() -> bytes:
    return encoded(Image.fromarray(np.random.default_rng(SEED).integers(0, 255, (600, 600), np.uint8)))


def _bomb() -> bytes:
    """Return a few kilobytes of WebP with 64 megapixels in them."""
    buffer = io.BytesIO()
    Image.new("RGBA", (8000, 8000)).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return buffer.getvalue()


def _unit_limit() -> int:
    match = _LIMIT.search(unit_for([], camera=False))
    assert match is not None  # noqa: S101  the unit has a limit
    return int(match[1])


def growth(samples: Sequence[float]) -> float:
    """Return how much memory grew by its trend, a straight line through all but the first quarter, as a share.

    Single samples tell nothing: a decoding process that is at work has thirty megabytes more.
    """
    settled = samples[len(samples) // 4 :]
    if len(settled) < _ENOUGH:
        return 0.0
    return statistics.linear_regression(range(len(settled)), settled).slope * len(settled) / statistics.mean(settled)


def _failures(result: Result) -> list[str]:
    failed = []
    for number, turn in enumerate(result["turns"], 1):
        failed += [f"turn {number}: {count} times {text}" for text, count in turn["wrong"].items()]
        if (more := growth(turn["memory_mb"])) > result["goal"]:
            failed.append(f"turn {number}: memory grew by {more:.1%}")
        if max(turn["memory_mb"], default=0) > result["limit_mb"]:
            failed.append(f"turn {number}: {max(turn['memory_mb']):.0f} MB, the unit's limit is {result['limit_mb']}")
        if turn["end"] != (-9 if turn["kill"] else 0):
            failed.append(f"turn {number}: the service ended with {turn['end']}")
    return failed


def soak_table(result: Result) -> str:
    """Tell what the turns were like in a sentence or two."""
    turns = result["turns"]
    minutes = sum(len(turn["memory_mb"]) for turn in turns) * result["every_s"] / 60
    requests, wrong = sum(turn["requests"] for turn in turns), sum(sum(turn["wrong"].values()) for turn in turns)
    most = max(growth(turn["memory_mb"]) for turn in turns)
    return (
        f"{requests:,} requests in {minutes:.0f} minutes and {len(turns)} turns, every other of which ended with "
        f"SIGKILL: {wrong} wrong answers, {sum(turn['busy'] for turn in turns)} times 503, no other 5xx. Memory of "
        f"all processes together: {max(max(turn['memory_mb']) for turn in turns):.0f} MB at most, the unit's limit is "
        f"{result['limit_mb']}; its trend within a turn is {most:+.1%} at most (goal: {result['goal']:.0%}). "
        f"{result['connections']} connections; {versions_phrase(result['of']['versions'])}; "
        f"{machine_phrase(result['of']['machine'])}."
    )


def picture(result: Result) -> bytes:
    """Draw memory over time, a line a turn, and the unit's limit."""
    figure = svg_figure(8, 3)
    axes = figure.subplots()
    begun = 0.0
    for turn in result["turns"]:
        times = [(begun + at * result["every_s"]) / 60 for at in range(len(turn["memory_mb"]))]
        axes.plot(times, turn["memory_mb"], color="#1f6feb", linewidth=1)
        begun += len(times) * result["every_s"]
    axes.axhline(result["limit_mb"], color="#cf222e", linewidth=1, linestyle="--")
    axes.text(0, result["limit_mb"], " limit of the unit", va="bottom", color="#cf222e")
    axes.set(xlabel="minutes", ylabel="MB, all processes", ylim=(0, result["limit_mb"] * 1.15))
    return svg_bytes(figure)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--turns", type=int, default=TURNS, help=f"services one after the other (default: {TURNS})")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"of each (default: {SECONDS:g})")


BENCHMARK = Benchmark(
    "soak", "Does `edgedigits serve` last under all kinds of requests, and kills?", soak, soak_table,
    picture=picture, options=_options, failures=_failures,
)  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(BENCHMARK.main())
