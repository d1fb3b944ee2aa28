from __future__ import annotations

import os
from dataclasses import replace

import pytest
from machines.recorded import pi
from measured import STEADY, configuration, lone, plant, sample

from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError, ModelRejectedError
from edgedigits.measure import rounds
from edgedigits.measure.rounds import Plan, measure_rounds

pytestmark = pytest.mark.slow

PLAN = Plan(processes=5, seconds=0, runs=20)
A, B, C = (configuration(file=f"{name}.tflite", variant=name) for name in "abc")


def quiet(line):
    pass


def test_every_other_round_goes_the_other_way_about(monkeypatch):
    planted, lines = plant(monkeypatch, lambda config: sample()), []
    found, code = measure_rounds([A, B, C], replace(PLAN, processes=3), lines.append)
    assert [config.file[0] for config in planted.configurations] == list("abccbaabc")
    assert lines[:2] == [f"round 1 of 3: {one.name}" for one in (A, B)]
    assert lines[3] == f"round 2 of 3: {C.name}"
    assert len(lines) == 9
    assert code == 0
    assert [row.configuration for row in found.rows] == [A, B, C]


def test_each_process_gets_the_configuration_and_how_much_to_measure(monkeypatch):
    planted = plant(monkeypatch, lambda config: sample())
    config = replace(A, options={"delegate": False}, threads=4, images="photos")
    found, _ = measure_rounds([config], Plan(5, 0.25, 70), quiet)
    assert planted.configurations == [config] * 5
    assert planted.arguments == [["edgedigits.measure.worker", "0.25", "70"]] * 5
    assert (found.processes, found.seconds, found.runs) == (5, 0.25, 70)


def test_processes_stay_in_the_order_of_the_rounds(monkeypatch):
    medians = iter([1.0, 10.0, 20.0, 2.0, 3.0, 30.0])
    plant(monkeypatch, lambda config: sample(next(medians)))
    found, _ = measure_rounds([A, B], replace(PLAN, processes=3), quiet)
    assert [[process.total()[50] for process in row.processes] for row in found.rows] == [
        [1_000, 2_000, 3_000], [10_000, 20_000, 30_000],
    ]  # fmt: skip
    assert [row.summary.p50_us for row in found.rows] == [2, 20]


def test_what_fails_is_reported_once_with_its_code_and_left_out_later(monkeypatch):
    def measure(config):
        if config == B:
            raise ModelRejectedError("b: litert refuses the file")
        if config == C:
            raise BundleError("c: cannot be read")
        return sample()

    planted = plant(monkeypatch, measure)
    found, code = measure_rounds([A, B, C], PLAN, quiet)
    assert [config.file[0] for config in planted.configurations] == list("abcaaaa")
    assert code == 3
    assert found.complete
    assert [row.error for row in found.rows] == [None, "b: litert refuses the file", "c: cannot be read"]
    assert [len(row.processes) for row in found.rows] == [5, 0, 0]
    assert (found.rows[1].version, found.rows[1].summary, found.rows[1].doubts) == (None, None, ())


def test_what_fails_in_a_later_round_keeps_what_it_had(monkeypatch):
    samples = iter([sample(), sample(), None])

    def measure(config):
        if (found := next(samples)) is None:
            raise ModelRejectedError("died")
        return found

    plant(monkeypatch, measure)
    found, code = measure_rounds([A], PLAN, quiet)
    assert code == 3
    assert (found.rows[0].error, len(found.rows[0].processes)) == ("died", 2)


def test_ctrl_c_gives_what_was_measured_so_far(monkeypatch):
    samples = iter([sample(), sample(), sample(), None])

    def measure(config):
        if (found := next(samples)) is None:
            raise KeyboardInterrupt
        return found

    plant(monkeypatch, measure)
    found, code = measure_rounds([A, B, C], PLAN, quiet)
    assert not found.complete
    assert code == 0
    assert [len(row.processes) for row in found.rows] == [1, 1, 1]
    assert all(row.summary is not None and row.error is None for row in found.rows)


def test_ctrl_c_before_the_first_process_ends_gives_rows_without_figures(monkeypatch):
    def measure(config):
        raise KeyboardInterrupt

    plant(monkeypatch, measure)
    found, _ = measure_rounds([A], PLAN, quiet)
    assert not found.complete
    assert (found.rows[0].summary, found.rows[0].processes, found.rows[0].version) == (None, (), None)


def test_doubts_and_warnings_and_what_is_absent_are_in_the_result(monkeypatch):
    medians = iter([*STEADY[:4], 20.0])
    plant(monkeypatch, lambda config: sample(next(medians)))
    found, _ = measure_rounds([A], PLAN, quiet, pi("pi4", "bookworm").source())
    assert found.machine.board == "Raspberry Pi 4 Model B Rev 1.4"
    assert found.warnings == tuple(found.conditions.warnings())
    assert found.warnings[0].startswith("the governor is ondemand")
    assert found.absent == ("load",)
    assert "medians of its processes differ" in found.rows[0].doubts[0]
    assert (found.withheld, found.recommendation) == (None, None)


def test_an_emulated_board_runs_each_configuration_once_and_its_times_are_withheld(monkeypatch):
    measured = []

    def measure(config):
        measured.append(config)
        if config == B:
            raise ModelRejectedError("refused")
        return sample(version="9.9")

    monkeypatch.setenv("EDGEDIGITS_EMULATED", "1")
    plant(monkeypatch, measure)
    found, code = measure_rounds([A, B], PLAN, quiet, pi("pi4", "bookworm").source())
    assert (measured, found.processes) == ([A, B], 1)
    assert found.withheld == rounds.WITHHELD
    assert found.machine.emulated
    assert found.warnings == ()
    assert [(row.version, row.summary, row.doubts, row.processes) for row in found.rows] == [
        ("9.9", None, (), ()), (None, None, (), ()),
    ]  # fmt: skip
    assert (found.rows[1].error, code) == ("refused", 3)


def test_fresh_processes_measure_each_engine(shipped, engine):
    config = lone(shipped.path / f"small-int8.{ENGINES[engine].format}", engine)
    found, code = measure_rounds([config, replace(config, threads=2)], replace(PLAN, processes=2), quiet)
    assert (code, found.complete) == (0, True)
    assert found.machine.cores >= 1
    for row in found.rows:
        assert [len(process.total()) for process in row.processes] == [20, 20]
        assert row.version == row.processes[0].version
        assert row.summary.runs == 40


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_process_that_dies_takes_no_other_along(tmp_path, monkeypatch):
    reply = 'print(__import__("json").dumps({"result": {}}))'
    (tmp_path / "dies.py").write_text(f"import os, sys\n{reply} if 'b.tflite' in sys.argv[1] else os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])))
    found, code = measure_rounds([A, B], replace(PLAN, worker="dies"), quiet)
    assert code == 3
    assert found.rows[0].error.startswith("a.tflite in litert, 1 thread died of SIGABRT")
    assert found.rows[0].error.endswith("take another engine or variant")
    assert "field 'started' is missing" in found.rows[1].error
