"""What the soak test calls a failure."""

from __future__ import annotations

import pytest

from benchmarks.serving.soak import BENCHMARK, growth

FLAT = [100.0, 120.0, 118.0, 121.0, 119.0, 120.0, 118.0, 121.0]
TURN = {"requests": 10, "per_s": 1.0, "p99_ms": 1.0, "wrong": {}, "busy": 0, "memory_mb": FLAT, "kill": False, "end": 0}


def failures(**changes):
    return BENCHMARK.failures({"turns": [TURN | changes], "limit_mb": 400, "goal": 0.05})


def test_memory_that_settles_has_not_grown():
    assert abs(growth(FLAT)) < 0.02
    assert growth([100.0 + 10 * at for at in range(40)]) > 0.3
    assert growth([1.0]) == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wrong": {"HTTP/1.1 500 ...": 2}}, "turn 1: 2 times HTTP/1.1 500"),
        ({"memory_mb": [100.0 + 10 * at for at in range(20)]}, "memory grew by"),
        ({"memory_mb": [401.0] * 8}, "401 MB, the unit's limit is 400"),
        ({"end": 1}, "the service ended with 1"),
        ({"kill": True}, "the service ended with 0"),
    ],
)
def test_what_must_not_be_is_told(changes, told):
    (line,) = failures(**changes)
    assert told in line


def test_a_service_that_lasts_has_no_failure():
    assert failures() == []
    assert failures(kill=True, end=-9) == []
