"""Limits of what a process of ours may take, so that what it opens cannot take the machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


def limit_resources(memory: int, **others: int) -> None:
    """Let this process map ``memory`` bytes more than now, leave no core, and take no more than ``others``.

    These are named as in `resource`, such as ``CPU=60`` (seconds). Nothing happens where the system has no limits.
    """
    if sys.platform != "linux":
        return
    for name, limit in {"AS": _mapped() + memory, "CORE": 0, **others}.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        most = limit + (name == "CPU")  # at the lower of two comes SIGXCPU, which says what happened; then SIGKILL
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (min(limit, most), most))


def memory_for(model_bytes: int, threads: int = 1) -> int:
    """Return how many bytes a model of unknown origin may take: much for its size, and at most half of the machine's.

    Engines keep its weights up to three times; what lies between the layers does not depend on the file's size, and
    each thread reserves addresses for a stack and a heap of its own.
    """
    most = 8 * model_bytes + (2 << 30) + (threads << 27)
    return min(most, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2) if hasattr(os, "sysconf") else most


@contextmanager
def at_most(memory: int) -> Iterator[None]:
    """Let this process map ``memory`` bytes more than now, inside a ``with`` block."""
    if sys.platform != "linux":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    limits = [limit for limit in (soft, _mapped() + memory) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _mapped() -> int:
    """Return the bytes of address space that this process has."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()
