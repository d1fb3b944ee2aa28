"""The count of `compare`'s errors: what is slowed is the file that says so, and counts are counts."""

from __future__ import annotations

import numpy as np

from benchmarks.latency import slowed_worker as slowed
from edgedigits.bundle import SHIPPED
from edgedigits.engines import installed_engines
from edgedigits.model import lone_model


def test_only_the_slowed_file_waits_and_it_infers_all_the_same(tmp_path, digits):
    data = (SHIPPED / "small" / "small-int8.tflite").read_bytes()
    answers = []
    for name in ("first.tflite", slowed.SLOWED):
        (tmp_path / name).write_bytes(data)
        engine = slowed.load_engine(installed_engines("tflite")[0], lone_model(tmp_path / name))
        assert isinstance(engine, slowed.SlowedEngine) == (name == slowed.SLOWED)
        answers.append(engine.run(digits.images[:1]))
    assert np.array_equal(*answers)


def test_the_wait_lasts_as_long_as_was_planted(monkeypatch):
    now = [0]

    def clock() -> int:
        now[0] += 1
        return now[0]

    class Engine:
        inputs = outputs = version = None

        def run(self, _):
            now[0] += 10_000

    monkeypatch.setattr(slowed.time, "perf_counter_ns", clock)
    engine = slowed.SlowedEngine(Engine())
    begun = now[0]
    engine.run(None)
    assert 10_950 < now[0] - begun < 11_050
