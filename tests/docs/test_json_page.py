"""docs/reference/json.md is true: every key that a command prints is on the page, and every key there is printed."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.publish.site.records import with_fields
from edgedigits.bundle import SHIPPED

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "json.md"
TINY = SHIPPED / "tiny"
# Names that a bundle, a board or a data set gives.
ANY = re.compile(r"[A-Z]{2,}$")


def told(section: str) -> set[tuple[str, ...]]:
    """The paths of all fields in a section of the page, whose parts are names, `[]`, or `NAME` for any name."""
    text = re.search(rf"^(##+) {section}\n(.*?)(?=^##+ |\Z)", with_fields(PAGE.read_text()), re.MULTILINE | re.DOTALL)
    assert text, section
    rows = re.findall(r"^\| `(.*?)` \| (.*?) \|", text[2], re.MULTILINE)
    return {parts(path) for path, _ in rows} | {(*parts(path), "NAME") for path, kind in rows if " by " in kind}


def parts(path: str) -> tuple[str, ...]:
    return tuple(path.replace("[]", ".[]").split("."))


def below(paths: set[tuple[str, ...]], match: Callable[[str], object]) -> set[tuple[str, ...]]:
    return {path[1:] for path in paths if len(path) > 1 and match(path[0])}


def compare(value: Any, paths: set[tuple[str, ...]]) -> tuple[set[str], set[str]]:
    """The keys that a value has and the page lacks, and those that the page has and the value lacks.

    Nothing is lacking in what is null or empty, and a key that one object of a list has need not be in the others.
    """
    if isinstance(value, list):
        found = [compare(one, below(paths, "[]".__eq__)) for one in value if one is not None]
        less = set.intersection(*(less for _, less in found)) if found else set()
        return set().union(*(more for more, _ in found)), less
    if not isinstance(value, dict) or not value:
        return set(), set()
    if any(ANY.match(path[0]) for path in paths):
        inner = below(paths, ANY.match)
        found = [compare(one, inner) for one in value.values()] if inner else []
        return set().union(*(more for more, _ in found)), set().union(*(less for _, less in found))
    heads = {path[0] for path in paths}
    more, less = set(value) - heads, heads - set(value)
    for name in heads & set(value):
        deeper = compare(value[name], below(paths, name.__eq__))
        more |= {f"{name}.{key}" for key in deeper[0]}
        less |= {f"{name}.{key}" for key in deeper[1]}
    return more, less


def check(printed: str, section: str, *, without: tuple[str, ...] = ()) -> None:
    """Compare what a command printed with its section, whose fields ``without`` are of another output."""
    more, less = compare(json.loads(printed), {path for path in told(section) if path[0] not in without})
    assert not more, "the page lacks them"
    assert not less, "the command does not print them"


def test_classify(run_here: Any, pictures: list[Path]) -> None:
    check(run_here("classify", "--json", pictures[0]).stdout, "classify")


def test_read(run_here: Any) -> None:
    check(run_here("read", "--json", PAGE.parents[1] / "readings.jpg").stdout, "read")


def test_eval(run_here: Any, pictures: list[Path]) -> None:
    check(run_here("eval", "--json", pictures[0].parents[1]).stdout, "eval")


@pytest.mark.slow
def test_score(command: Any, pictures: list[Path]) -> None:
    pytest.importorskip("pyarrow")
    check(command("score", "--json", pictures[0].parents[1], "--labelled", "-o", "scored").stdout, "score")


def test_show(run_here: Any) -> None:
    check(run_here("show", "--json", TINY / "tiny-int8.onnx").stdout, "show")


# In a process of its own: what derives a file's operators imports flatbuffers of another version than TensorFlow does.
@pytest.mark.slow
def test_check(command: Any) -> None:
    pytest.importorskip("flatbuffers")
    check(command("check", "--json", TINY, "--target", "pi4", "--target", "litert==2.3.0").stdout, "check")


LONE = ("file", "sha256", "shapes", "inputs", "engines", "outputs", "verdict", "why")


@pytest.mark.slow
def test_selftest(command: Any) -> None:
    check(command("selftest", "--json", TINY).stdout, "selftest", without=LONE)
    printed = command("selftest", "--json", TINY / "tiny-int8.tflite").stdout
    check(printed, "selftest", without=("bundle", "rows"))


PAIR = ("old", "new", "engine", "comparison")


@pytest.mark.slow
def test_parity(command: Any, proven: Any) -> None:
    done = command("parity", "--json", proven.path, "--data", proven.data, "--engine", "litert", "--variant", "int8")
    check(done.stdout, "parity", without=PAIR)
    done = command("parity", "--json", TINY, SHIPPED / "small", "--data", proven.data)
    one = {path[0] for path in told("parity")} - {*PAIR, "data"}
    check(done.stdout, "parity", without=tuple(one))


@pytest.mark.slow
def test_doctor(command: Any) -> None:
    check(command("doctor", "--json").stdout, "doctor")


@pytest.mark.slow
def test_bench_and_compare(command: Any) -> None:
    words = ("--variant", "int8.tflite", "--engine", "litert", "--seconds", "0.02", "--processes", 8)
    done = command("bench", "--json", TINY, *words, "--recommend", "-o", "bench.json")
    check(done.stdout, "bench")
    check(command("compare", "--json", "bench.json", "bench.json").stdout, "compare")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the store is locked as Linux locks")
def test_bundle(command: Any, tmp_path: Path) -> None:
    def bundle(verb: str, *words: object) -> dict[str, Any]:
        done = command("bundle", verb, "--json", *words, env={"EDGEDIGITS_STORE": str(tmp_path / "store")})
        check(done.stdout, f"bundle {verb}")
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    bundle("verify", TINY)
    name = bundle("install", TINY)["bundle"]
    bundle("activate", name)
    bundle("list")
    bundle("rollback")


def test_a_key_that_is_missing_or_left_over_is_noticed() -> None:
    paths = {parts(path) for path in ("a", "b[].c", "b", "d.NAME.e", "d")}
    assert compare({"a": 1, "b": [{"c": 1}], "d": {"x": {"e": 1}}}, paths) == (set(), set())
    assert compare({"a": 1, "b": [{"c": 1, "f": 2}], "d": {"x": {"g": 1}}}, paths) == ({"b.f", "d.g"}, {"d.e"})
