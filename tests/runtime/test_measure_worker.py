from __future__ import annotations

import gc
import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
from measured import configuration, lone

from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError, ImageError, UsageError
from edgedigits.input_shapes import InputShape
from edgedigits.isolation import run_isolated
from edgedigits.measure import worker
from edgedigits.measure.sample import Sample
from edgedigits.records import from_plain, to_plain

pytestmark = pytest.mark.slow

WORKER = "edgedigits.measure.worker"


def measure_isolated(config, runs=30):
    """The sample of a process that measures so many runs, however long they take."""
    found = run_isolated(WORKER, [json.dumps(to_plain(config)), "0", str(runs)], "test")
    return from_plain(Sample, found, "sample")


def int8(shipped, engine, **changes):
    return lone(shipped.path / f"small-int8.{ENGINES[engine].format}", engine, **changes)


@pytest.fixture
def stay(monkeypatch):
    """Let the tests' own process keep its processors and its garbage collector."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    yield
    gc.enable()
    if allowed is not None:
        os.sched_setaffinity(0, allowed)


def check(found, stages):
    assert found.version
    assert found.started > 0
    assert found.load_ms > 0
    assert found.first_us > 0
    assert found.warmup_runs >= 40
    assert found.warmup_runs % 20 == 0
    assert found.timer_ns >= 0
    assert list(found.times) == stages
    assert [len(times) for times in found.stages().values()] == [30] * len(stages)
    assert found.total().min() > 0
    assert found.rss_mb is None or 10 < found.rss_mb <= found.peak_rss_mb < 100_000
    assert found.preempted is None or found.preempted >= 0


def test_a_process_measures_a_file_in_each_engine(shipped, engine):
    check(measure_isolated(int8(shipped, engine)), ["infer"])


@pytest.mark.parametrize("variant", [None, "int8"])
def test_a_process_measures_the_way_from_a_pictures_file_to_its_prediction(shipped, engine, pictures, variant):
    named = None if variant is None else f"{variant}.{ENGINES[engine].format}"
    config = int8(shipped, engine, variant=named, images=str(pictures[0].parents[1]))
    check(measure_isolated(config), ["decode", "preprocess", "infer"])


@pytest.mark.usefixtures("stay")
def test_pictures_take_turns(shipped, engine, pictures, monkeypatch):
    seen = []
    real = worker.DigitClassifier.classify
    monkeypatch.setattr(worker.DigitClassifier, "classify", lambda self, path: seen.append(path) or real(self, path))
    run_once, _, version = worker._picture_run(int8(shipped, engine, images=str(pictures[0].parents[1])))
    assert version
    for _ in range(45):
        assert len(run_once()) == 3
    assert seen == (sorted(pictures) * 3)[:45]


def test_an_error_of_the_process_keeps_its_class(shipped, engine, tmp_path):
    with pytest.raises(BundleError, match="cannot be read"):
        measure_isolated(configuration(path=str(tmp_path / f"no.{ENGINES[engine].format}"), engine=engine))
    (tmp_path / "photo.png").write_text("no picture")
    with pytest.raises(ImageError, match=r"photo\.png"):
        measure_isolated(int8(shipped, engine, images=str(tmp_path)))


def test_no_runs_at_all_are_refused(shipped, engine):
    with pytest.raises(UsageError, match="expected at least 1 run, found 0"):
        worker.main([json.dumps(to_plain(int8(shipped, engine))), "0", "0"])


@pytest.fixture
def engine_calls(monkeypatch):
    """The arguments with which the worker loads engines, and the shapes of their inputs; the engines are real."""
    calls, real = [], worker.load_engine

    def load(name, model, threads, **options):
        loaded = real(name, model, threads, **options)
        calls.append({"name": name, "threads": threads, "options": options, "shapes": [], "engine": loaded})
        run, shapes = loaded.run, calls[-1]["shapes"]
        loaded.run = lambda image: shapes.append(image.shape) or run(image)
        return loaded

    monkeypatch.setattr(worker, "load_engine", load)
    return calls


def test_threads_and_options_reach_the_engine_that_is_measured(shipped, engine, engine_calls):
    (option,) = ENGINES[engine].options
    for value in (True, False):
        worker._inference_run(int8(shipped, engine, threads=2, options={option: value}))
        call = engine_calls[-1]
        assert (call["name"], call["threads"], call["options"]) == (engine, 2, {option: value})


def test_each_run_is_one_image_or_a_batch_for_an_onnx_file(shipped, engine, engine_calls):
    run_once, _, version = worker._inference_run(int8(shipped, engine))
    run_once()
    assert version == engine_calls[-1]["engine"].version
    assert engine_calls[-1]["shapes"] == [(1, 28, 28, 1)]
    if ENGINES[engine].format == "onnx":
        shapes = (InputShape("image", (7, 28, 28, 1)),)
        run_once, _, _ = worker._inference_run(int8(shipped, engine, batch=7, shapes=shapes))
        run_once()
        run_once()
        assert engine_calls[-1]["shapes"] == [(7, 28, 28, 1)] * 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process")
@pytest.mark.parametrize("threads", [1, 2])
def test_a_process_is_bound_to_as_many_processors_as_it_has_threads(shipped, engine, threads):
    allowed = sorted(os.sched_getaffinity(0))
    assert measure_isolated(int8(shipped, engine, threads=threads)).cpus == tuple(allowed[-threads:])


def processors(monkeypatch, *, refuse=False):
    """A machine of four processors, in place of this one."""
    bound = {0, 1, 2, 3}

    def bind(pid, cpus):
        if refuse:
            raise OSError
        bound.intersection_update(cpus)

    monkeypatch.setattr(worker, "os", SimpleNamespace(sched_getaffinity=lambda pid: bound, sched_setaffinity=bind))


@pytest.mark.parametrize(
    ("threads", "refuse", "cpus"),
    [(1, False, (3,)), (2, False, (2, 3)), (4, False, (0, 1, 2, 3)), (9, False, (0, 1, 2, 3)), (1, True, (0, 1, 2, 3))],
)
def test_the_last_processors_are_taken_and_what_came_of_it_is_recorded(monkeypatch, threads, refuse, cpus):
    processors(monkeypatch, refuse=refuse)
    assert worker._pin_to_processors(threads) == cpus


def test_a_system_that_cannot_pin_processes_gives_none(monkeypatch):
    monkeypatch.setattr(worker, "os", SimpleNamespace())
    assert worker._pin_to_processors(1) is None


def test_the_clock_is_that_of_the_processor_it_is_bound_to(monkeypatch):
    files = {"/sys/devices/system/cpu/cpu2/cpufreq/scaling_cur_freq": "1500000\n"}
    monkeypatch.setattr(worker, "read_text", files.get)
    assert worker._clock_mhz((2, 3)) == 1500
    assert worker._clock_mhz((3,)) is None
    assert worker._clock_mhz(None) is None


@pytest.mark.usefixtures("stay")
def test_clock_memory_and_preemption_are_recorded_where_the_system_reports_them(shipped, engine, monkeypatch):
    clocks, switches = iter(["1500000", "1400000"]), iter([3, 10])
    monkeypatch.setattr(worker, "_pin_to_processors", lambda threads: (1,))
    status = "Name:\tpython\nVmHWM:\t  61440 kB\nVmRSS:\t  51200 kB\n"
    monkeypatch.setattr(worker, "read_text", lambda path: next(clocks) if path.startswith("/sys") else status)
    usage = lambda who: SimpleNamespace(ru_nivcsw=next(switches))  # noqa: E731
    monkeypatch.setattr(pytest.importorskip("resource"), "getrusage", usage)
    found = worker.measure(int8(shipped, engine), 0, 30)
    assert (found.clock_mhz, found.rss_mb, found.peak_rss_mb, found.preempted) == ((1500, 1400), 50, 60, 7)
    assert gc.isenabled()


@pytest.mark.usefixtures("stay")
def test_a_system_that_reports_nothing_is_measured_anyway(shipped, engine, monkeypatch):
    monkeypatch.setattr(worker, "_pin_to_processors", lambda threads: None)
    monkeypatch.setattr(worker, "read_text", lambda path: None)
    monkeypatch.setattr(worker, "_preempted", lambda: None)
    found = worker.measure(int8(shipped, engine), 0, 30)
    assert (found.cpus, found.clock_mhz, found.rss_mb, found.peak_rss_mb, found.preempted) == (None,) * 5
    assert len(found.total()) == 30


def planted_clock(monkeypatch, step):
    """A clock that goes on by so many seconds whenever it is read."""
    now = [0.0]

    def read():
        now[0] += step
        return now[0]

    monkeypatch.setattr(worker, "time", SimpleNamespace(perf_counter=read, perf_counter_ns=lambda: round(read() * 1e9)))


def window(median):
    return [(median,)] * 20


def test_the_warm_up_ends_when_a_window_is_like_the_one_before(monkeypatch):
    planted_clock(monkeypatch, 0)
    times = iter(window(100) + window(50) + window(47) + window(45) + window(1) * 10)
    assert worker.warm_up(lambda: next(times)) == (80, True)
    times = iter(window(1000) + window(1051) + window(1103) + window(1050))  # 5 % of the one before, not of the later
    assert worker.warm_up(lambda: next(times)) == (60, True)


def test_one_slow_run_does_not_keep_the_warm_up_going(monkeypatch):
    planted_clock(monkeypatch, 0)
    times = iter([*window(100), (100_000,), *window(100)[1:]])
    assert worker.warm_up(lambda: next(times)) == (40, True)


def test_a_warm_up_that_never_settles_ends_in_time_and_is_reported(monkeypatch):
    planted_clock(monkeypatch, 0.5)
    times = iter(time for median in range(100, 10_000, 100) for time in window(median))
    runs, settled = worker.warm_up(lambda: next(times))
    assert not settled
    assert runs == 5 * 20


def test_the_steady_state_has_at_least_the_given_runs(monkeypatch):
    planted_clock(monkeypatch, 0)
    found = worker.measure_steady_state(lambda: (7, 8, 9), 0, 100)
    assert (found.shape, found.dtype) == ((100, 3), np.int64)
    assert found.tolist() == [[7, 8, 9]] * 100
    assert len(worker.measure_steady_state(lambda: (7,), 0, 1)) == 10


def test_the_steady_state_lasts_at_least_the_given_time(monkeypatch):
    planted_clock(monkeypatch, 0.25)
    assert len(worker.measure_steady_state(lambda: (7,), 2.0, 1)) == 80


def test_what_reading_the_clock_takes_is_the_median_between_two_readings(monkeypatch):
    planted_clock(monkeypatch, 40e-9)
    assert worker.timer_overhead() == pytest.approx(40, abs=1)


def test_a_configuration_that_is_none_is_refused(capsys):
    with pytest.raises(BundleError, match="configuration: field 'images' is missing"):
        worker.main([json.dumps({k: v for k, v in to_plain(configuration()).items() if k != "images"}), "0", "1"])
