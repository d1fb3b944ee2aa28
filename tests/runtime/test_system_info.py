from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from machines.recorded import BOARDS, THROTTLED, X86_AVX2, X86_VNNI, pi, pi_zero, x86

from edgedigits.doctor.examine import examine
from edgedigits.system_info import python, source
from edgedigits.system_info.health import read_health
from edgedigits.system_info.source import find_package, this_machine
from edgedigits.system_info.text import find_field, leading_integer, read_text


def examined(recorded):
    return examine(recorded.source(), lambda part: None)


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
@pytest.mark.parametrize(
    ("board", "processor", "dot_product"),
    [("zero2w", "Cortex-A53", False), ("pi3", "Cortex-A53", False), ("pi4", "Cortex-A72", False),
     ("pi5", "Cortex-A76", True)],
)  # fmt: skip
def test_a_raspberry_pi_is_known_by_its_files(board, processor, dot_product, release):
    found = examined(pi(board, release))
    assert found.board == BOARDS[board][0]
    assert (found.processor.name, found.processor.cores) == (processor, 4)
    assert found.processor.features == {"NEON": True, "dot product": dot_product, "i8mm": False}
    assert (found.system.codename, found.system.wheels) == (release, "linux-aarch64")
    assert (found.system.bits, found.system.kernel_bits) == (64, 64)
    assert found.system.glibc == {"bookworm": (2, 36), "trixie": (2, 41)}[release]
    assert found.python.minor == {"bookworm": 11, "trixie": 13}[release]


def test_health_is_in_degrees_and_mebibytes():
    health = examined(pi("pi5", "bookworm")).health
    assert (health.governor, health.temperature_c, health.throttling) == ("ondemand", 48.312, ())
    assert (health.memory_mb, health.memory_free_mb, health.swap_mb) == (8052, 4026, 199)


@pytest.mark.parametrize(("kernel", "bits"), [("aarch64", 64), ("armv8l", 64), ("armv7l", 32)])
def test_a_32_bit_system_is_distinguished_from_its_kernel(kernel, bits):
    found = examined(pi("pi4", "bookworm", arch="armhf", kernel=kernel))
    assert (found.system.bits, found.system.kernel_bits, found.system.wheels) == (32, bits, "linux-armv7l")
    assert found.processor.features == {"NEON": True, "dot product": False, "i8mm": False}


def test_the_first_zero_has_neither_neon_nor_wheels_of_armv7():
    found = examined(pi_zero())
    assert (found.board, found.processor.name) == ("Raspberry Pi Zero W Rev 1.1", "ARM1176")
    assert found.processor.features == {"NEON": False, "dot product": False, "i8mm": False}
    assert found.system.wheels == "linux-armv6l"


def test_x86_is_described_with_and_without_vnni():
    assert examined(x86(X86_VNNI)).processor.features == {"AVX2": True, "AVX-512": True, "VNNI": True}
    assert examined(x86(X86_AVX2)).processor.features == {"AVX2": True, "AVX-512": False, "VNNI": False}
    assert examined(x86(X86_AVX2 + " avx_vnni")).processor.features["VNNI"]
    assert examined(x86()).processor.name == "Intel(R) Xeon(R) Processor"
    assert examined(x86().on(bits=32)).system.wheels == "linux-i686"


def test_a_container_that_shows_nothing_of_the_machine_is_no_error():
    recorded = pi("pi4", "bookworm").without("/sys").without("/proc").without("/etc")
    found = examined(recorded)
    assert (found.board, found.processor.name, found.processor.features) == (None, None, None)
    assert (found.system.name, found.system.codename) == (None, None)
    assert set(map(found.health.__getattribute__, found.health.__slots__)) == {None}


def test_an_environment_is_known_by_its_marks():
    bare = examined(pi("pi4", "bookworm")).python
    assert (bare.venv, bare.system_site_packages, bare.externally_managed) == (False, False, True)
    for shared in (False, True):
        inside = examined(pi("pi4", "bookworm").in_venv(shared=shared)).python
        assert (inside.venv, inside.system_site_packages) == (True, shared)
    assert not examined(x86()).python.externally_managed


NAMES = ("under-voltage now", "throttled now", "under-voltage since boot", "throttled since boot")


@pytest.mark.parametrize(
    ("file", "answer", "expected"),
    [("50005\n", None, NAMES), ("0x50005\n", None, NAMES), (None, "throttled=0x50005\n", NAMES),
     ("0\n", "throttled=0x50005\n", ()), (None, "throttled=0x0\n", ()), (None, None, None),
     (None, "VCHI initialization failed\n", None), ("", None, None), (None, "", None),
     ("a0000", None, ("frequency capped since boot", "soft temperature limit since boot")),
     ("a", None, ("frequency capped now", "soft temperature limit now"))],
)  # fmt: skip
def test_each_throttling_bit_has_a_name_from_either_source(file, answer, expected):
    files = {} if file is None else {THROTTLED: file}
    assert read_health(files.get, lambda: answer).throttling == expected


def test_picamera2_counts_only_where_the_distribution_put_it():
    recorded = pi("pi4", "bookworm")
    assert examined(recorded.with_picamera2()).apt_picamera2
    assert not examined(recorded.having(picamera2="0.3.18")).apt_picamera2
    assert not examined(recorded).apt_picamera2


def test_a_file_of_any_bytes_is_text_and_one_that_is_not_there_is_none(tmp_path):
    (tmp_path / "file").write_bytes(b"\xff\xfe\0a")
    assert read_text(str(tmp_path / "file")).endswith("a")
    assert read_text(str(tmp_path / "no")) is None
    assert read_text(str(tmp_path)) is None
    assert read_text("\0") is None


def test_fields_and_numbers_are_found_or_none():
    assert find_field("a : 1\nab: 2\na: 3", "a") == "1"
    assert find_field("a\na:", "a") is None
    assert find_field(None, "a") is None
    assert [leading_integer(text) for text in ("12 kB", " -3")] == [12, -3]
    assert [leading_integer(text) for text in ("x", "", None, "9" * 99)] == [None] * 4


def test_this_machine_finds_its_packages_without_importing_them(monkeypatch, tmp_path):
    assert this_machine().package("numpy", "numpy").version[0].isdigit()
    assert find_package("edgedigits_of_tomorrow", "edgedigits-of-tomorrow") is None
    (tmp_path / "dies_at_import.py").write_text("raise SystemExit(9)")
    monkeypatch.syspath_prepend(tmp_path)
    found = find_package("dies_at_import", "dies-at-import")
    assert (found.version, found.origin) == (None, str(tmp_path / "dies_at_import.py"))


@pytest.mark.parametrize(
    ("script", "expected"), [("echo throttled=0x50005", "throttled=0x50005\n"), ("exit 1", ""), (None, None)]
)
def test_vcgencmd_is_run_where_it_is_installed(tmp_path, monkeypatch, script, expected):
    if script is not None:
        (tmp_path / "vcgencmd").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert source.run_vcgencmd() == expected


def test_a_vcgencmd_that_cannot_run_gives_none(tmp_path, monkeypatch):
    (tmp_path / "vcgencmd").write_bytes(b"\x7fELF of another processor")
    (tmp_path / "vcgencmd").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert source.run_vcgencmd() is None


def test_the_board_is_named_by_cpuinfo_where_there_is_no_device_tree():
    recorded = pi("pi4", "bookworm").without("/proc/device-tree")
    assert examined(recorded).board == BOARDS["pi4"][0]
    assert examined(replace(recorded, files={})).board is None


def test_the_running_python_is_described():
    running = python.read_running_python()
    assert running.version == ".".join(map(str, sys.version_info[:3]))
    assert (running.platform, running.prefix) == (sys.platform, sys.prefix)
    assert running.bits == (64 if sys.maxsize > 2**32 else 32)
    assert running.cores >= 1
    assert Path(running.stdlib, "os.py").is_file()


@pytest.mark.parametrize(
    ("executable", "called"),
    [("/venv/bin/python", "pip"), ("/other/bin/python", "/other/bin/python -m pip"),
     ("/my other/python", "'/my other/python' -m pip"), ("", "python3 -m pip")],
)  # fmt: skip
def test_pip_alone_is_only_said_where_the_shell_finds_the_right_one(monkeypatch, executable, called):
    monkeypatch.setattr(python.sys, "executable", executable)
    monkeypatch.setattr(python.shutil, "which", lambda name: f"/venv/bin/{name}")
    assert python._pip() == called
    monkeypatch.setattr(python.shutil, "which", lambda name: None)
    assert python._pip().endswith(" -m pip")


@pytest.mark.parametrize(
    ("answer", "abi", "libc"),
    [("glibc 2.36", "cpython-311-aarch64-linux-gnu", "glibc 2.36"), (None, "cpython-312-x86_64-linux-musl", "musl"),
     (ValueError, "cpython-312-x86_64-linux-musl", "musl"), (ValueError, None, None)],
)  # fmt: skip
def test_the_c_library_is_glibc_with_a_version_or_musl_or_unknown(monkeypatch, answer, abi, libc):
    def confstr(name):
        if answer is ValueError:
            raise ValueError("unrecognized configuration name")
        return answer

    monkeypatch.setattr(python.os, "confstr", confstr, raising=False)
    monkeypatch.setattr(python.sysconfig, "get_config_var", lambda name: abi)
    assert python._libc() == libc
