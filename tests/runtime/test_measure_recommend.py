from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from measured import STEADY, row, times_by

from edgedigits.errors import GateFailedError
from edgedigits.measure.raw_times import pack_times
from edgedigits.measure.recommend import SelectionCriteria, recommend
from edgedigits.measure.summary import summarise

ANY = SelectionCriteria("p50", None, None)


@pytest.fixture
def manifest(shipped):
    """Four files: name, bytes, and what each loses of Keras' accuracy."""
    known = shipped.manifest
    keras = known.reference.accuracy._replace(top1=0.99)
    files = tuple(
        known.files[0]._replace(path=path, bytes=count, accuracy=keras._replace(top1=0.99 - drop / 100))
        for path, count, drop in (
            ("float.tflite", 200_000, 0.0), ("int8.tflite", 60_000, 0.1), ("tiny.tflite", 20_000, 1.5),
            ("twin.tflite", 50_000, 0.1),
        )
    )  # fmt: skip
    return known._replace(files=files, reference=known.reference._replace(accuracy=keras))


def measured(manifest, file, factor, threads=1):
    """A row of one of the manifest's files, which takes so many times ten µs."""
    (count,) = [one.bytes for one in manifest.files if one.path == file]
    return row(times_by(factor), file=file, variant=file, bytes=count, threads=threads)


def chosen(manifest, *rows, criteria=ANY):
    return recommend([measured(manifest, *one) for one in rows], manifest, criteria)


def test_the_fastest_wins_and_the_next_one_is_named(manifest):
    found = chosen(manifest, ("float.tflite", 3), ("int8.tflite", 1), ("tiny.tflite", 2))
    assert [(one.file, one.figure_us) for one in found.candidates] == [
        ("int8.tflite", pytest.approx(10, rel=0.01)), ("tiny.tflite", pytest.approx(20, rel=0.01)),
        ("float.tflite", pytest.approx(30, rel=0.01)),
    ]  # fmt: skip
    assert found.best == found.candidates[0]
    assert (found.best.engine, found.best.threads, found.best.bytes) == ("litert", 1, 60_000)
    assert found.best.drop == pytest.approx(0.1)
    assert found.best.ci95_us[0] <= found.best.figure_us <= found.best.ci95_us[1]
    assert found.why.startswith("its p50 is 10.0 µs (95 % interval ")
    assert "the next one is tiny.tflite in litert, 1 thread with 20.0 µs" in found.why
    assert found.why.endswith("it loses 0.10 points of accuracy against Keras and has 60.0 KB")


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        (("tiny.tflite", 1.001, 1), ("float.tflite", 1, 2), "(more threads)"),
        (("float.tflite", 1.001, 1), ("int8.tflite", 1, 1), "(loses more accuracy)"),
        (("twin.tflite", 1.001, 1), ("int8.tflite", 1, 1), "(a larger file)"),
    ],
)
def test_of_those_that_are_not_measurably_slower_the_cheapest_wins(manifest, better, worse, reason):
    for rows in ([better, worse], [worse, better]):
        found = chosen(manifest, *rows)
        assert (found.best.file, found.best.threads) == (better[0], better[2])
        assert reason in found.why
        assert f"{worse[0]} in litert, {worse[2]} thread{'s' if worse[2] > 1 else ''} {reason}" in found.why


def test_fewer_threads_come_before_a_smaller_drop_and_that_before_a_smaller_file(manifest):
    rows = [("float.tflite", 1, 2), ("tiny.tflite", 1, 1), ("int8.tflite", 1, 1), ("twin.tflite", 1, 2)]
    assert chosen(manifest, *rows).best.file == "int8.tflite"


def test_a_configuration_that_crashed_later_is_never_shipped(manifest):
    crashed = replace(measured(manifest, "int8.tflite", 1), error="died of SIGILL")
    with pytest.raises(GateFailedError, match="nothing was measured"):
        recommend([crashed], manifest, ANY)


def test_what_is_slower_beyond_doubt_is_not_chosen_for_its_size(manifest):
    assert chosen(manifest, ("int8.tflite", 1), ("twin.tflite", 1.1)).best.file == "int8.tflite"


def test_a_file_that_loses_too_much_is_out_with_its_reason(manifest):
    rows = [("tiny.tflite", 1), ("int8.tflite", 2), ("float.tflite", 3)]
    found = chosen(manifest, *rows, criteria=SelectionCriteria("p50", 0.1, None))
    assert found.best.file == "int8.tflite"  # exactly at the limit
    assert [one.against for one in found.candidates] == [
        "loses 1.50 points of accuracy, at most 0.1 are allowed", None, None,
    ]  # fmt: skip
    assert "tiny.tflite" not in found.why
    assert chosen(manifest, *rows, criteria=SelectionCriteria("p50", 0, None)).best.file == "float.tflite"


def test_a_file_that_is_too_large_is_out_with_its_reason(manifest):
    rows = [("float.tflite", 1), ("int8.tflite", 2), ("twin.tflite", 3)]
    found = chosen(manifest, *rows, criteria=SelectionCriteria("p50", None, 60_000))
    assert (found.best.file, found.candidates[0].against) == ("int8.tflite", "has 200.0 KB, at most 60 are allowed")
    assert chosen(manifest, *rows, criteria=SelectionCriteria("p50", None, 59_999)).best.file == "twin.tflite"


def test_where_nothing_is_left_each_file_has_its_reason(manifest):
    with pytest.raises(GateFailedError) as caught:
        chosen(manifest, ("tiny.tflite", 1), ("float.tflite", 2), criteria=SelectionCriteria("p50", 1, 100_000))
    assert str(caught.value) == (
        "recommend: no configuration of this bundle meets the limits ("
        "tiny.tflite in litert, 1 thread: loses 1.50 points of accuracy, at most 1 are allowed; "
        "float.tflite in litert, 1 thread: has 200.0 KB, at most 100 are allowed); relax them, or export other variants"
    )
    with pytest.raises(GateFailedError, match=r"loses 1.50 .* are allowed; has 20.0 KB"):
        chosen(manifest, ("tiny.tflite", 1), criteria=SelectionCriteria("p50", 1, 10_000))
    with pytest.raises(GateFailedError, match="nothing was measured"):
        recommend([row((), file="int8.tflite")], manifest, ANY)


@pytest.mark.parametrize(
    ("objective", "file"), [("p50", "int8.tflite"), ("p90", "float.tflite"), ("p99", "float.tflite")]
)
def test_the_objective_decides_which_is_fastest(manifest, objective, file):
    # The int8 row is fast in the middle, but one run in eight takes ten times as long.
    rows = []
    for name, slow in (("int8.tflite", 100_000), ("float.tflite", 13_000)):
        base = measured(manifest, name, 1)
        times = np.full(104, 10_000 if name == "int8.tflite" else 12_000)
        times[::8] = slow
        processes = tuple(replace(one, times={"infer": pack_times(times)}) for one in base.processes)
        rows.append(replace(base, processes=processes, summary=summarise(processes, 1)))
    found = recommend(rows, manifest, SelectionCriteria(objective, None, None))
    assert found.best.file == file
    assert found.why.startswith(f"its {objective} is ")


def test_intervals_are_over_processes(manifest):
    (found,) = chosen(manifest, ("int8.tflite", 1)).candidates
    assert min(STEADY) <= found.ci95_us[0] < found.ci95_us[1] <= max(STEADY)
