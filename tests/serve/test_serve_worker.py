"""One thread, a bounded number of places, and nobody waits for somebody who has gone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from edgedigits.serve.worker import QueueFullError, Worker


@pytest.fixture
def worker():
    made = Worker(max_jobs=3)
    yield made
    made.close()


class Gate:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()

    def __call__(self) -> str:
        self.begun.set()
        assert self.open.wait(30)
        return "done"


async def begun(gate: Gate) -> None:
    await asyncio.to_thread(gate.begun.wait, 30)


def test_answers_and_exceptions_come_back_to_who_asked(worker: Worker) -> None:
    async def go() -> None:
        assert await asyncio.gather(*(worker.run(lambda n=n: n * n) for n in range(3))) == [0, 1, 4]
        with pytest.raises(ZeroDivisionError):
            await worker.run(lambda: 1 // 0)
        assert await worker.run(threading.current_thread) is not threading.current_thread()
        assert worker.jobs == 0

    asyncio.run(go())


def test_jobs_are_done_one_after_the_other_in_order(worker: Worker) -> None:
    order: list[int] = []

    async def go() -> None:
        gate = Gate()
        first = asyncio.ensure_future(worker.run(gate))
        await begun(gate)
        rest = [asyncio.ensure_future(worker.run(lambda n=n: order.append(n))) for n in range(2)]
        await asyncio.sleep(0)
        assert order == []
        gate.open.set()
        await asyncio.gather(first, *rest)

    asyncio.run(go())
    assert order == [0, 1]


def test_who_finds_no_place_is_told_at_once(worker: Worker) -> None:
    async def go() -> None:
        gate = Gate()
        waiting = [asyncio.ensure_future(worker.run(gate)) for _ in range(3)]
        await begun(gate)
        with pytest.raises(QueueFullError):
            await worker.run(lambda: None)
        gate.open.set()
        assert await asyncio.gather(*waiting) == ["done"] * 3
        assert await worker.run(lambda: "again") == "again"

    asyncio.run(go())


def test_who_hangs_up_frees_the_place_and_nothing_is_computed_for_them(worker: Worker) -> None:
    computed: list[str] = []

    async def go() -> None:
        gate, gone = Gate(), asyncio.Event()
        first = asyncio.ensure_future(worker.run(gate))
        await begun(gate)
        patient = asyncio.ensure_future(worker.run(lambda: computed.append("patient"), asyncio.Event().wait))
        leaving = asyncio.ensure_future(worker.run(lambda: computed.append("leaving"), gone.wait))
        await asyncio.sleep(0)
        assert worker.jobs == 3
        gone.set()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert worker.jobs == 2
        last = asyncio.ensure_future(worker.run(lambda: computed.append("last")))
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(first, patient, last)

    asyncio.run(go())
    assert computed == ["patient", "last"]


def test_nobody_listens_for_a_hanging_up_after_the_answer(worker: Worker) -> None:
    async def go() -> None:
        never = asyncio.Event()
        await asyncio.gather(*(worker.run(lambda: None, never.wait) for _ in range(3)))
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(go())


def test_it_tells_how_long_it_is_at_one_job(worker: Worker) -> None:
    async def go() -> None:
        assert worker.busy_s() == 0
        gate = Gate()
        job = asyncio.ensure_future(worker.run(gate))
        await begun(gate)
        first = worker.busy_s()
        await asyncio.sleep(0.01)
        assert worker.busy_s() >= first + 0.01
        gate.open.set()
        await job
        assert worker.busy_s() == 0

    asyncio.run(go())


def test_closing_waits_for_the_job_that_was_begun() -> None:
    worker, done = Worker(max_jobs=1), []

    async def go() -> None:
        gate = Gate()
        job = asyncio.ensure_future(worker.run(gate))
        await begun(gate)
        threading.Timer(0.05, gate.open.set).start()
        await asyncio.to_thread(worker.close)
        done.append(await job)

    asyncio.run(go())
    assert done == ["done"]
