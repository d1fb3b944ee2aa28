"""Does the service survive? Malformed and hostile requests, the same for a seed, while a good one must stay right."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from PIL import Image

from benchmarks.harness.benchmark import progress
from benchmarks.serving.attack_client import HUNG, REFUSED, play, response_to
from benchmarks.serving.attacks_http import HTTP, Attack, Step, slow, whole
from benchmarks.serving.attacks_pictures import PICTURES
from benchmarks.serving.payloads import digit, encoded
from benchmarks.serving.servers import Figures, Server, started

SEED = 20261124
LABEL = 7
# Resident memory at the end beside that after the first round.
GOAL = 0.05
AT_ONCE = 32
SETTLE_TIMES = 100
# As many failures are kept word by word.
KEPT = 20
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW, LARGE = "slow", "large"
ATTACKS: dict[str, Attack] = {**HTTP, **PICTURES, SLOW: slow}
# One of a hundred stalls, one of a thousand has the largest picture that is accepted; a third have other pictures.
WEIGHTED = [*([*HTTP] * 50), *([name for name in PICTURES if name != LARGE] * 68), *([SLOW] * 10), LARGE]


def attack(number: int) -> tuple[str, list[Step]]:
    """Return the name and the steps of one hostile request."""
    dice = random.Random(f"{SEED} {number}")  # noqa: S311  it has to be the same again
    name = dice.choice(WEIGHTED)
    return name, ATTACKS[name](dice, _good_picture())


def _good_picture() -> bytes:
    """Return a digit that has to be classified rightly throughout."""
    return encoded(Image.fromarray(digit(LABEL)))


def hostile(command: Sequence[str], count: int, rounds: int) -> dict[str, Any]:
    """Send ``count`` hostile requests in ``rounds``, and a good one after each round."""
    with started(command) as server:
        siege = _Siege(server)
        found = asyncio.run(siege.run(count, rounds))
        code, said = server.end(), server.said()
    failed = siege.failed
    if code:
        failed.append(f"the service ended with {code} instead of 0")
    if "Traceback" in said:
        failed.append(f"{said.count('Traceback')} tracebacks; the first: {said[said.index('Traceback') :][:3000]}")
    growth = found["rounds"][-1]["rss_kb"] / found["rounds"][0]["rss_kb"] - 1 if found["rounds"] else None
    if growth is not None and growth > GOAL:
        failed.append(f"resident memory grew by {growth:.1%}, at most {GOAL:.0%} are allowed")
    return {
        "seed": SEED, "count": count, "at_once": AT_ONCE, **found, "growth": growth, "goal": GOAL, "exit_code": code,
        "failures": len(failed), "failed": failed[:KEPT],
    }  # fmt: skip


class _Siege:
    """Counts of what a server answers while it is attacked."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._statuses: dict[str, Counter[str]] = {}
        self._slow: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.failed: list[str] = []

    async def run(self, count: int, rounds: int) -> dict[str, Any]:
        """Send all rounds, then check that everything was given back."""
        # What a service keeps for good, such as a pool of threads, is there before the first look.
        await asyncio.gather(*(response_to(self._server.port, METRICS) for _ in range(AT_ONCE)))
        await self._check_good("before the first round")
        before, begun, figures = self._server.figures(), time.monotonic(), []
        try:
            for number in range(rounds):
                progress(f"hostile: round {number + 1} of {rounds}")
                await self._round(range(number * count // rounds, (number + 1) * count // rounds))
                await self._check_good(f"after round {number + 1}")
                figures.append(self._server.figures())
            await asyncio.gather(*self._slow)
            figures.append(await self._settled(before))
            await self._check_good("at the end")
        except ProcessLookupError:
            self.failed.append(f"the service died after {len(figures)} rounds")
        return {
            "seconds": round(time.monotonic() - begun),
            "answers": dict(sorted((name, dict(counts)) for name, counts in self._statuses.items())),
            "statuses": dict(sorted(sum(self._statuses.values(), Counter[str]()).items())),
            "before": before._asdict(), "rounds": [row._asdict() for row in figures],
        }  # fmt: skip

    async def _round(self, numbers: range) -> None:
        async with asyncio.TaskGroup() as group:
            for number in numbers:
                name, steps = attack(number)
                if name == SLOW:  # it takes as long as the service lets it; the others go on
                    self._slow.add(asyncio.ensure_future(self._play(number, name, steps)))
                else:
                    await self._slots.acquire()
                    task = group.create_task(self._play(number, name, steps))
                    task.add_done_callback(lambda _: self._slots.release())

    async def _play(self, number: int, name: str, steps: list[Step]) -> None:
        statuses = await play(self._server.port, steps, wait=name == SLOW)
        self._statuses.setdefault(name, Counter()).update(statuses)
        bad = {HUNG, REFUSED, *(status for status in statuses if status.startswith("5") and status != "503")}
        if bad & {*statuses}:
            self.failed.append(f"{name} (number {number}) was answered: {', '.join(statuses)}")

    async def _check_good(self, when: str) -> None:
        response = await response_to(self._server.port, whole(_good_picture()))
        if f'"digit": {LABEL},'.encode() not in response:
            self.failed.append(f"{when} a good digit was answered: {response[-200:].decode('latin-1')}")

    async def _settled(self, before: Figures) -> Figures:
        """Wait until the service has noticed that connections were left; returns the figures of the end."""
        for _ in range(SETTLE_TIMES):
            if (now := self._server.figures()).descriptors <= before.descriptors:
                break
            await asyncio.sleep(0.1)
        for field in ("descriptors", "threads"):
            was, is_ = getattr(before, field), getattr(now, field)
            if is_ > was:
                self.failed.append(f"{is_} {field} at the end, {was} before")
        return now
