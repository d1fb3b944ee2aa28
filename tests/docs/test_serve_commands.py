"""What README and docs/serve.md tell to type for a service works: it starts, and curl gets its answers."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

pytest.importorskip("uvicorn", reason="uvicorn is not installed: the extra [serve] is not there")

ROOT = Path(__file__).parents[2]
LINES = [
    line.removeprefix("$ ").split("  #")[0].strip()
    for page in ("README.md", "docs/serve.md")
    for block in re.findall(r"^```console\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
]
SERVES = sorted({line for line in LINES if line.startswith("edgedigits serve")})
CURLS = sorted({line for line in LINES if line.startswith("curl")})


def begin(line: str, env: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """Start it on a free port; returns the process and its first line."""
    process = subprocess.Popen(
        ["sh", "-c", f"exec {line} --port 0"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    return process, process.stderr.readline()


def end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    assert process.wait(60) == 0
    assert process.stderr
    process.stderr.close()


@pytest.fixture(scope="module")
def url(shell: dict[str, str]) -> Iterator[str]:
    process, said = begin("edgedigits serve", shell)
    yield re.search(r"http://[^/]+", said)[0]
    end(process)


def test_there_is_something_to_test() -> None:
    assert len(SERVES) >= 3
    assert len(CURLS) >= 2


@pytest.mark.parametrize("line", SERVES)
def test_a_service_starts_as_told(line: str, shell: dict[str, str], rpicam) -> None:
    pid = rpicam()
    programs = pid.parent / "programs"
    process, said = begin(line, {**shell, "PATH": f"{programs}:{shell['PATH']}"})
    assert "http://" in said, said
    end(process)


@pytest.mark.parametrize("line", CURLS)
def test_curl_is_answered_as_told(line: str, url: str, workplace: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed here")
    asked = line.replace("http://localhost:8000", url)
    assert asked != line
    done = subprocess.run(["sh", "-ec", asked], cwd=workplace, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer.get("label") or answer.get("text")
