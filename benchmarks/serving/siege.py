"""Send rounds of hostile requests to a server, and look at it before, between and after them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from benchmarks.harness.benchmark import progress
from benchmarks.serving.attack_client import HUNG, REFUSED, play, response_to
from benchmarks.serving.attacks_http import Step
from benchmarks.serving.servers import Figures, Server

AT_ONCE = 32
SETTLE_TIMES = 100
# As many failures are kept word by word.
KEPT = 20
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
Attacks = Callable[[int], tuple[str, list[Step]]]


class Siege:
    """Counts of what a server answers while it is attacked."""

    def __init__(self, server: Server, attacks: Attacks, stalling: str, good: tuple[bytes, bytes]) -> None:
        """``attacks`` gives a request's name and steps by its number; those named ``stalling`` are not waited for.

        ``good`` is a request and what its response has to contain.
        """
        self._server, self._attacks, self._stalling, self._good = server, attacks, stalling, good
        self._answers: dict[str, Counter[str]] = {}
        self._slow: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.failed: list[str] = []

    async def lay(self, count: int, rounds: int) -> dict[str, Any]:
        """Send all rounds, then check that everything was given back."""
        await self._warm()
        before, begun, rows = self._server.figures(), time.monotonic(), []
        try:
            for number in range(rounds):
                progress(f"hostile: round {number + 1} of {rounds}")
                await self._round(range(number * count // rounds, (number + 1) * count // rounds))
                await self._still_right(f"after round {number + 1}")
                rows.append(self._server.figures())
            await asyncio.gather(*self._slow)
            rows.append(await self._settled(before))
            await self._still_right("at the end")
        except ProcessLookupError:
            self.failed.append(f"the service died after {len(rows)} rounds")
        answers = dict(sorted((name, dict(counts)) for name, counts in self._answers.items()))
        return {
            "seconds": round(time.monotonic() - begun), "answers": answers,
            "statuses": dict(sorted(sum(self._answers.values(), Counter[str]()).items())),
            "before": before._asdict(), "rounds": [row._asdict() for row in rows],
        }  # fmt: skip

    async def _warm(self) -> None:
        """Make the service create what it keeps for good, such as a pool of threads, before the first look."""
        await asyncio.gather(*(response_to(self._server.port, METRICS) for _ in range(AT_ONCE)))
        await self._still_right("before the first round")

    async def _round(self, numbers: range) -> None:
        async with asyncio.TaskGroup() as group:
            for number in numbers:
                name, steps = self._attacks(number)
                if name == self._stalling:  # it takes as long as the service lets it; the others go on
                    self._slow.add(asyncio.ensure_future(self._count(number, name, steps)))
                else:
                    await self._slots.acquire()
                    group.create_task(self._count(number, name, steps)).add_done_callback(
                        lambda _: self._slots.release()
                    )

    async def _count(self, number: int, name: str, steps: list[Step]) -> None:
        told = await play(self._server.port, steps, wait=name == self._stalling)
        self._answers.setdefault(name, Counter()).update(told)
        if any(map(_is_bad, told)):
            self.failed.append(f"{name} (number {number}) was answered: {', '.join(told)}")

    async def _still_right(self, when: str) -> None:
        request, holds = self._good
        told = await response_to(self._server.port, request)
        if holds not in told:
            self.failed.append(f"{when} a good digit was answered: {told[-200:].decode('latin-1')}")

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


def _is_bad(told: str) -> bool:
    return told in {HUNG, REFUSED} or (told.startswith("5") and told != "503")
