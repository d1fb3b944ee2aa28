"""The tables of `reading`: the worst real set comes first, halves stand side by side, what is not there is named."""

from __future__ import annotations

from copy import deepcopy

import pytest

from benchmarks.accuracy.photograph_tables import cells_table, misplaced_phrase, pages_table, readers_table, worst_table
from benchmarks.accuracy.reading_tables import (
    corrupted_table,
    generated_table,
    headline,
    numbers_table,
    origin,
    print_table,
    real_table,
)


def cells(right: int) -> dict:
    return {
        "photographs": 1, "digits": 20, "right": right, "wrong": 1, "refused": 19 - right, "empty": 61,
        "empty_answered": 2, "grids": 0, "reasons": {},
    }  # fmt: skip


def page(right: int, seconds: float = 1.0) -> dict:
    return {
        "photographs": 1, "digits": 20, "found": 20, "right": right, "empty": 61, "false": 3, "grids": 0,
        "seconds": seconds,
    }  # fmt: skip


def half(classified: int, read: int, peer: int) -> dict:
    return {
        "cells": {"int8": {"inside": cells(classified)}},
        "pages": {"edgedigits": {"int8": page(read)}, "Tesseract": {"mode 6": page(1), "mode 11": page(peer, 3.0)}},
    }  # fmt: skip


def single(right: float, n: int = 100) -> dict:
    return {
        "n": n, "top1": right, "ci95": [right - 0.01, right], "top1_unrejected": right, "rejected": 2,
        "reasons": {"ambiguous": 2},
    }  # fmt: skip


RESULT = {
    "smallest": False,
    "half": "both",
    "split": "test",
    "seed": 2,
    "bundle": "0123456789abcdef",
    "versions": {"numpy": "1.26.4"},
    "machine": {"board": None, "cpu": "A processor", "cores": 2, "python": "3.11.7"},
    "margins": {"inside": -6},
    "photographs": {"printed": {"odd": half(18, 16, 9), "even": half(16, 12, 5)}},
    "readers": {
        "edgedigits": {"version": "0.1.0", "megabytes": 142.4},
        "Tesseract": {"version": "5.3.0", "megabytes": None},
        "RapidOCR": {"skipped": "no network"},
    },
    "real": {
        "scans": {"title": "load_digits", "skipped": "no network"},
        "mnist": {"title": "MNIST", "variants": {"int8": single(0.99)}},
    },
    "generated": {
        "noise": {"title": "noise", "variants": {"int8": {
            "n": 50, "refused": 0.8, "refused_ci95": [0.7, 0.9], "rejected": 40, "reasons": {"no_digit": 40},
        }}},
    },
    "corrupted": {
        kind: {level: {"title": kind, "variants": {"int8": single(right)}} for level, right in levels.items()}
        for kind, levels in {"blur": {"1": 0.9, "2": 0.8}, "noise": {"1": 0.7, "2": 0.4}}.items()
    },
    "pages": {
        "print": {"int8": {"pages": 2, "letters": 2000, "false": 5, "refused": 9}},
        "numbers": {"printed": {"int8": {"pages": 2, "characters": 200, "edits": 5, "faultless": 1}}},
    },
}  # fmt: skip


def row(table: str, start: str) -> list[str]:
    (line,) = (line for line in table.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture
def result() -> dict:
    return deepcopy(RESULT)


def test_the_headline_names_the_worst_real_set_and_the_worst_of_the_other_command(result):
    first, second = headline(result).split("**")[1:]
    assert "40 digits *printed*, in whole photographs, `read` gets 70.0 % right" in first
    assert "`classify` is worst on 40 digits *printed*, cut out of photographs inside: 85.0 %" in second
    result["real"]["mnist"]["variants"]["int8"] = single(0.5)
    assert headline(result).startswith("**On the worst real set, 100 single digits *MNIST*, `classify` gets 50.0 %")


def test_a_generated_set_never_is_the_headline(result):
    result["generated"]["noise"]["variants"]["int8"]["refused"] = 0.0
    assert "noise" not in headline(result)


def test_halves_are_added_up_and_stand_beside_their_sum(result):
    told = row(cells_table(result), "printed | inside | int8")
    assert told[3:5] == ["40", "85.0 %"]
    assert told[6:] == ["90.0 %", "80.0 %", "2", "4", "4 of 122", "0 of 2"]
    del result["photographs"]["printed"]["even"]
    assert row(cells_table(result), "printed | inside | int8")[6:8] == ["90.0 %", "–"]


def test_a_peer_is_shown_with_the_setting_that_reads_most_and_left_out_where_it_was_not_had(result):
    table = pages_table(result)
    assert row(table, "printed | Tesseract")[1:5] == ["Tesseract, mode 11", "2", "40", "35.0 %"]
    assert "RapidOCR" not in table
    programs = readers_table(result)
    assert row(programs, "edgedigits") == ["edgedigits", "0.1.0", "142", "int8 1.00"]
    assert row(programs, "Tesseract") == ["Tesseract", "5.3.0", "–", "mode 6 1.00, mode 11 3.00"]
    assert row(programs, "RapidOCR")[3] == "not had: no network"


def test_without_photographs_the_tables_say_so(result):
    result["photographs"] = {}
    assert all("--photographs" in make(result) for make in (cells_table, pages_table, readers_table))
    assert "`classify` gets 99.0 % right" in headline(result)


def test_real_and_generated_sets_stand_in_tables_of_their_own(result):
    assert row(real_table(result), "MNIST")[2:6] == ["100", "99.00 %", "98.00 % to 99.00 %", "99.00 %"]
    assert row(real_table(result), "load_digits")[6] == "not had: no network"
    assert row(generated_table(result), "noise")[3:] == ["80.00 %", "70.00 % to 90.00 %", "", "no_digit 40"]
    assert "noise" not in real_table(result)


def test_corruptions_have_a_column_for_each_severity_and_a_mean(result):
    assert row(corrupted_table(result), "blur") == ["blur", "90.0 % (2.0 %)", "80.0 % (2.0 %)"]
    assert row(corrupted_table(result), "mean") == ["mean", "80.0 %", "60.0 %"]


def test_pages_have_false_digits_by_letters_and_edits_by_characters(result):
    assert row(print_table(result), "int8")[-1] == "2.50"
    assert row(numbers_table(result), "printed")[4:] == ["5", "2.50 %", "1"]
    result["pages"] = {"skipped": "no packages"}
    assert all("no packages" in make(result) for make in (print_table, numbers_table))


def test_a_result_that_is_not_whole_says_so(result):
    assert origin(result).startswith("Bundle `0123456789ab`")
    assert origin(result | {"half": "odd"}).startswith("Of the photographs only those with odd numbers.")
    assert headline(result | {"smallest": True}).startswith("A smallest run")


def test_the_worst_photographs_come_first_and_a_misplaced_one_is_told():
    result = deepcopy(RESULT)
    told = {"image3.jpg": (20, 19, 1), "image1083.jpg": (20, 0, 41), "image5.jpg": (20, 20, 0)}
    each = {name: dict(zip(("digits", "right", "faults"), counts, strict=True)) for name, counts in told.items()}
    result["photographs"]["printed"] = {"odd": half(18, 16, 9)}
    (odd,) = result["photographs"]["printed"].values()
    odd["cells"]["int8"] = {"with lines": cells(18) | {"each": each}}
    odd["pages"]["edgedigits"]["int8"]["each"] = each
    rows = worst_table(result).splitlines()
    assert rows[2:4] == ["| printed | image1083.jpg | 20 | 41 | 41 |", "| printed | image3.jpg | 20 | 1 | 1 |"]
    told = misplaced_phrase(result)
    assert "Without image1083.jpg" in told
    assert "97.5 % of 40 digits *printed* are right in cells with lines, 97.5 % of 40 in whole" in told
    assert not any("image5" in row for row in rows)
