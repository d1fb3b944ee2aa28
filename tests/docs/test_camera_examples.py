"""docs/camera.md is true: its code and its commands run on recorded frames, since no camera can be here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "camera.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\$ (.*)$", PAGE, re.MULTILINE)


@pytest.fixture
def run(rpicam: Callable[..., Path], shell: dict[str, str]) -> Callable[..., Any]:
    """Run a program with stand-ins for picamera2, cv2 and rpicam-vid."""
    program = rpicam().parent / "programs"
    places = [str(ROOT / "tests" / "docs" / "cameras"), os.environ.get("PYTHONPATH", "")]
    env = {
        **shell, **{key: value for key, value in os.environ.items() if key.startswith("RPICAM_")},
        "PATH": f"{program}{os.pathsep}{shell['PATH']}",
        "PYTHONPATH": os.pathsep.join(filter(None, places)),
        "DIGITS": str(ROOT / "tests" / "data" / "digits.npz"),
    }  # fmt: skip
    return lambda *words: subprocess.run(words, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("code", CODE, ids=range(len(CODE)))
def test_the_code_on_the_page_reads_the_digit(code: str, run: Callable[..., Any], digits: Any) -> None:
    done = run(sys.executable, "-c", code)
    assert done.returncode == 0, done.stderr
    expected = [digits.names[label] for label in digits.labels[:3]]
    answers = done.stdout.split()
    assert answers == expected[: len(answers)] != []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_on_the_page_answer_frames(command: str, run: Callable[..., Any]) -> None:
    done = run("sh", "-c", command)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == int(command.split("--max-frames ")[1])
    assert all("camera:0#" in line for line in done.stdout.splitlines())
