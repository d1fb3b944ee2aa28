"""Does memory stay flat? Resident after 2,000 requests of all kinds, and after a hundred times as many."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.harness.benchmark import progress
from benchmarks.serving.load_client import Request, run_load, saved
from benchmarks.serving.payloads import digit, encoded, on_paper, page, post
from benchmarks.serving.servers import cores, started

CONNECTIONS = 8
# Requests a connection makes before a fresh one takes its place.
RENEW = 100
GOAL = 0.02
SETTLE_S = 0.5


def memory(command: Sequence[str], points: Sequence[int]) -> dict[str, Any]:
    """Return figures of the process after each of ``points`` requests; the first and the last are compared."""
    server_core, client_core = cores()
    failed: list[str] = []
    sent, rows = 0, []
    with tempfile.TemporaryDirectory(prefix="edgedigits-serve-") as name, started(command, server_core) as server:
        requests = _mixture(Path(name))
        for point in points:
            progress(f"memory: {point:,} requests")
            found = run_load(server.port, requests, CONNECTIONS, client_core, count=point - sent, renew=RENEW)
            sent = point
            time.sleep(SETTLE_S)  # for the connections to be closed
            rows.append({"requests": point, **server.figures()._asdict(), "per_s": found["per_s"]})
            failed += [f"{count} times {what}" for what, count in found["wrong"].items()]
    growth = rows[-1]["rss_kb"] / rows[0]["rss_kb"] - 1
    if growth > GOAL:
        failed.append(f"resident memory grew by {growth:.1%}, at most {GOAL:.0%} are allowed")
    return {"connections": CONNECTIONS, "renew": RENEW, "rows": rows, "growth": growth, "goal": GOAL, "failed": failed}


def _mixture(folder: Path) -> list[Request]:
    """Return a turn of twenty: mostly ready digits, then larger ones, a page, a blank, the model's card, refusals."""
    ready = saved(folder, "28", post("/v1/classify", encoded(Image.fromarray(digit(7)))), '"digit": 7,')
    large = [
        saved(folder, f"{side}", post("/v1/classify", encoded(on_paper(label, side))), f'"digit": {label},')
        for side, label in ((56, 1), (112, 3), (280, 7))
    ]
    blank = post("/v1/classify", encoded(Image.new("L", (100, 100), 255)))
    with_input = post("/v1/classify?model_input=true", encoded(Image.fromarray(digit(1))))
    others = [
        saved(folder, "model_input", with_input, '"model_input": "'),
        saved(folder, "page", post("/v1/read", encoded(page())), '"digits": ['),
        saved(folder, "blank", blank, '"rejected": "'),
        saved(folder, "text", post("/v1/classify", b"no picture"), '"detail"', 422),
        saved(folder, "model", b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n", '"manifest"'),
        saved(folder, "nowhere", b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", '"detail"', 404),
    ]
    return [*large, *others, *[ready] * 11]
