"""`edgedigits check` for boards: wheels, Pythons, C libraries, numpy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from small_files import onnx_file, tflite

from edgedigits.errors import UsageError
from edgedigits_export.compat import check_board
from edgedigits_export.compat.check_board import BoardTarget, judge_board, parse_board
from edgedigits_export.compat.requirements import read_requirements
from edgedigits_export.compat.targets import SystemRelease, known_targets


def on_board(board: str, system: str, arch: str) -> dict[str, Any]:
    needs = {
        "tflite": read_requirements(tflite("RELU", "FLOAT32"), "tflite"),
        "onnx": read_requirements(onnx_file("Relu"), "onnx"),
    }
    target = BoardTarget(board, system, arch)
    return {row.engine: row for fmt, need in needs.items() for row in judge_board(need, fmt, target)}


@pytest.mark.parametrize(
    ("place", "runs"),
    [
        ("pi4 bookworm arm64", {"litert": "2.3.0", "tflite-runtime": "2.14.0", "onnxruntime": "1.32.0"}),
        ("pi5 trixie arm64", {"litert": "2.3.0", "onnxruntime": "1.32.0"}),
        ("pi3 bookworm armhf", {"tflite-runtime": "2.14.0"}),
        ("zero2w bookworm armhf", {"tflite-runtime": "2.14.0"}),
        ("pi5 trixie armhf", {}),
        ("pi2 trixie armhf", {}),
        ("zero bookworm armhf", {}),
    ],
)
def test_a_board_runs_what_has_a_wheel_for_its_python_and_machine(place: str, runs: dict[str, str]) -> None:
    rows = on_board(*place.split())
    assert {engine: row.version for engine, row in rows.items() if row.verdict.answer == "runs"} == runs
    for row in rows.values():
        assert bool(row.install) == (row.version is not None) == (row.verdict.cure == "")


def test_why_there_is_no_wheel_is_told_by_python_machine_and_c_library(monkeypatch: pytest.MonkeyPatch) -> None:
    trixie, narrow = on_board("pi4", "trixie", "arm64"), on_board("pi4", "trixie", "armhf")
    assert "for Python 3.13 (trixie): they end at Python 3.11" in trixie["tflite-runtime"].verdict.why
    assert trixie["tflite-runtime"].verdict.cure == "take ai-edge-litert"
    assert "no wheel of onnxruntime for armv7l" in narrow["onnxruntime"].verdict.why
    assert "--os bookworm --arch arm64" in narrow["tflite-runtime"].verdict.cure
    assert "ARMv6" in on_board("zero", "bookworm", "armhf")["tflite-runtime"].verdict.why
    old = replace(known_targets(), systems={"old": SystemRelease("3.11", "2.28", "1.24")})
    monkeypatch.setattr(check_board, "known_targets", lambda: old)
    assert check_board._why_no_wheel("tflite-runtime", BoardTarget("pi4", "old", "arm64")) == (
        "tflite-runtime needs glibc 2.34 or later, old has 2.28"
    )
    assert check_board.newest_wheels("tflite-runtime", BoardTarget("pi4", "old", "arm64")) is None


def test_the_pip_line_keeps_numpy_below_2_where_the_engine_or_picamera2_needs_it() -> None:
    bookworm, trixie = on_board("pi4", "bookworm", "arm64"), on_board("pi4", "trixie", "arm64")
    assert bookworm["tflite-runtime"].install.startswith(
        "pip install 'tflite-runtime==2.14.0' 'numpy<2'  # tflite-runtime 2.14.0"
    )
    assert bookworm["litert"].install.startswith("pip install 'ai-edge-litert==2.3.0' 'numpy<2'  # apt's picamera2")
    assert trixie["litert"].install == "pip install 'ai-edge-litert==2.3.0'"
    assert "python3-numpy" in on_board("pi3", "bookworm", "armhf")["tflite-runtime"].install


def test_a_board_is_64_bit_bookworm_unless_told_or_unable() -> None:
    assert str(parse_board("pi4", None, None)) == "pi4 bookworm arm64"
    assert str(parse_board("pi2", None, None)) == "pi2 bookworm armhf"
    with pytest.raises(UsageError, match="--os buster: expected bookworm or trixie"):
        parse_board("pi4", "buster", None)
    with pytest.raises(UsageError, match=r"--arch arm64: a Raspberry Pi Zero \(ARM1176 \(ARMv6\)\) runs armhf only"):
        parse_board("zero", None, "arm64")
