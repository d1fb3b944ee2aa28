"""A really emulated Pi: run where its folders are in the cache, or EDGEDIGITS_PI=1 allows to fetch them."""

from __future__ import annotations

import json
import os
import signal

import pytest

from edgedigits.files import cache_folder
from edgedigits_export.emulation.boards import BOARDS, NOTE, SYSTEMS
from edgedigits_export.emulation.cache import boards_cache
from edgedigits_export.emulation.qemu import _cached_folders, emulated_board

SYSTEM = SYSTEMS["bookworm-arm64"]
LITERT = {"litert": SYSTEM.engines["litert"]}
THERE = all((boards_cache() / folder.name).is_dir() for folder in _cached_folders(SYSTEM, LITERT))
CACHE = str(cache_folder().absolute())

needs_board = pytest.mark.skipif(
    not THERE and not os.environ.get("EDGEDIGITS_PI"),
    reason="no emulated Pi in the cache: edgedigits selftest --board pi4 --engine litert, or EDGEDIGITS_PI=1",
)
pytestmark = [pytest.mark.qemu, needs_board]

# A page of machine code: SDOT v0.4s, v0.16b, v0.16b; RET. Cortex-A53 and A72 do not have the first.
SDOT = """
import ctypes, mmap
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write((0x4E809400).to_bytes(4, "little") + (0xD65F03C0).to_bytes(4, "little"))
ctypes.CFUNCTYPE(None)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()
"""
AGAIN = "import subprocess, sys; print(subprocess.run([sys.executable, '-c', sys.argv[1]]).returncode)"


# An emulated processor imports numpy and an engine, twenty times as slowly as a real one.
def test_the_shipped_bundle_passes_its_self_test_on_a_pi_4(command):
    words = ["--board", "pi4", "--engine", "litert", "--variant", "int8", "--json"]
    done = command("selftest", *words, env={"EDGEDIGITS_CACHE": CACHE})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["processor"], told["emulated"], told["note"]) == ("cortex-a72", True, NOTE)
    assert told["versions"]["ai-edge-litert"] == SYSTEM.engines["litert"]
    assert [row["exit_code"] for row in told["rows"]] == [0]


@pytest.mark.parametrize(
    ("board", "code"), [("pi3", -signal.SIGILL), ("pi4", -signal.SIGILL), ("pi5", 0)]
)  # fmt: skip
def test_an_instruction_that_the_board_lacks_kills_the_engines_process_as_it_would_there(board, code):
    with emulated_board(BOARDS[board], SYSTEM, LITERT, lambda _: None) as environment:
        assert environment.run(["-c", SDOT]).returncode == code
        assert int(environment.run(["-c", AGAIN, SDOT]).stdout) == code
