"""`make demo` around commands that do nothing: what it shows of each, where it stops, and what it says last."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FAKE = """#!/bin/sh
mkdir -p "$DEMO"
printf 'table of %s\\n\\nlegend\\n\\nall passed: %s\\nnext: something\\n' "$1" "$1"
[ "$1" != "$FAILS" ] || exit 3
"""

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def demo(tmp_path: Path, fails: str = "") -> subprocess.CompletedProcess[str]:
    command = tmp_path / "edgedigits"
    command.write_text(FAKE)
    command.chmod(0o755)
    words = ["make", "-C", str(ROOT), "--no-print-directory", "-o", "install", "demo"]
    words += [f"BIN={tmp_path}", f"DEMO={tmp_path}/demo"]
    env = {"PATH": "/usr/bin:/bin", "DEMO": f"{tmp_path}/demo", "FAILS": fails}
    return subprocess.run(words, env=env, capture_output=True, text=True, check=False)


def test_of_each_step_the_verdict_is_shown_and_last_what_comes_next(tmp_path: Path) -> None:
    done = demo(tmp_path)
    assert done.returncode == 0, done.stderr
    for step in ("export", "selftest", "parity", "bench"):
        assert f"\nall passed: {step}\n" in done.stdout
        assert f"table of {step}\n" not in done.stdout
        assert f"table of {step}\n" in (tmp_path / "demo" / f"{step}.txt").read_text()
    made, last = done.stdout[done.stdout.index("\nmade: ") :].split("\nnext: ")
    assert f"{tmp_path}/demo/report.html" in made
    assert last.splitlines()[-1].strip() == "make test"
    for place in re.findall(r"docs/[\w./-]+\w", last):
        assert (ROOT / place).is_file()


def test_a_step_that_fails_is_shown_whole_and_ends_it(tmp_path: Path) -> None:
    done = demo(tmp_path, fails="parity")
    assert done.returncode == 2
    assert "table of parity\n\nlegend\n\nall passed: parity\n" in done.stdout
    assert "[Makefile" in done.stderr
    assert "Error 3" in done.stderr
    assert "bench" not in done.stdout
