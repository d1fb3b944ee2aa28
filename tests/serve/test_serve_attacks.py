"""Malformed requests and hostile pictures: the service bears them, and stays right and alive meanwhile."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import NamedTuple

import attack_client
import pytest
from attack_client import HUNG, REFUSED, play, response_to
from attacks_http import END, HANG_UP, HTTP, Attack, Step, slow, whole
from attacks_pictures import BELOW, BEYOND, PICTURES, encoded, on_paper, text_bomb, zeros
from running import Running

from edgedigits.serve.limits import LIMITS

IMPATIENT = Path(__file__).with_name("impatient_service.py")
STUB = Path(__file__).parents[1] / "benchmarks" / "stub_server.py"
SEED = 20261124
LABEL = 7
ROUNDS, AT_ONCE = 3, 32
# The service may need a while to notice that connections were left: so often it is asked, every tenth of a second.
SETTLE_TIMES = 600
METRICS = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW, LARGE = "slow", "large"
ATTACKS: dict[str, Attack] = {**HTTP, **PICTURES, SLOW: slow}
# Ten of each kind in turn, but few of those that take long.
KINDS = [SLOW, SLOW, LARGE, *[name for name in ATTACKS if name not in {SLOW, LARGE}] * 10]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes in /proc"),
]


class Figures(NamedTuple):
    """What Linux tells of a process."""

    threads: int
    descriptors: int


def attack(number: int) -> tuple[str, list[Step]]:
    """The name and the steps of one hostile request."""
    dice = random.Random(f"{SEED} {number}")  # noqa: S311  it has to be the same again
    name = KINDS[number % len(KINDS)]
    return name, ATTACKS[name](dice, good_picture())


def good_picture() -> bytes:
    """A digit that has to be classified rightly throughout."""
    return encoded(on_paper(LABEL, 140))


def failures_of(running: Running, count: int) -> list[str]:
    """All that goes wrong while a service gets so many hostile requests, and a good one after each round."""
    siege = Siege(running)
    asyncio.run(siege.run(count))
    if code := running.end():
        siege.failed.append(f"the service ended with {code} instead of 0")
    if "Traceback" in running.said:
        siege.failed.append(running.said[running.said.index("Traceback") :][:3000])
    return siege.failed


class Siege:
    """A service that is attacked, and what it did wrong."""

    def __init__(self, running: Running) -> None:
        self._port, self._pid = running.address[1], running.process.pid
        self._slots = asyncio.Semaphore(AT_ONCE)
        self.failed: list[str] = []

    async def run(self, count: int) -> None:
        """Send all rounds, then check that everything was given back."""
        await self._warm_up()
        before = self._figures()
        try:
            for number in range(ROUNDS):
                numbers = range(number * count // ROUNDS, (number + 1) * count // ROUNDS)
                await asyncio.gather(*map(self._play, numbers))
                await self._check_good(f"after round {number + 1}")
                self._figures()
            await self._settle(before)
            await self._check_good("at the end")
        except ProcessLookupError:
            self.failed.append("the service died")

    async def _warm_up(self) -> None:
        """Let the service start what it keeps for good, such as its pool of threads."""
        await asyncio.gather(*(response_to(self._port, METRICS) for _ in range(AT_ONCE)))
        await self._check_good("before the first round")

    async def _play(self, number: int) -> None:
        async with self._slots:
            name, steps = attack(number)
            statuses = await play(self._port, steps, wait=name == SLOW)
        bad = {HUNG, REFUSED, *(status for status in statuses if status.startswith("5") and status != "503")}
        if bad & {*statuses}:
            self.failed.append(f"{name} (number {number}) was answered: {', '.join(statuses)}")

    async def _check_good(self, when: str) -> None:
        response = await response_to(self._port, whole(good_picture()))
        if f'"digit": {LABEL},'.encode() not in response:
            self.failed.append(f"{when} a good digit was answered: {response[-200:].decode('latin-1')}")

    async def _settle(self, before: Figures) -> None:
        """Wait until the service has noticed that connections were left."""
        for _ in range(SETTLE_TIMES):
            if (now := self._figures()).descriptors <= before.descriptors:
                break
            await asyncio.sleep(0.1)
        else:
            self.failed.append(f"{now.descriptors} descriptors at the end, {before.descriptors} before")
        if now.threads > before.threads:
            self.failed.append(f"{now.threads} threads at the end, {before.threads} before")

    def _figures(self) -> Figures:
        """Raise ProcessLookupError where the service has ended by itself: the memory goes first."""
        process = Path(f"/proc/{self._pid}")
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        if "VmRSS" not in status:
            raise ProcessLookupError(self._pid)
        return Figures(int(status["Threads"]), len(list((process / "fd").iterdir())))


def test_the_service_bears_every_kind_of_attack(start, monkeypatch):
    monkeypatch.setattr(attack_client, "QUIET_S", 0.5)
    limits = {"header_s": 2, "body_s": 2}  # for those that are slow; a good request comes in one piece
    running = start(program=(str(IMPATIENT),), EDGEDIGITS_TEST_LIMITS=json.dumps(limits))
    assert failures_of(running, len(KINDS)) == []


@pytest.mark.parametrize(
    ("way", "failure"),
    [
        ("500", "was answered: 500"),
        ("wrong", 'a good digit was answered: HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"digit": 8'),
        ("descriptors", "descriptors at the end"),
        ("threads", "threads at the end"),
        ("crash", "the service died"),
        ("exit", "the service ended with 1 instead of 0"),
        ("traceback", "Traceback (most recent call last):\n  a bug"),
        ("silent", "was answered: hung"),
    ],
)
def test_what_goes_wrong_under_attack_is_noticed(start, monkeypatch, way, failure):
    monkeypatch.setattr(attack_client, "QUIET_S", 0.1)
    monkeypatch.setattr(attack_client, "PATIENCE_S", 1.0)
    monkeypatch.setitem(globals(), "SETTLE_TIMES", 2)
    assert failure in "\n".join(failures_of(start(program=(str(STUB), way)), 150))


def test_attacks_are_the_same_for_a_number_and_of_every_kind():
    assert attack(5) == attack(5) != attack(5 + len(KINDS))
    assert {attack(number)[0] for number in range(len(KINDS))} == ATTACKS.keys()
    for number in range(len(KINDS)):
        for step in attack(number)[1]:
            assert isinstance(step, bytes | float) or step in {END, HANG_UP}


def test_bombs_are_small_and_as_large_as_they_say():
    assert len(zeros(BEYOND)) < 50_000
    assert len(text_bomb()) < 200_000
    below, beyond = (wide * high for wide, high in (BELOW, BEYOND))
    assert below <= LIMITS.pixels < beyond
