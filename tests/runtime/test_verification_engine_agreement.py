"""How the outputs of two engines are compared where nobody knows the right ones."""

from __future__ import annotations

import numpy as np
import pytest

from edgedigits.errors import ModelRejectedError
from edgedigits.manifest import TensorInfo
from edgedigits.verification import engine_agreement
from edgedigits.verification.engine_agreement import _compare, _why_alone, compare_engines
from edgedigits.verification.random_runs import RandomRun


def compared(first, second, dtype="float32", scale=None, zero_point=None):
    """The one row for an output that has these values, one array a seed, in two engines."""
    info = TensorInfo("y", dtype, (), scale, zero_point)
    one, two = ([np.asarray(value, dtype) for value in values] for values in (first, second))
    (row,) = _compare([one], RandomRun("second", "1", (), (info,)), [two])
    assert (row.output, row.engine) == ("y", "second")
    return row


def test_floats_may_differ_by_a_twentieth_of_the_largest_value_in_either_engine():
    near, far = compared([[[1.0, 10.0]]], [[[1.4, 10.0]]]), compared([[[1.0, 10.0]]], [[[1.6, 10.0]]])
    assert (near.max_abs_difference, near.tolerance) == pytest.approx((0.4, 0.5))
    assert (near.passed, far.passed) == (True, False)
    assert compared([[0.0]], [[100.0]]).tolerance == 5


def test_the_largest_values_of_all_inputs_count():
    row = compared([[0.0], [100.0]], [[1.0], [97.0]])
    assert (row.max_abs_difference, row.tolerance, row.passed) == (3, 5, True)


def test_where_all_values_are_small_a_thousandth_is_allowed():
    assert compared([[2e-8]], [[3e-4]]).passed
    assert not compared([[2e-8]], [[1.1e-3]]).passed


@pytest.mark.parametrize(("step", "passed"), [(1, True), (2, True), (3, False)])
def test_quantized_values_may_be_two_steps_apart(step, passed):
    row = compared([[10]], [[10 + step]], "uint8", 0.25, 8)
    assert (row.max_abs_difference, row.tolerance, row.passed) == (step * 0.25, 0.5, passed)


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint8"])
def test_whole_numbers_have_to_be_equal(dtype):
    same, other = compared([[0, 1]], [[0, 1]], dtype), compared([[0, 1]], [[1, 1]], dtype)
    assert (same.passed, same.tolerance, same.same_largest) == (True, 0, None)
    assert (other.passed, other.max_abs_difference) == (False, 1)


@pytest.mark.parametrize("second", [[[1.0, 2.0, 3.0]], [[1.0, np.nan]], [[np.inf, 2.0]]])
def test_other_shapes_and_numbers_that_only_one_has_are_no_agreement(second):
    row = compared([[1.0, 2.0]], second)
    assert (row.max_abs_difference, row.passed) == (None, False)


def test_what_is_no_number_in_both_is_left_out():
    row = compared([[np.nan, 1.0]], [[np.nan, 1.0]])
    assert (row.max_abs_difference, row.passed) == (0, True)
    assert compared([[]], [[]]).passed


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ([[[0.1, 0.9]], [[0.8, 0.2]]], [[[0.2, 0.8]], [[0.9, 0.1]]], 2),
        ([[[0.51, 0.49]], [[0.8, 0.2]]], [[[0.49, 0.51]], [[0.9, 0.1]]], 1),
        ([[0.1, 0.9]], [[0.2, 0.8]], 1),
        ([[[0.5]]], [[[0.5]]], None),  # one number
        ([np.ones((3, 4))], [np.ones((3, 4))], None),  # a map
        ([0.5], [0.5], None),
    ],
)
def test_the_largest_value_is_looked_for_in_vectors(first, second, same):
    assert compared(first, second).same_largest == same


def test_nothing_to_compare_with_has_its_reason(monkeypatch):
    monkeypatch.setattr(engine_agreement, "installed_engines", lambda: ["litert"])
    assert _why_alone("tflite", ["litert"]).startswith(
        "nothing to compare with: tflite-runtime is not installed; install it with: pip install "
    )
    monkeypatch.setattr(engine_agreement, "installed_engines", lambda: ["litert", "tflite-runtime"])
    assert _why_alone("tflite", ["litert"]).endswith("one engine was asked for; leave --engine out")
    assert _why_alone("onnx", ["onnxruntime"]).endswith("no other engine reads .onnx files")
    assert _why_alone("tflite", ["litert", "tflite-runtime"]) == (
        "nothing to compare: of litert and tflite-runtime fewer than two run the file"
    )


def test_engines_that_refuse_the_file_make_the_verdict_unknown(monkeypatch, shipped):
    from edgedigits.model import lone_model

    def refuse(path, engine, *_):
        raise ModelRejectedError(f"{engine} refuses it")

    monkeypatch.setattr(engine_agreement, "run_on_random_inputs", refuse)
    path = shipped.path / "small-int8.tflite"
    found = compare_engines(path, lone_model(path), ["litert", "tflite-runtime"], {})
    assert (found.verdict, found.exit_code, found.shapes, found.outputs) == ("unknown", 3, (), ())
    assert [run.error for run in found.engines] == ["litert refuses it", "tflite-runtime refuses it"]
