from __future__ import annotations

import argparse

import pytest

from edgedigits.cli import selftest
from edgedigits.errors import TargetError
from edgedigits_export.emulation.boards import (
    ARCHITECTURES,
    BOARDS,
    SUITES,
    SYSTEMS,
    engine_releases,
    find_system,
    processor_of,
    write_kernel_files,
)


def test_the_command_offers_the_boards_and_systems_that_there_are():
    parser = argparse.ArgumentParser()
    selftest.configure(parser)
    offered = {action.dest: action.choices for action in parser._actions}
    assert (offered["board"], offered["os"], offered["arch"]) == (tuple(BOARDS), SUITES, ARCHITECTURES)


def test_32_bit_trixie_has_no_engine_and_is_refused_with_what_there_is():
    with pytest.raises(TargetError, match=r"trixie armhf: .*bookworm arm64 or bookworm armhf or trixie arm64"):
        find_system("trixie", "armhf")


@pytest.mark.parametrize(
    ("system", "format_", "engines"),
    [
        ("bookworm-arm64", None, {"litert", "tflite-runtime", "onnxruntime"}),
        ("bookworm-arm64", "tflite", {"litert", "tflite-runtime"}),
        ("bookworm-arm64", "onnx", {"onnxruntime"}),
        ("trixie-arm64", "tflite", {"litert"}),
        ("bookworm-armhf", None, {"tflite-runtime"}),
    ],
)
def test_only_engines_that_read_the_files_are_fetched(system, format_, engines):
    assert engine_releases(SYSTEMS[system], None, None, format_).keys() == engines


def test_a_release_that_is_named_replaces_the_pinned_one():
    system = SYSTEMS["bookworm-arm64"]
    assert engine_releases(system, "litert", "2.1.0", None) == {"litert": "2.1.0"}
    assert engine_releases(system, "litert", None, None) == {"litert": system.engines["litert"]}


def test_an_engine_without_a_wheel_there_is_refused():
    with pytest.raises(TargetError, match=r"tflite-runtime on trixie arm64: .* wheel for Python 3\.13"):
        engine_releases(SYSTEMS["trixie-arm64"], "tflite-runtime", None, None)


@pytest.mark.parametrize(("name", "part", "dot"), [("pi3", "0xd03", 0), ("pi4", "0xd08", 0), ("pi5", "0xd0b", 4)])
def test_the_kernel_files_are_those_of_the_board(tmp_path, name, part, dot):
    write_kernel_files(BOARDS[name], SYSTEMS["bookworm-arm64"], tmp_path)
    cpuinfo = (tmp_path / "proc/cpuinfo").read_text()
    assert cpuinfo.count("processor\t: ") == 4
    assert cpuinfo.count(f"CPU part\t: {part}\n") == 4
    assert cpuinfo.count(" asimddp\n") == dot
    assert (tmp_path / "proc/device-tree/model").read_bytes().endswith(b"\0")
    assert (tmp_path / "sys/devices/system/cpu/possible").read_text() == "0-3\n"


def test_a_32_bit_system_is_not_said_to_run_on_the_boards_own_processor():
    assert processor_of(BOARDS["pi4"], SYSTEMS["bookworm-armhf"]) == "max"
    assert processor_of(BOARDS["pi4"], SYSTEMS["bookworm-arm64"]) == "cortex-a72"
