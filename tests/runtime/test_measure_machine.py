from __future__ import annotations

import platform
from dataclasses import replace

import pytest
from machines.recorded import BOARDS, X86_AVX2, pi, x86

from edgedigits.measure.machine import EMULATED, describe_machine

CLOCK = "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    monkeypatch.delenv(EMULATED, raising=False)


@pytest.mark.parametrize(
    ("board", "cpu", "dot_product", "clock"),
    [("pi3", "Cortex-A53", False, 1400), ("pi4", "Cortex-A72", False, 1800), ("pi5", "Cortex-A76", True, 2400)],
)
def test_a_raspberry_pi_is_described_by_what_decides_a_latency(board, cpu, dot_product, clock):
    recorded = pi(board, "bookworm")
    found = describe_machine(replace(recorded, files=recorded.files | {CLOCK: f"{clock}000\n"}).source())
    assert (found.board, found.cpu, found.cores) == (BOARDS[board][0], cpu, 4)
    assert found.features == {"NEON": True, "dot product": dot_product, "i8mm": False}
    assert (found.architecture, found.bits, found.libc) == ("aarch64", 64, "glibc 2.36")
    assert (found.clock_mhz, found.governor, found.memory_mb) == (clock, "ondemand", BOARDS[board][3] // 1024)
    assert (found.system, found.kernel) == ("Debian GNU/Linux 12 (bookworm)", "6.6.31+rpt-rpi-v8")
    assert found.python == "3.11.2"
    assert not found.emulated


def test_a_server_with_a_hypervisor_is_virtual():
    found = describe_machine(x86().source())
    assert (found.board, found.cpu, found.virtual) == (None, "Intel(R) Xeon(R) Processor", True)
    assert found.features == {"AVX2": True, "AVX-512": True, "VNNI": True}
    assert (found.clock_mhz, found.governor) == (None, None)
    assert describe_machine(x86(X86_AVX2.replace("hypervisor ", "")).source()).virtual is False
    assert describe_machine(pi("pi4", "bookworm").source()).virtual is None


def test_what_a_system_does_not_report_is_none():
    found = describe_machine(pi("pi4", "bookworm").without("/").source())
    assert (found.board, found.cpu, found.features, found.clock_mhz) == (None,) * 4
    assert (found.memory_mb, found.governor, found.system, found.virtual) == (None,) * 4
    assert found.cores == 4


def test_a_board_without_a_known_processor_is_called_by_its_own_name():
    recorded = pi("pi4", "bookworm")
    named = {path: text for path, text in recorded.files.items() if path != "/proc/cpuinfo"}
    assert describe_machine(replace(recorded, files=named).source()).cpu == BOARDS["pi4"][0]


def test_an_emulated_board_is_known_by_its_environment(monkeypatch):
    source = pi("pi4", "bookworm").source()
    for value, emulated in (("1", True), ("", False)):
        monkeypatch.setenv(EMULATED, value)
        assert describe_machine(source).emulated is emulated


def test_this_machine_is_described():
    found = describe_machine()
    assert found.cores >= 1
    assert (found.architecture, found.python) == (platform.machine(), platform.python_version())
    assert found.memory_mb is None or found.memory_mb > 100
