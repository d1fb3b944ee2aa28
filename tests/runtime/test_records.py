from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgedigits.errors import BundleError
from edgedigits.records import Check, Count, FileName, Sha256, from_plain, to_plain


@dataclass(frozen=True)
class Inner:
    name: str
    size: Count


@dataclass(frozen=True)
class Outer:
    text: str
    whole: int
    real: float
    flag: bool
    kind: Literal["a", "b"]
    many: tuple[int, ...]
    pair: tuple[float, str]
    inner: Inner
    inners: tuple[Inner, ...]
    table: dict[str, float]
    perhaps: int | None
    checked: Annotated[str, Check(pattern="^x+$")] | None
    anything: Any


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
INNERS = st.builds(Inner, st.text(), st.integers(0))
OUTERS = st.builds(
    Outer, text=st.text(), whole=st.integers(), real=FLOATS, flag=st.booleans(), kind=st.sampled_from(["a", "b"]),
    many=st.lists(st.integers()).map(tuple), pair=st.tuples(FLOATS, st.text()), inner=INNERS,
    inners=st.lists(INNERS, max_size=3).map(tuple), table=st.dictionaries(st.text(), FLOATS),
    perhaps=st.none() | st.integers(), checked=st.none() | st.just("xx"),
    anything=st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
)  # fmt: skip

PLAIN = {
    "text": "t", "whole": 1, "real": 1.5, "flag": True, "kind": "a", "many": [1, 2], "pair": [0.5, "p"],
    "inner": {"name": "n", "size": 0}, "inners": [{"name": "m", "size": 3}], "table": {"k": 2.5}, "perhaps": None,
    "checked": "x", "anything": {"free": [1, None]},
}  # fmt: skip


@given(OUTERS)
def test_what_became_plain_comes_back(value):
    assert from_plain(Outer, to_plain(value), "here") == value


def test_the_plain_form_is_made_of_what_json_knows():
    value = from_plain(Outer, PLAIN, "here")
    assert value.inners == (Inner("m", 3),)
    assert value.pair == (0.5, "p")
    assert to_plain(value) == PLAIN
    assert to_plain((value, [1])) == [PLAIN, [1]]
    assert to_plain(Outer) is Outer


@pytest.mark.parametrize("field", PLAIN)
def test_a_missing_field_is_named(field):
    with pytest.raises(BundleError) as caught:
        from_plain(Outer, {key: value for key, value in PLAIN.items() if key != field}, "here")
    assert str(caught.value) == f"here: field {field!r} is missing; made by another version of edgedigits?"


def test_an_unknown_field_is_named_and_the_first_of_several():
    with pytest.raises(BundleError) as caught:
        from_plain(Outer, PLAIN | {"zeta": 1, "eta": 2}, "here")
    assert str(caught.value) == "here: unknown field 'eta'; made by another version of edgedigits?"


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", 1, "text: expected a value of type str, found 1"),
        ("text", None, "text: expected a value of type str, found None"),
        ("whole", 1.0, "whole: expected a value of type int, found 1.0"),
        ("whole", True, "whole: expected a value of type int, found True"),
        ("real", "1", "real: expected a value of type float, found '1'"),
        ("real", True, "real: expected a value of type float, found True"),
        ("flag", 1, "flag: expected a value of type bool, found 1"),
        ("kind", "c", "kind: expected a or b, found 'c'"),
        ("kind", ["a"], "kind: expected a or b, found ['a']"),
        ("many", [1, "2"], "many[1]: expected a value of type int, found '2'"),
        ("many", "12", "many: expected a list, found '12'"),
        ("pair", [0.5], "pair: expected 2 values, found [0.5]"),
        ("pair", [0.5, "p", 1], "pair: expected 2 values, found [0.5, 'p', 1]"),
        ("pair", ["p", 0.5], "pair[0]: expected a value of type float, found 'p'"),
        ("inner", [], "inner: expected an object, found []"),
        ("inner", {"name": "n"}, "inner: field 'size' is missing; made by another version of edgedigits?"),
        ("inner", {"name": "n", "size": -1}, "inner: size: expected at least 0, found -1"),
        ("inners", [{"name": 1, "size": 1}], "inners[0]: name: expected a value of type str, found 1"),
        ("table", [], "table: expected an object, found []"),
        ("table", {"k": "v"}, "table.k: expected a value of type float, found 'v'"),
        ("perhaps", "1", "perhaps: expected a value of type int, found '1'"),
        ("checked", "xy", "checked: expected text like ^x+$, found 'xy'"),
        (
            "text",
            list(range(30)),
            "text: expected a value of type str, found [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,",
        ),
    ],
)
def test_a_wrong_value_is_told_with_its_place_and_what_was_expected(field, value, message):
    with pytest.raises(BundleError) as caught:
        from_plain(Outer, PLAIN | {field: value}, "here")
    assert str(caught.value).startswith(f"here: {message}")


def test_a_long_wrong_value_is_cut():
    for length, told in ((57, repr("y" * 57)), (58, "'" + "y" * 56 + "...")):
        with pytest.raises(BundleError) as caught:
            from_plain(Outer, PLAIN | {"whole": "y" * length}, "here")
        assert str(caught.value) == f"here: whole: expected a value of type int, found {told}"


@pytest.mark.parametrize("value", [None, [], "text", 3])
def test_what_is_no_object_is_refused(value):
    with pytest.raises(BundleError, match="here: expected an object, found"):
        from_plain(Outer, value, "here")


def test_a_whole_number_may_stand_for_a_real_one_and_becomes_one():
    value = from_plain(Outer, PLAIN | {"real": 2}, "here").real
    assert type(value) is float
    assert value == 2.0


@dataclass(frozen=True)
class Named:
    file: FileName
    sha256: Sha256


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "a\\b", ".hidden", "-x", "/etc/passwd", "a b", "x\n", "a\u202eb", "a\u3000b", "a\x1bb"]
)
def test_no_file_name_leads_out_of_its_folder(name):
    with pytest.raises(BundleError, match="expected text like"):
        from_plain(Named, {"file": name, "sha256": "0" * 64}, "here")


@pytest.mark.parametrize("name", ["a", "small-int8.tflite", "A_1.2", "_x", "7", "größe", "数字-int8.onnx"])
def test_ordinary_file_names_pass(name):
    assert from_plain(Named, {"file": name, "sha256": "0af9" * 16}, "here").file == name


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "0" * 64 + "\n", " " + "0" * 64])
def test_only_lower_case_sums_pass(text):
    with pytest.raises(BundleError, match="expected text like"):
        from_plain(Named, {"file": "a", "sha256": text}, "here")
