"""The model under LoadGen: its logs are read rightly, and its figures judged against the same calls without it."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.latency import loadgen_logs as logs
from benchmarks.latency.loadgen import BENCHMARK, loadgen_table, verdict
from edgedigits.datasets import load_mnist
from edgedigits.errors import EdgeDigitsError

# As LoadGen 6.0.17 wrote it, without the parameters in the middle.
SINGLE_STREAM = """\
================================================
MLPerf Results Summary
================================================
SUT name : PySUT
Scenario : SingleStream
Mode     : PerformanceOnly
90.0th percentile latency (ns) : 16645
Result is : VALID
  Min duration satisfied : Yes
  Min queries satisfied : Yes
  Early stopping satisfied: Yes
Early Stopping Result:
 * Processed at least 64 queries (169180).
 * Would discard 16630 highest latency queries.
 * Early stopping 90.0th percentile estimate: 16645
 * Early stopping 99.0th percentile estimate: 21412

================================================
Additional Stats
================================================
QPS w/ loadgen overhead         : 56392.67
QPS w/o loadgen overhead        : 60379.18

Min latency (ns)                : 15703
50.00 percentile latency (ns)   : 16294
90.00 percentile latency (ns)   : 16645

================================================
Test Parameters Used
================================================
samples_per_query : 1
target_qps : 50000
min_duration (ms): 3000
qsl_rng_seed : 0
performance_sample_count : 10000

1 warning encountered. See detailed log.

No errors encountered during test.
"""
OFFLINE = """\
SUT name : PySUT
Scenario : Offline
Mode     : PerformanceOnly
Samples per second: 107806
Result is : INVALID
  Min duration satisfied : NO
Recommendations:
 * Increase expected QPS so the loadgen pre-generates a larger (coalesced) query.
"""
# Three samples in the order in which they were asked; nothing was inferred of the last one.
ANSWERS = """\
[
{ "seq_id" : 0, "qsl_idx" : 1, "data" : "0000003E0000603F" },
{ "seq_id" : 1, "qsl_idx" : 0, "data" : "0000803F00000000" },
{ "seq_id" : 2, "qsl_idx" : 2, "data" : "" }
]
"""


def measured(*rounds):
    """What the measuring process finds, with (LoadGen's, direct) 90th percentiles in µs."""
    accuracy = {"right": 9942, "direct_right": 9942, "equal": True, "share": 0.9942, "unanswered": 0}
    return {
        "bundle": 64 * "b", "model": "small int8.tflite", "samples": 10_000, "seconds": 3,
        "versions": {"edgedigits": "0.1.0", "mlcommons-loadgen": "6.0.17"},
        "machine": {"board": None, "cpu": "a processor", "cores": 2, "architecture": "x86_64", "python": "3.11.7"},
        "single_stream": {
            "accuracy": accuracy,
            "rounds": [
                {
                    "summary": {"90.00 percentile latency (ns)": str(1000 * theirs), "Result is": "VALID"},
                    "direct_p50_us": direct - 1, "direct_p90_us": direct, "direct_calls": 1000,
                }
                for theirs, direct in rounds
            ],
        },
        "offline": {
            "accuracy": accuracy, "summary": {"Samples per second": "107806"}, "direct_samples_per_second": 116_103.4
        },
    }  # fmt: skip


def test_the_summary_keeps_results_and_the_parameters_that_matter():
    lines = logs.summary_lines(SINGLE_STREAM)
    assert lines["Scenario"] == "SingleStream"
    assert lines["Mode"] == "PerformanceOnly"
    assert lines["Result is"] == "VALID"
    assert lines["90.00 percentile latency (ns)"] == "16645"
    assert lines["Early stopping 90.0th percentile estimate"] == "16645"
    assert lines["QPS w/o loadgen overhead"] == "60379.18"
    assert lines["Processed queries"] == "169180"
    assert lines["min_duration (ms)"] == "3000"
    assert not {"qsl_rng_seed", "performance_sample_count", "Early Stopping Result"} & lines.keys()


def test_an_offline_summary_tells_samples_a_second_and_why_it_is_not_valid():
    lines = logs.summary_lines(OFFLINE)
    assert (lines["Samples per second"], lines["Result is"]) == ("107806", "INVALID")
    assert lines["Min duration satisfied"] == "NO"


def test_logged_outputs_are_in_the_librarys_order_and_what_was_not_inferred_is_not_right():
    answers = logs.logged_outputs(ANSWERS, 3, 2)
    np.testing.assert_array_equal(answers, np.array([[1, 0], [0.125, 0.875], [np.nan, np.nan]], np.float32))
    assert logs.right_outputs(answers, np.array([0, 1, 0])) == 2
    assert logs.right_outputs(answers, np.array([1, 1, 0])) == 1


def test_a_log_that_misses_a_sample_or_has_one_twice_is_refused():
    with pytest.raises(ValueError, match="each of 4 samples, found 3"):
        logs.logged_outputs(ANSWERS, 4, 2)
    with pytest.raises(ValueError, match="each of 3 samples, found 3"):
        logs.logged_outputs(ANSWERS.replace('"qsl_idx" : 1', '"qsl_idx" : 0'), 3, 2)


@pytest.mark.parametrize(
    ("rounds", "holds"),
    [
        ([(12.4, 10.9)], True),
        ([(14.0, 10.9)], False),  # more than 3 µs
        ([(104.9, 100.0)], True),  # within 5 %
        ([(105.1, 100.0)], False),
        ([(12.0, 11.0), (12.1, 11.0), (99.0, 11.0)], True),  # one disturbed round
        ([(11.0, 14.2)], False),  # too quick is no agreement, either
    ],
)
def test_loadgens_figure_may_be_off_by_a_share_or_by_what_its_binding_costs(rounds, holds):
    told = verdict(measured(*rounds)["single_stream"])
    assert told["holds"] is holds
    assert told["valid"]


def test_the_table_says_both_figures_and_whether_they_agree():
    result = measured((12.4, 10.9))
    table = loadgen_table(result | {"verdict": verdict(result["single_stream"])})
    assert "| SingleStream, `classify` | 99.42 % | 99.42 % | p90 12.40 µs | p90 10.90 µs |" in table
    assert "| Offline, `classify_batch` | 99.42 % | 99.42 % | 107,806 images/s | 116,103 images/s |" in table
    assert "+1.50 µs off the direct one, at most 3.00 µs are allowed: the figures agree" in table
    result = measured((15.4, 10.9))
    assert "THEY DIFFER" in loadgen_table(result | {"verdict": verdict(result["single_stream"])})


def test_loadgen_asks_and_logs_the_same_outputs(tmp_path, capsys):
    if find_spec("mlperf_loadgen") is None:
        pytest.skip("mlcommons-loadgen is not installed here")
    try:
        load_mnist()
    except EdgeDigitsError as error:
        pytest.skip(str(error))
    output, folder = tmp_path / "loadgen.json", tmp_path / "logs"
    BENCHMARK.main(["--smallest", "--logs", str(folder), "-o", str(output)])  # the exit code is about time
    result = json.loads(output.read_text())
    for scenario in ("single_stream", "offline"):
        accuracy = result[scenario]["accuracy"]
        assert accuracy["equal"]
        assert accuracy["share"] > 0.98
    assert (folder / "single-stream-accuracy" / "mlperf_log_accuracy.json").is_file()
    assert (folder / "offline-performance" / "mlperf_log_summary.txt").is_file()
    assert len(result["single_stream"]["rounds"]) == 1
    assert "| SingleStream, `classify` |" in capsys.readouterr().out
