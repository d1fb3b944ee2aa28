"""Does memory stay flat? Resident after 2,000 requests of all kinds, and after a hundred times as many."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asking import Asked, ask, kept
from pictures import digit, encoded, on_paper, page, post
from PIL import Image
from servers import Figures, cores, started

CONNECTIONS = 8
# Requests a connection makes before a fresh one takes its place.
RENEW = 100
GOAL = 0.02
SETTLE_S = 0.5


def memory(command: Sequence[str], points: Sequence[int]) -> dict[str, Any]:
    """Figures of the process after each of ``points`` requests; the first and the last are compared."""
    server_core, client_core = cores()
    failed: list[str] = []
    asked, rows = 0, []
    with tempfile.TemporaryDirectory(prefix="edgedigits-serve-") as name, started(command, server_core) as server:
        asks = _mixture(Path(name))
        for point in points:
            print(f"memory: {point:,} requests", file=sys.stderr, flush=True)
            told = ask(server.port, asks, CONNECTIONS, client_core, count=point - asked, renew=RENEW)
            asked = point
            time.sleep(SETTLE_S)  # for the connections to be closed
            rows.append({"requests": point, **server.figures()._asdict(), "per_s": told["per_s"]})
            failed += [f"{count} times {what}" for what, count in told["wrong"].items()]
    first, last = (Figures(*(row[field] for field in Figures._fields)) for row in (rows[0], rows[-1]))
    growth = last.rss_kb / first.rss_kb - 1
    if growth > GOAL:
        failed.append(f"resident memory grew by {growth:.1%}, at most {GOAL:.0%} are allowed")
    return {"connections": CONNECTIONS, "renew": RENEW, "rows": rows, "growth": growth, "goal": GOAL, "failed": failed}


def _mixture(folder: Path) -> list[Asked]:
    """A turn of twenty: mostly ready digits, then larger ones, a page, a blank, the model's card, what is refused."""
    ready = kept(folder, "28", post("/v1/classify", encoded(Image.fromarray(digit(7)))), '"digit": 7,')
    large = [
        kept(folder, f"{side}", post("/v1/classify", encoded(on_paper(label, side))), f'"digit": {label},')
        for side, label in ((56, 1), (112, 3), (280, 7))
    ]
    blank = post("/v1/classify", encoded(Image.new("L", (100, 100), 255)))
    others = [
        kept(folder, "fed", post("/v1/classify?fed=true", encoded(Image.fromarray(digit(1)))), '"fed": "'),
        kept(folder, "page", post("/v1/read", encoded(page())), '"digits": ['),
        kept(folder, "blank", blank, '"rejected": "'),
        kept(folder, "text", post("/v1/classify", b"no picture"), '"detail"', 422),
        kept(folder, "model", b"GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n", '"manifest"'),
        kept(folder, "nowhere", b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n", '"detail"', 404),
    ]
    return [*large, *others, *[ready] * 11]
