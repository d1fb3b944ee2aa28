from __future__ import annotations

import platform

import numpy as np
import pytest

from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError
from edgedigits.measure import bench, machine
from edgedigits.measure.bench import bench_apart, measure


def check(latency, engine):
    assert (latency.engine, latency.threads) == (engine, 1)
    assert latency.version
    assert latency.load_ms > 0
    assert latency.first_us > 0
    assert latency.warmup_runs >= 20
    assert latency.warmup_runs % 20 == 0
    assert latency.runs >= 100
    assert 0 < latency.min_us <= latency.p50_us <= latency.p90_us <= latency.p99_us
    assert latency.min_us <= latency.mean_us
    assert latency.std_us >= 0
    assert latency.throughput == pytest.approx(1e6 / latency.mean_us)
    assert latency.peak_rss_mb is None or 10 < latency.peak_rss_mb < 100_000


def test_the_figures_of_each_engine_go_together(shipped, engine):
    path = shipped.path / f"cnn-int8.{ENGINES[engine].format}"
    check(measure(path, engine, 1, 0), engine)
    check(bench_apart(path, engine, 1, 0), engine)


def test_a_float_input_is_measured_too_with_its_own_random_image(shipped, engine):
    path = shipped.path / f"cnn-int8.{ENGINES[engine].format}"
    once = bench._timer(bench.load_engine(engine, bench.lone_model(path), 1))
    assert once() > 0


def test_the_warm_up_ends_when_a_window_is_like_the_one_before():
    times = iter([100] * 20 + [50] * 20 + [48] * 20 + [1] * 1000)
    assert bench._warm_up(lambda: next(times)) == 60


def test_the_steady_state_has_at_least_a_hundred_runs():
    assert len(bench._steady(lambda: 7, 0)) == 100
    assert bench._steady(lambda: 7, 0).dtype == np.int64


def test_an_error_of_the_process_keeps_its_class(tmp_path, engine):
    with pytest.raises(BundleError, match="cannot be read"):
        bench_apart(tmp_path / f"no.{ENGINES[engine].format}", engine, 1, 0)


def test_a_machine_is_described_by_what_decides_a_latency():
    found = machine.describe_machine()
    assert found.cores >= 1
    assert found.architecture == platform.machine()
    assert found.python == platform.python_version()
    assert found.system.startswith(platform.system())
    assert found.memory_mb is None or found.memory_mb > 100


def test_a_raspberry_pi_describes_itself(monkeypatch):
    files = {
        "/proc/cpuinfo": "processor\t: 0\nBogoMIPS\t: 108.00\n\nModel\t\t: Raspberry Pi 5 Model B Rev 1.0\n",
        "/proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "ondemand\n",
        "/proc/meminfo": "MemTotal:        8245600 kB\nMemFree:         1 kB\n",
    }
    monkeypatch.setattr(machine, "_text", files.get)
    found = machine.describe_machine()
    assert found.board == found.cpu == "Raspberry Pi 5 Model B Rev 1.0"
    assert (found.governor, found.memory_mb) == ("ondemand", 8052)


def test_what_a_system_does_not_tell_is_none(monkeypatch):
    monkeypatch.setattr(machine, "_text", lambda path: None)
    found = machine.describe_machine()
    assert (found.board, found.governor, found.memory_mb) == (None, None, None)
