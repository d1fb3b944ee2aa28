"""The rule that judges answers is fitted to what both networks say of drawn pictures."""

from __future__ import annotations

import numpy as np

from edgedigits.images.judge import PARAMETERS, evidence, fuse, judge
from models.judge import Sample, fit, logistic


def test_logistic_regression_finds_the_weights_that_made_the_data() -> None:
    rng = np.random.default_rng(1)
    features = np.concatenate([np.ones((20_000, 1)), rng.normal(0, 2, (20_000, 2))], axis=1)
    true = np.array([-1.0, 0.8, 0.3])
    wanted = (rng.random(20_000) < 1 / (1 + np.exp(-features @ true))).astype(float)
    np.testing.assert_allclose(logistic(features, wanted), true, atol=0.1)


def opinion(digit: int, sure: float) -> np.ndarray:
    scores = np.full(10, (1 - sure) / 9, np.float32)
    scores[digit] = sure
    return scores


def test_a_rule_that_was_fitted_answers_what_was_right_and_refuses_what_was_not() -> None:
    rng = np.random.default_rng(2)
    samples = []
    for _ in range(2_000):
        digit, is_digit = int(rng.integers(10)), rng.random() < 0.5
        sure, found = (rng.uniform(0.9, 1), rng.uniform(0.6, 1)) if is_digit else rng.uniform((0.2, 0), (0.95, 0.5))
        both = opinion(digit, sure)
        samples.append(Sample(both, both, float(found), digit if is_digit else -1))
    rule = fit(samples)
    assert set(rule) == set(PARAMETERS)
    told = [judge(fuse(one.classified, one.located, rule), one.found, rule) is None for one in samples]
    assert np.mean(np.array(told) == np.array([one.truth >= 0 for one in samples])) > 0.95
    assert evidence(0.9, 0.99, rule) > 0 > evidence(0.1, 0.99, rule)
    assert evidence(0.9, 0.9, rule) > evidence(0.9, 0.2, rule)
