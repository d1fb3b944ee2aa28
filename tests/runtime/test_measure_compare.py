from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured import STEADY, result, row, times_by

from edgedigits.errors import MeasurementError, UsageError
from edgedigits.input_shapes import InputShape
from edgedigits.measure.compare import DRIFT, compare_results, compare_rows

# Processes of a machine that is not at its best.
MEDIANS = st.lists(st.floats(50, 100), min_size=8, max_size=12)


def one(old, new, **options):
    (change,) = compare_results(old, new, **options)
    return change


@pytest.mark.slow
@given(MEDIANS)
def test_a_measurement_against_itself_is_never_a_change(medians):
    change = one(result(row(medians)), result(row(medians)))
    assert change.verdict == "no difference seen"
    assert (change.ratio, change.old_us) == (1, change.new_us)


@pytest.mark.slow
@given(MEDIANS)
def test_a_row_against_itself_in_the_same_rounds_has_no_difference_at_all(medians):
    (change,) = compare_rows(result(row(medians), row(medians, threads=2)))
    assert (change.ratio, change.ratio_ci99, change.verdict) == (1, (1, 1), "no difference seen")


@pytest.mark.slow
@given(st.lists(st.floats(90, 100), min_size=8, max_size=12))
def test_half_as_long_again_is_slower_and_the_other_way_about_faster(medians):
    before, after = result(row(medians)), result(row(times_by(1.5, medians)))
    slower, faster = one(before, after), one(after, before)
    assert (slower.verdict, faster.verdict) == ("slower", "faster")
    assert slower.ratio == pytest.approx(1.5, rel=1e-3)
    assert faster.ratio == pytest.approx(1 / slower.ratio)
    assert slower.ratio_ci99[0] <= slower.ratio <= slower.ratio_ci99[1]
    for end, other in zip(slower.ratio_ci99, reversed(faster.ratio_ci99), strict=True):
        assert end == pytest.approx(1 / other, rel=0.03)  # resampled otherwise


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.1, "slower"), (0.9, "faster"), (1.01, "no difference seen"), (0.99, "no difference seen")],
)
def test_what_two_runs_differ_by_anyway_is_no_change(factor, verdict):
    change = one(result(), result(row(times_by(factor))))
    assert change.verdict == verdict
    assert not change.interleaved


def test_in_the_same_rounds_a_difference_of_one_percent_is_seen():
    rising = [10 * 1.05**index for index in range(10)]  # the whole machine slows down meanwhile
    (change,) = compare_rows(result(row(rising), row(times_by(1.01, rising), threads=2)))
    assert (change.verdict, change.interleaved) == ("slower", True)
    assert change.ratio == pytest.approx(1.01, rel=1e-3)
    independent = one(result(row(rising)), result(row(times_by(1.01, rising))))
    assert independent.verdict == "no difference seen"
    assert np.ptp(change.ratio_ci99) < 0.01
    assert np.ptp(independent.ratio_ci99) > 0.2


def test_two_runs_without_any_spread_still_may_differ_by_what_runs_differ_in():
    change = one(result(row([10.0] * 10)), result(row([12.0] * 10)))
    assert change.ratio_ci99 == pytest.approx((1.2 * (1 - DRIFT), 1.2 * (1 + DRIFT)))


def test_times_that_are_longer_by_a_factor_have_the_same_ratios():
    base = one(result(), result(row(times_by(1.2))))
    tenfold = one(result(row(times_by(10))), result(row(times_by(12))))
    assert tenfold.ratio_ci99 == pytest.approx(base.ratio_ci99, rel=1e-3)
    assert tenfold.old_us == pytest.approx(10 * base.old_us)


def test_rows_are_paired_by_variant_and_setting():
    old = result(row(), row(threads=2), row(variant="float32.tflite", file="small-float32.tflite"))
    new = result(
        row(times_by(2), variant="float32.tflite", file="small-float32.tflite"), row(times_by(3)), row(threads=4)
    )
    first, second = compare_results(old, new)
    assert (first.new, second.new) == (
        "small-float32.tflite in litert, 1 thread",
        "small-int8.tflite in litert, 1 thread",
    )
    assert (first.ratio, second.ratio) == pytest.approx((2, 3), rel=1e-3)


def test_a_renamed_file_of_the_same_variant_is_the_same_row():
    old, new = row(file="old-int8.tflite"), row(file="new-int8.tflite")
    changes = compare_results(result(old, row(threads=2)), result(new, row(threads=2)))
    assert [(change.old.split(".")[0], change.new.split(".")[0]) for change in changes] == [
        ("old-int8", "new-int8"),
        ("small-int8", "small-int8"),
    ]


def test_single_rows_are_paired_whatever_they_are_called():
    change = one(result(row(variant="a")), result(row(times_by(2), variant="b", threads=2)))
    assert change.ratio == pytest.approx(2, rel=1e-3)
    assert (change.old, change.new) == (
        "small-int8.tflite in litert, 1 thread",
        "small-int8.tflite in litert, 2 threads",
    )


def test_rows_that_failed_are_left_out():
    old = result(row(), row(()))
    assert len(compare_results(old, result(row(threads=2)))) == 1
    assert len(compare_rows(result(row(), row(()), row(threads=2)))) == 1


def test_a_row_that_crashed_later_is_left_out_too():
    crashed = replace(row(engine="tflite-runtime"), error="died of SIGILL")
    changes = compare_results(result(row(), crashed), result(row(), crashed))
    assert [change.new for change in changes] == ["small-int8.tflite in litert, 1 thread"]


def test_files_of_one_name_are_paired_by_their_content():
    both = result(row(sha256="a" * 64), row(times_by(2), sha256="c" * 64))
    assert [(change.ratio, change.verdict) for change in compare_results(both, both)] == 2 * [(1, "no difference seen")]


def test_nothing_in_common_is_refused():
    with pytest.raises(UsageError, match=r"in common, found none: .*1 thread, ... and .*2 threads, ..."):
        compare_results(result(row(), row(variant="x")), result(row(threads=2)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("board", None),
        ("cpu", "Cortex-A76"),
        ("cores", 2),
        ("architecture", "armv7l"),
        ("bits", 32),
        ("emulated", True),
    ],
)
def test_another_machine_is_refused_unless_it_is_meant(name, value):
    old = result()
    new = replace(old, machine=replace(old.machine, **{name: value}))
    with pytest.raises(UsageError, match=rf"expected measurements of one machine, found {name} .* --across machines"):
        compare_results(old, new)
    with pytest.raises(UsageError, match="one machine"):
        compare_results(old, new, ["models"])
    assert one(old, new, across=["machines"]).verdict == "no difference seen"


@pytest.mark.parametrize("name", ["kernel", "python", "system", "libc", "governor"])
def test_a_machine_that_was_updated_is_the_same_machine(name):
    old = result()
    assert one(old, replace(old, machine=replace(old.machine, **{name: "new"})))


def test_another_model_is_refused_unless_it_is_meant():
    new = result(row(sha256="c" * 64))
    with pytest.raises(UsageError) as caught:
        compare_results(result(), new)
    assert str(caught.value) == (
        "small-int8.tflite: expected the same model in both measurements, found SHA-256 aaaaaaaaaaaa and cccccccccccc; "
        "use --across models to compare them anyway"
    )
    with pytest.raises(UsageError, match="the same model"):
        compare_results(result(), new, ["machines"])
    assert one(result(), new, across=["models", "machines"])


def test_inputs_of_other_shapes_are_refused_unless_that_is_meant():
    old, new = (result(row(shapes=(InputShape("image", (1, 3, side, side)),))) for side in (320, 640))
    with pytest.raises(UsageError) as caught:
        compare_results(old, new)
    assert str(caught.value) == (
        "small-int8.tflite: expected inputs of the same shapes in both measurements, found image=1x3x320x320 and "
        "image=1x3x640x640; use --across shapes to compare them anyway"
    )
    with pytest.raises(UsageError, match="the same shapes"):
        compare_results(old, new, ["machines", "models"])
    assert one(old, new, across=["shapes"]).verdict == "no difference seen"
    assert one(old, old)


def test_inference_alone_is_not_compared_with_pictures():
    with pytest.raises(UsageError, match="found image=1x28x28x1 and pictures; use --across shapes"):
        compare_results(result(), result(row(shapes=(), images="photographs")))


@pytest.mark.parametrize("few", [[STEADY[:7], STEADY], [STEADY, STEADY[:7]]])
def test_fewer_than_eight_processes_are_too_few_to_compare(few):
    old, new = (row(medians) for medians in few)
    message = "expected at least 8 processes to compare, found 7; measure with --processes 8 or more"
    with pytest.raises(MeasurementError, match=message):
        compare_results(result(old), result(new))
    with pytest.raises(MeasurementError, match=message):
        compare_rows(result(old, new))
    assert one(result(row(STEADY[:8])), result(row(STEADY[:8])))


def test_a_last_round_that_was_interrupted_is_left_out_of_the_pairs():
    (change,) = compare_rows(result(row([*times_by(1), 500.0]), row(times_by(2), threads=2)))
    assert change.ratio_ci99 == pytest.approx((2, 2), rel=1e-3)


def test_every_row_is_compared_with_the_first_one():
    changes = compare_rows(result(row(), row(times_by(2), threads=2), row(times_by(0.5), threads=4)))
    assert [change.old for change in changes] == ["small-int8.tflite in litert, 1 thread"] * 2
    assert [change.verdict for change in changes] == ["slower", "faster"]


def test_one_row_alone_has_nothing_beside_it():
    with pytest.raises(UsageError, match="two configurations or more to compare with each other, found 1"):
        compare_rows(result())


def test_without_times_there_is_no_verdict():
    with pytest.raises(MeasurementError, match="expected times, found none: emulated"):
        compare_results(result(row(()), withheld="emulated"), result())
    with pytest.raises(MeasurementError, match="expected times, found none: nothing was measured"):
        compare_rows(result(row(())))
