"""The last words of commands that judge."""

from __future__ import annotations

import pytest

from edgedigits.console.verdicts import next_step, verdict


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ({"a": "passed", "b": "passed"}, "all passed: as recorded"),
        ({"a": "passed", "b": "failed"}, "FAILED: 1 of 2: b"),
        (dict.fromkeys("abcde", "undecided"), "UNDECIDED: 5 of 5: a, b, c and 2 more"),
        # What is worst comes last.
        ({"a": "failed", "b": "error", "c": "undecided", "d": "passed"},
         "UNDECIDED: 1 of 4: c\nERROR: 1 of 4: b\nFAILED: 1 of 4: a"),
    ],
)  # fmt: skip
def test_the_verdict_names_what_did_not_pass(outcomes: dict[str, str], said: str) -> None:
    assert verdict(outcomes, "as recorded") == said


def test_the_next_command_can_be_copied() -> None:
    assert next_step("edgedigits", "classify", "PICTURE") == "next: edgedigits classify PICTURE"
    assert next_step("edgedigits", "bench", "my bundle") == "next: edgedigits bench 'my bundle'"
