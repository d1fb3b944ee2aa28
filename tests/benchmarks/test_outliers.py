"""What is no digit: scores are what their names say, counts are of what was seen, and the table tells its shares."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(not (ROOT / "models").is_dir(), reason="the wheel alone has no models")

# Of eleven classes: a certain 3, a tie of 3 and 5, the background.
LOGITS = np.full((3, 11), -50.0)
LOGITS[0, 3] = LOGITS[1, 3] = LOGITS[1, 5] = LOGITS[2, 10] = 2.0


@pytest.fixture
def evidence(script) -> ModuleType:
    return script("models/evidence")


def test_auroc_counts_pairs_and_half_of_the_ties(evidence):
    # 3 beats both; 2 beats 1 and ties with 2: three and a half of four pairs.
    assert evidence.auroc(np.array([3.0, 2.0]), np.array([2.0, 1.0])) == 0.875
    assert evidence.auroc(np.array([1.0]), np.array([2.0, 3.0])) == 0.0


def test_energy_is_what_the_paper_says_and_large_logits_do_not_overflow(evidence):
    logits = np.random.default_rng(0).normal(0, 3, (20, 10))
    np.testing.assert_allclose(evidence.energy(logits), -np.log(np.exp(logits).sum(axis=1)), rtol=1e-12)
    np.testing.assert_allclose(evidence.energy(logits + 1e4), evidence.energy(logits) - 1e4, rtol=1e-12)


def test_confidence_and_margin_are_of_the_ten_digits_and_foreground_is_what_they_share(evidence):
    np.testing.assert_allclose(evidence.confidence(LOGITS), [1, 0.5, 0], atol=1e-12)
    np.testing.assert_allclose(evidence.margin(LOGITS), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(evidence.foreground(LOGITS), [1, 1, 0], atol=1e-12)


@pytest.mark.parametrize("name", ["exposure", "background", "plain"])
def test_every_score_prefers_a_certain_digit_to_an_uncertain_one(evidence, name):
    logits = np.zeros((2, 11 if name == "background" else 10))
    logits[0, 3] = 9.0
    for score in evidence.SCORES[name].values():
        certain, unsure = score(logits)
        assert certain > unsure


def test_wrong_answers_set_no_threshold_and_what_is_no_digit_is_counted_by_kind(script):
    pytest.importorskip("edgedigits_export")
    outliers = script("models/outliers")
    certain, wrong = 9 * np.eye(10)[[3, 3, 3, 3]], 9 * np.eye(10)[[4]]
    noise = np.vstack([20 * np.eye(10)[[0]], np.zeros((2, 10))])
    kinds = np.array(["arrays"] * 5 + ["stripes", "stripes", "plain"])
    groups = np.array(["arrays"] * 5 + ["noise"] * 3)
    labels = np.array([3] * 5 + [-1] * 3)
    seen = outliers.Seen(np.zeros((8, 28, 28, 1), np.uint8), labels, groups, kinds)
    told = outliers.measure("exposure", np.vstack([certain, wrong, noise]), seen, None)
    assert told["right"] == {"arrays": {"arrays": 4}}
    assert told["judged"] == {"arrays": {"arrays": 4}, "noise": {"stripes": 1}}
    assert told["today"] == 1.0
    for score in told["scores"].values():
        assert score["alone"]["0.99"] == score["behind"]["0.99"] == told["judged"]
        assert score["auroc"]["noise"] == pytest.approx(2 / 3)


def tally(arrays: int, paper: int, noise: int, other: int) -> dict[str, Any]:
    groups = {"arrays": arrays, "paper": paper, "letters": other, "unseen letters": other, "outliers": other}
    return {"noise": {"one_over_f": noise}, **{group: {group: count} for group, count in groups.items()}}


def run(network: str, scores: tuple[str, ...], seed: int, accepted: int) -> dict[str, Any]:
    at = {"0.99": tally(99, 49, accepted, accepted), "0.995": tally(99, 50, accepted + 1, accepted + 1)}
    auroc = dict.fromkeys(("noise", "letters", "unseen letters", "outliers", "unchecked"), 0.9 + seed / 100)
    told = {"auroc": auroc, "alone": {**at, "today": tally(98, 49, accepted, 3)}, "behind": at}
    judged, right = tally(98, 48, 8, 8), {"arrays": {"arrays": 99}, "paper": {"paper": 50}}
    return {"network": network, "seed": seed, "today": 0.98, "right": right, "judged": judged,
            "scores": dict.fromkeys(scores, told)}  # fmt: skip


def test_the_table_tells_shares_of_what_was_fed_and_means_of_the_seeds(script):
    fed = tally(100, 50, 20, 20) | {"unchecked": {"one_over_f": 4000}}
    runs = [run("exposure", ("confidence", "energy"), seed, 2 + 2 * seed) for seed in (0, 1)]
    runs += [run("background", ("foreground",), seed, 1) for seed in (0, 1)]
    parameters = {"confidence": 0.55, "margin": 0.2}
    result = {"epochs": 8, "seed": 1, "parameters": parameters, "fed": fed, "runs": runs}
    told = script("benchmarks/outliers_table").outliers_table(result)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in told.splitlines() if line.startswith("|")]
    # Of 20, three and four are accepted on average over the seeds; noise unchecked was never.
    assert rows[3] == ["unsure of outliers", "energy", "0.9050", *["15.0 % / 20.0 %"] * 4, "0.0 % / 0.0 %"]
    beside = next(row for row in rows if row[:2] == ["unsure of outliers", "energy"] and len(row) == 9)
    # 98 of 99 rightly answered, and behind confidence and margin three of eight pass.
    assert beside[2:] == ["98.99 %", "98.00 %", "15.0 %", *["15.0 %"] * 3, "62.5 %"]
    assert rows[-1] == ["one over f", "4,000", "20", "8.0", "3.0", "8.0", "1.0"]
    assert "means of seeds 0, 1; pictures of seed 1" in told
