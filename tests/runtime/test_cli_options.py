from __future__ import annotations

import json

import pytest

from edgedigits.console.output import Output
from edgedigits.console.tables import table


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_json_cannot_say_is_null_in_what_is_printed_and_stored(value, tmp_path, capsys):
    output = Output(json=True, file=tmp_path / "out.json", overwrite=False)
    output.give({"rows": [{"worst": value, "mean": 1.5}]}, "text")
    told = {"rows": [{"worst": None, "mean": 1.5}]}
    assert json.loads(capsys.readouterr().out, parse_constant=pytest.fail) == told
    assert json.loads(output.file.read_text(), parse_constant=pytest.fail) == told


def test_a_table_lines_up_text_left_and_numbers_right():
    assert table(["file", "µs"], [["a", "9.5"], ["longer", "10.0"]]).splitlines() == [
        "file      µs",
        "------  ----",
        "a        9.5",
        "longer  10.0",
    ]
