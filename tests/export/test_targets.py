"""The tables behind `edgedigits check`: read strictly, whole, and without contradictions."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgedigits.doctor.wheels import NEWEST, WHEELS
from edgedigits.engines import ENGINES
from edgedigits.errors import BundleError
from edgedigits_export.compat import onnx_limits, tflite_limits
from edgedigits_export.compat.limits import LIMITS, known_limits, read_limits
from edgedigits_export.compat.onnx_tables import ONNX, onnx_tables, read_onnx_tables
from edgedigits_export.compat.releases import NEVER, parse_point, release_numbers, release_point
from edgedigits_export.compat.targets import TARGETS, known_targets, read_targets
from edgedigits_export.compat.tflite_tables import TFLITE, read_tflite_tables, tflite_tables
from edgedigits_export.emulation.boards import BOARDS, SYSTEMS


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text + "\n[", "expected a readable TOML file"),
        (lambda text: text.replace("[boards]", "[board]"), "unknown field 'board'"),
        (lambda text: text.replace('first = "2.7.0"', "first = 2.7"), "first: expected a value of type str"),
        (lambda text: text.replace('glibc = "2.36"', 'glibc = "new"'), "glibc: expected text like"),
        (lambda text: text.replace("\nlitert = {", "\ntorch = {", 1), "engines: expected litert"),
        (lambda text: re.sub(r"(?m)^onnxruntime = .*$", "", text), "engines: expected onnxruntime"),
    ],
)
def test_a_malformed_table_is_an_error_of_one_line(change: Callable[[str], str], told: str, tmp_path: Path) -> None:
    file = tmp_path / "targets.toml"
    file.write_text(change(TARGETS.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(BundleError, match=re.escape(told)) as caught:
        read_targets(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("read", "file", "change", "told"),
    [
        (read_tflite_tables, TFLITE, ('DIV = ["1.6.0"', 'DIV = ["soon"'), "operators.DIV[0]: expected text like"),
        (read_tflite_tables, TFLITE, ('"litert 1.4.0" =', '"litert" ='), "expected always, never, 2.14.0 or litert"),
        (read_onnx_tables, ONNX, ("[ir_versions]", "[ir]"), "unknown field 'ir'"),
        (read_onnx_tables, ONNX, ("7 = { always =", "7 = { ever ="), "expected always, never, 2.14.0 or litert"),
        (read_limits, LIMITS, ("axes_above = 4", "axes = 4"), "unknown field 'axes'"),
        (
            read_limits,
            LIMITS,
            ('fails_from = "litert 1.0.0"', 'fails_from = "litert"'),
            "fails_from: expected text like",
        ),
    ],
)
def test_a_malformed_table_of_a_format_is_an_error_of_one_line(
    read: Callable[[Path], Any], file: Path, change: tuple[str, str], told: str, tmp_path: Path
) -> None:
    copy = tmp_path / file.name
    copy.write_text(file.read_text(encoding="utf-8").replace(*change, 1), encoding="utf-8")
    with pytest.raises(BundleError, match=re.escape(told)) as caught:
        read(copy)
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="expected a readable TOML file"):
        read_targets(tmp_path / "none.toml")


def test_the_tables_know_the_engines_that_the_runtime_knows() -> None:
    assert set(known_targets().engines) == set(ENGINES)


def test_every_wheel_is_of_a_release_that_is_known_and_they_ascend() -> None:
    for block in WHEELS:
        known = known_targets().engines[block.engine]
        releases = [release_numbers(text) for text in block.releases]
        assert releases == sorted(releases)
        assert release_numbers(known.first) <= releases[0] <= releases[-1] <= release_numbers(known.last)
    assert {engine: wheels.releases[-1] for engine, wheels in NEWEST.items()} == {
        engine: known.last for engine, known in known_targets().engines.items()
    }


def test_no_type_of_an_operator_stands_twice() -> None:
    for name, row in tflite_tables().kernels.items():
        kinds = [kind for kinds in row.values() for kind in kinds]
        assert len(kinds) == len(set(kinds)), name


def test_every_condition_of_a_limit_is_known_and_every_limit_is_of_operators_in_the_tables() -> None:
    conditions = {"tflite": tflite_limits.WHEN, "onnx": onnx_limits.WHEN}
    operators = {"tflite": set(tflite_tables().operators), "onnx": set(onnx_tables().kernels)}
    for format_, limits in known_limits().items():
        for limit in limits:
            assert limit.when is None or limit.when in conditions[format_], limit
            assert set(limit.operators) - {"*"} <= operators[format_], limit
            assert parse_point(limit.fails_from) < parse_point(limit.fails_before)


def test_what_some_releases_compute_wrongly_is_right_in_later_ones() -> None:
    for name, kinds in tflite_tables().wrong_from.items():
        came = {kind: parse_point(when) for when, row in tflite_tables().kernels[name].items() for kind in row}
        assert all(parse_point(when) < came[kind] < NEVER for kind, when in kinds.items())


def test_litert_carries_on_where_tflite_runtime_ended() -> None:
    versions = [("tflite-runtime", "2.9.1"), ("tflite-runtime", "2.10.0"), ("tflite-runtime", "2.14.0")]
    points = [release_point(*version) for version in (*versions, ("litert", "1.0.0"), ("litert", "2.3.0"))]
    assert sorted({*points, NEVER}) == [*points, NEVER]
    assert release_point("litert", "1.0.0") == parse_point("litert 1.0.0")
    assert release_point("tflite-runtime", "2.14") == points[2] == parse_point("2.14.0")


def test_the_table_is_read_without_tensorflow_and_engines() -> None:
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'onnx', 'onnxruntime', 'ai_edge_litert', 'tflite_runtime'):\n"
        "    sys.modules[name] = None\n"
        "import edgedigits_export.compat.check_board, edgedigits_export.compat.check\n"
        "assert str(edgedigits_export.compat.check.parse_release('litert==2.3.0')) == 'ai-edge-litert 2.3.0'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_emulated_systems_are_those_of_the_table() -> None:
    for system in SYSTEMS.values():
        told = known_targets().systems[system.suite]
        assert (told.python, told.glibc) == (system.python, ".".join(map(str, system.glibc)))
        for engine, version in system.engines.items():
            assert version == known_targets().engines[engine].last
    assert set(BOARDS) <= set(known_targets().boards)
