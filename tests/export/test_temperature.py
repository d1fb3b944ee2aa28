from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edgedigits_export.keras_model.temperature import LARGEST_ERROR, fit_temperature


def logits(count: int, seed: int = 0, classes: int = 10) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 2, (count, classes)).astype(np.float32)


def drawn(scores: NDArray[np.float32], seed: int = 1) -> NDArray[np.int64]:
    """Labels as often as the scores' softmax says."""
    shares = np.exp(scores.astype(np.float64))
    edges = np.cumsum(shares / shares.sum(axis=1, keepdims=True), axis=1)[:, :-1]
    found: NDArray[np.int64] = (np.random.default_rng(seed).random((len(scores), 1)) > edges).sum(axis=1)
    return found


@pytest.mark.parametrize("factor", [0.2, 1.0, 2.5, 8.0])
def test_the_factor_that_honest_scores_were_multiplied_by_comes_out(factor: float) -> None:
    scores = logits(20_000)
    fit = fit_temperature(np.float32(factor) * scores, drawn(scores))
    assert fit.why_not is None
    assert fit.temperature == pytest.approx(factor, rel=0.03)


@given(st.floats(0.3, 3), st.integers(0, 5))
def test_scores_of_another_scale_give_the_temperature_of_that_scale(factor: float, seed: int) -> None:
    scores = logits(300, seed)
    labels = drawn(scores)
    once, scaled = fit_temperature(scores, labels), fit_temperature(np.float32(factor) * scores, labels)
    assert scaled.temperature == pytest.approx(factor * once.temperature, rel=2e-3)  # of its four digits


@given(st.integers(0, 20), st.floats(-3, 3))
def test_no_other_temperature_makes_the_labels_likelier(seed: int, exponent: float) -> None:
    scores = 3 * logits(300, seed)
    labels = drawn(scores / 3)
    best = fit_temperature(scores, labels).temperature

    def nll(temperature: float) -> float:
        values = scores.astype(np.float64) / temperature
        return float((np.log(np.exp(values).sum(axis=1)) - values[np.arange(len(labels)), labels]).mean())

    assert nll(best) <= nll(float(np.exp(exponent))) + 1e-6


def test_it_has_four_digits_so_that_the_last_bit_decides_nothing() -> None:
    scores = logits(1000)
    labels = drawn(scores)
    found = fit_temperature(scores, labels).temperature
    assert found == float(f"{found:.4g}")
    order = np.random.default_rng(2).permutation(len(labels))
    assert fit_temperature(scores[order], labels[order]).temperature == found


def test_too_few_images_say_how_badly_they_tell_it() -> None:
    scores = logits(10)
    fit = fit_temperature(scores, drawn(scores))
    assert fit.temperature == 1
    assert fit.why_not is not None
    assert fit.why_not.startswith("10 validation images determine a temperature within ")
    assert fit.why_not.endswith(f"%, expected within {LARGEST_ERROR:.0%}; give more images")


def test_a_model_that_is_sure_of_every_image_has_no_error_to_tell() -> None:
    scores = 200 * np.eye(10, dtype=np.float32)[np.arange(100) % 10]
    why = "100 validation images determine no temperature; give more images"
    assert fit_temperature(scores, np.arange(100) % 10).why_not == why


@pytest.mark.slow
def test_the_error_it_claims_is_how_far_fits_scatter() -> None:
    """With as many images as the limit asks for, fits to fresh labels scatter by about the limit."""
    scores = logits(40)
    found = [fit_temperature(scores, drawn(scores, seed)) for seed in range(300)]
    fitted = np.log([fit.temperature for fit in found if fit.why_not is None])
    assert len(fitted) > 250
    assert 0.5 * LARGEST_ERROR < fitted.std() < LARGEST_ERROR


@pytest.mark.parametrize(
    ("right", "why"),
    [
        (True, "are so clear to the model that they set no limit to how sure it may be; give more or harder images"),
        (False, "are likelier by chance than by what the model says; check that images and labels are the model's"),
    ],
    ids=["all right", "labels of another order"],
)
def test_images_that_any_extreme_fits_best_tell_nothing(right: bool, why: str) -> None:
    scores = logits(500)
    labels = scores.argmax(axis=1) if right else (scores.argmin(axis=1))
    fit = fit_temperature(scores, labels)
    assert (fit.temperature, fit.why_not) == (1, f"500 validation images {why}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_told(value: float) -> None:
    scores = logits(50)
    scores[3, 4] = value
    fit = fit_temperature(scores, np.zeros(50, np.int64))
    assert (fit.temperature, fit.why_not) == (1.0, "scores of validation images are not finite")
