"""Published figures come from one machine and one bundle, or say otherwise."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from benchmarks.harness.benchmark import RESULTS, read_result
from benchmarks.publish.figures import STEPS
from benchmarks.publish.origins import Origin, apart_phrase
from benchmarks.publish.readme import sections

pytestmark = pytest.mark.slow


def machine(cpu: str) -> dict[str, object]:
    return {"board": None, "cpu": cpu, "cores": 2, "python": "3.11.7"}


FIGURES = {"machine": machine("A"), "shipped": {"small": "aa" * 32}, "exported": {"small": "bb" * 32}}


def test_machines_and_bundles_are_found_wherever_a_result_has_them():
    found = Origin.of(
        {"rows": [{"configuration": {"bundle": "aa" * 32}}], "of": {"machine": machine("A")}},
        {"machine": machine("B"), "lies": [{"bundle": "silently-wrong"}], "members": {"tiny": "cc" * 32}},
    )
    assert found.machines == {"A, 2 cores, Python 3.11.7", "B, 2 cores, Python 3.11.7"}
    assert found.bundles == {"aa" * 32, "cc" * 32}


@pytest.mark.parametrize("bundle", ["aa" * 32, "bb" * 32])
def test_nothing_is_said_of_what_was_measured_together(bundle):
    assert apart_phrase(FIGURES, [{"machine": machine("A"), "bundle": bundle}]) == ""


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ({"machine": machine("B"), "bundle": "aa" * 32}, "on B, 2 cores, Python 3.11.7.*"),
        ({"machine": machine("A"), "bundle": "dd" * 32}, "with bundle `dddddddddddd`.*"),
    ],
)
def test_what_was_measured_on_another_machine_or_with_another_bundle_says_so(result, told):
    assert apart_phrase(FIGURES, [result]).endswith(told)


def test_all_that_make_figures_measures_has_its_machine_and_its_bundles():
    figures = read_result("figures")
    assert set(figures["seconds"]) == set(STEPS)
    measured = [read_result(name) for name in STEPS if (RESULTS / f"{name}.json").exists()]
    assert Origin.of(*measured).within(Origin.of(figures))


def test_tables_of_one_page_name_one_machine_and_one_bundle_or_say_otherwise():
    known = {one[:12] for one in Origin.of(read_result("figures")).bundles}
    named = defaultdict(set)
    for section in sections():
        if "Measured apart" not in section.table:
            ids = set(re.findall(r"[Bb]undle `([0-9a-f]{12})`", section.table))
            assert ids <= known, section.mark
            named[section.page] |= Origin.of(*map(read_result, section.results)).machines
    assert all(len(machines) <= 1 for machines in named.values()), named
