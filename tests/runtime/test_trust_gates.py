from __future__ import annotations

from dataclasses import replace

import pytest

from edgedigits.manifest import PRECISIONS, Accuracy
from edgedigits.trust.compare import Comparison
from edgedigits.trust.gates import GATES, failures

GOOD = Comparison(Accuracy(10, 10, 1.0, (0.7, 1.0)), 1.0, 1.0, (), 0.0, 0.0, 0.0)
LITTLE = 1e-7
DIFFERENCES = {"float32": 1e-5, "float16": 1e-2}
AGREEMENTS = {"float32": 1.0, "float16": 0.9995, "dynamic-int8": 0.997, "int8": 0.997, "int16x8": 0.997}
DROPS = {"float32": 0.0, "float16": 0.05, "dynamic-int8": 0.2, "int8": 0.2, "int16x8": 0.2}


def test_every_precision_has_its_gate_and_its_reason():
    assert tuple(GATES) == PRECISIONS
    assert all(len(gate.reason) > 20 for gate in GATES.values())


@pytest.mark.parametrize("precision", PRECISIONS)
def test_what_is_at_its_limits_passes(precision):
    limits = replace(
        GOOD, max_abs_difference=DIFFERENCES.get(precision, 1.0), agreement_beyond_ties=AGREEMENTS[precision],
        drop=DROPS[precision],
    )  # fmt: skip
    assert failures(precision, limits) == []
    assert failures(precision, replace(GOOD, drop=-5.0)) == []


@pytest.mark.parametrize("precision", DIFFERENCES)
def test_a_probability_just_beyond_the_limit_fails(precision):
    limit = DIFFERENCES[precision]
    assert failures(precision, replace(GOOD, max_abs_difference=limit * 1.01)) == [
        f"max |difference| {limit * 1.01:.2g} > {limit:g}"
    ]


@pytest.mark.parametrize("precision", DIFFERENCES)
def test_a_difference_that_is_no_number_fails(precision):
    assert len(failures(precision, replace(GOOD, max_abs_difference=float("nan")))) == 1


@pytest.mark.parametrize("precision", PRECISIONS)
def test_an_agreement_just_below_the_limit_fails(precision):
    limit = AGREEMENTS[precision]
    assert failures(precision, replace(GOOD, agreement_beyond_ties=limit - LITTLE)) == [
        f"agreement {limit - LITTLE:.4%} < {limit:.4%}"
    ]
    # Flips between equal classes do not count.
    assert failures(precision, replace(GOOD, agreement=0.0)) == []


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_drop_just_beyond_the_limit_fails(precision):
    limit = DROPS[precision]
    assert failures(precision, replace(GOOD, drop=limit + LITTLE)) == [
        f"accuracy falls by {limit + LITTLE:.3f} > {limit:g} percentage points"
    ]


def test_the_last_bit_of_a_division_does_not_fail_a_gate():
    drop = 100 * 2 / 1000 + 3e-16
    assert drop > 0.2
    assert failures("int8", replace(GOOD, drop=drop)) == []
    assert failures("int8", replace(GOOD, drop=0.2 + 2e-9)) != []


def test_all_that_is_wrong_is_told_together():
    bad = replace(GOOD, max_abs_difference=1.0, agreement_beyond_ties=0.5, drop=50.0)
    assert len(failures("float16", bad)) == 3
    assert len(failures("int8", bad)) == 2
