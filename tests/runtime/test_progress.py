"""Progress is one live line on a terminal and leaves no trace there; in a log, it is a line for each step."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgedigits.console.columns import columns, cut
from edgedigits.console.tables import table
from edgedigits.engines import installed_engines

pty = pytest.importorskip("pty", reason="this system has no pseudo-terminals")
WIDTH = 100
BENCH = ("bench", "--variant", "int8", "--seconds", "0")


class Screen:
    """What a terminal shows of the bytes that it got: lines, carriage returns, and the erasing of a line's rest."""

    def __init__(self, got: bytes) -> None:
        self.lines, at = [""], 0
        for part in re.findall(r"\r|\n|\x1b\[K|[^\r\n\x1b]+", got.decode()):
            line = self.lines[-1]
            if part == "\r":
                at = 0
            elif part == "\n":
                self.lines.append("")
                at = 0
            elif part == "\x1b[K":
                self.lines[-1] = line[:at]
            else:
                self.lines[-1] = line[:at] + part + line[at + len(part) :]
                at += len(part)


Run = Callable[..., tuple[bytes, int]]


@pytest.fixture
def on_terminal(tmp_path: Path) -> Run:
    """Run Python in a terminal of its own, press Ctrl-C once ``until`` is on it, and return what it got."""
    import fcntl
    import struct
    import termios

    def run(*words: object, until: bytes | None = None, width: int = WIDTH, **env: str) -> tuple[bytes, int]:
        terminal, own = pty.openpty()
        fcntl.ioctl(own, termios.TIOCSWINSZ, struct.pack("HHHH", 25, width, 0, 0))
        process = subprocess.Popen(
            [sys.executable, *map(str, words)], stdin=own, stdout=own, stderr=own, cwd=tmp_path,
            env={**os.environ, "TERM": "xterm", **env}, start_new_session=True,
        )  # fmt: skip
        os.close(own)
        got = b""
        while True:
            try:
                got += (new := os.read(terminal, 1 << 16))
            except OSError:  # EIO: nobody has the terminal any more
                break
            if not new:
                break
            if until is not None and until in got:
                os.write(terminal, b"\x03")
                until = None
        os.close(terminal)
        return got, process.wait(60)

    return run


def edgedigits(*words: object) -> tuple[object, ...]:
    # A process started in the background may have inherited that Ctrl-C is ignored.
    code = "import fcntl, signal, termios; signal.signal(signal.SIGINT, signal.default_int_handler); "
    code += "fcntl.ioctl(0, termios.TIOCSCTTY, 0); "  # what is typed in this terminal is for it
    return "-c", f"{code}from edgedigits.cli.main import main; raise SystemExit(main())", *words


@pytest.mark.slow
def test_a_command_that_is_done_leaves_its_result_alone(on_terminal, proven):
    words = ["parity", proven.path, "--data", proven.data, "--variant", "int8", "--engine", installed_engines()[0]]
    got, code = on_terminal(*edgedigits(*words))
    assert code == 0
    assert f"\x1b[Ksmall-int8.tflite in {installed_engines()[0]}\r\x1b[K".encode() in got  # it was shown
    lines = Screen(got).lines
    assert lines[0].startswith("small, ")
    assert lines[-2].startswith("next: edgedigits bench ")
    assert lines[-1] == ""


@pytest.mark.slow
def test_after_an_error_the_screen_has_results_and_the_error(on_terminal, engine):
    words = [*BENCH, "--engine", engine, "--processes", 5, "--recommend", "--max-size", "1B"]
    got, code = on_terminal(*edgedigits(*words))
    assert code == 1
    assert got.count(b"\x1b[Kround ") == 5
    lines = Screen(got).lines
    assert not any("round" in line.replace("in rounds", "") for line in lines)
    assert lines[-2].startswith("edgedigits: recommend: no configuration of this bundle meets the limits")


@pytest.mark.slow
def test_after_ctrl_c_as_well(on_terminal, engine):
    got, code = on_terminal(*edgedigits(*BENCH, "--engine", engine, "--processes", 9999), until=b"round 3 of")
    assert code == 130
    lines = Screen(got).lines
    assert not any("round 3" in line or "^C" in line for line in lines)
    assert lines[-2] == "edgedigits: interrupted; this is what was measured so far"


SCRIPT = """
from edgedigits.console.progress import note, progress
progress("数字" * 40 + ": running")
progress("reading\\x1b[31m a file")
note("warning: it stays")
progress("weighing", "1 of 9")
progress("weighing", "2 of 9")
"""


def test_a_live_line_fits_the_terminal_and_a_note_stays(on_terminal):
    got, _ = on_terminal("-c", SCRIPT, width=30)
    written = [part for part in re.split(r"\r|\n|\x1b\[K", got.decode()) if part]
    assert written == [
        "数字" * 7 + "…", "reading\\x1b[31m a file", "warning: it stays", "weighing: 1 of 9", "weighing: 2 of 9",
    ]  # fmt: skip
    assert max(map(columns, written)) < 30
    assert Screen(got).lines == ["warning: it stays", "weighing: 2 of 9"]  # no command has ended here


def test_a_terminal_that_cannot_erase_gets_a_line_for_each_step(on_terminal):
    got, _ = on_terminal("-c", SCRIPT, TERM="dumb")
    assert b"\r\x1b" not in got
    assert got.decode().split("\r\n") == [
        "数字" * 40 + ": running", "reading\\x1b[31m a file", "warning: it stays", "weighing", "",
    ]  # fmt: skip


def test_a_log_has_the_same_lines(tmp_path):
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, check=True)
    assert done.stderr.decode().splitlines()[1:] == ["reading\\x1b[31m a file", "warning: it stays", "weighing"]


@pytest.mark.parametrize(
    ("text", "wide", "short"),
    [("größe.keras", 11, "größe…"), ("数字.keras", 10, "数字.…"), ("e\u0301e\u0301", 2, None)],
)
def test_letters_are_counted_as_terminals_show_them(text, wide, short):
    assert columns(text) == wide
    assert cut(text, 6) == (text if short is None else short)
    assert columns(cut(text, 6)) <= 6


def test_columns_of_a_table_stand_below_each_other_in_every_script():
    lines = table(["file", "bytes"], [["数字.tflite", "7"], ["small.tflite", "12"]]).splitlines()
    assert {columns(line) for line in lines} == {len("small.tflite  bytes")}
