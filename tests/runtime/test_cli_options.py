from __future__ import annotations

import argparse
import json

import pytest

from edgedigits.cli.options import give, table


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_null_in_what_is_printed_and_stored(value, tmp_path, capsys):
    args = argparse.Namespace(json=True, output=tmp_path / "out.json")
    give(args, {"rows": [{"worst": value, "mean": 1.5}]}, "text")
    told = {"rows": [{"worst": None, "mean": 1.5}]}
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == told
    assert json.loads(args.output.read_text(), parse_constant=pytest.fail) == told


def test_a_table_lines_up_text_left_and_numbers_right():
    assert table(["file", "µs"], [["a", "9.5"], ["longer", "10.0"]]).splitlines() == [
        "file      µs",
        "------  ----",
        "a        9.5",
        "longer  10.0",
    ]
