"""Drawing in several processes, because one core draws scenes more slowly than another learns from them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from edgedigits.errors import OutputError

Drawn = TypeVar("Drawn")
# One process for each core draws; numpy's own threads would take turns with them.
# Results that may wait, for each process.
_AHEAD = 12
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def draw_in_processes(draw: Callable[[int], Drawn], numbers: range, processes: int) -> Iterator[Drawn]:
    """Yield what ``draw``, an object that can be pickled, draws for each of ``numbers``, in their order.

    Raises
    ------
    OutputError: a process died, most likely because memory ran out.

    """
    if processes < 1 or len(numbers) <= 1:
        yield from map(draw, numbers)
        return
    # Processes are spawned: a fork would copy the locks of TensorFlow's threads, but not the threads.
    context = multiprocessing.get_context("spawn")
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)
    try:
        with ProcessPoolExecutor(
            min(processes, len(numbers)), context, initializer=_start, initargs=(draw,)
        ) as executor:
            yield from _ahead(executor, numbers, _AHEAD * processes)
    except BrokenProcessPool as error:
        raise OutputError("a process that draws images died; free memory, or say --threads 1") from error
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _ahead(executor: ProcessPoolExecutor, numbers: range, ahead: int) -> Iterator[Any]:
    """Yield the results in their order; no more than ``ahead`` of them are drawn before they are asked for."""
    pending: deque[Future[Any]] = deque()
    for number in numbers:
        pending.append(executor.submit(_draw, number))
        if len(pending) > ahead:
            yield pending.popleft().result()
    while pending:
        yield pending.popleft().result()


_own: list[Callable[[int], Any]] = []


def _start(draw: Callable[[int], Any]) -> None:
    """Set up a new process: keep what draws, leave Ctrl-C to the parent, and end when the parent ends."""
    _own.append(draw)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _draw(number: int) -> Any:
    return _own[0](number)
