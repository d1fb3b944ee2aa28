"""Run `probe.py` in every release's own venv; answers are kept, so that a broken-off run goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from releases import RELEASES, Release, venv

from edgedigits.files import write_atomic

_ENGINES = {"tflite-runtime": "tflite_runtime", "ai-edge-litert": "ai_edge_litert", "onnxruntime": "onnxruntime"}
_HERE = Path(__file__).parent
_VERSIONS = "import platform, numpy; print(platform.python_version(), numpy.__version__)"


def zoo(work: Path) -> dict[str, Any]:
    """The zoo's ``models.json``; makes the zoo first when it is not there."""
    listed = work / "zoo" / "models.json"
    if not listed.is_file():
        # TensorFlow stays out of this process.
        subprocess.run([sys.executable, _HERE / "zoo.py", work / "zoo"], check=True)
    found: dict[str, Any] = json.loads(listed.read_text())
    return found


def answers(work: Path) -> tuple[dict[Release, dict[str, Any]], list[Release]]:
    """What each release made of each model, and the releases for which this machine has no Python."""
    asked = hashlib.sha256((work / "zoo" / "models.json").read_bytes() + (_HERE / "probe.py").read_bytes())
    found: dict[Release, dict[str, Any]] = {}
    skipped = []
    for release in RELEASES:
        kept = work / "answers" / f"{release}-{asked.hexdigest()[:8]}.json"
        if not kept.is_file():
            said = _ask(work, release)
            if said is None:
                skipped.append(release)
                continue
            write_atomic(kept, json.dumps(said).encode())
        found[release] = json.loads(kept.read_text())
    return found, skipped


def _ask(work: Path, release: Release) -> dict[str, Any] | None:
    """``{"python", "numpy", "seconds", "lines"}``; lines as ``probe.py`` writes them, by model file."""
    started = time.monotonic()
    executable = venv(release, work / "venvs")
    if executable is None:
        return None
    print(f"{release}:", end=" ", file=sys.stderr, flush=True)
    told = _said(executable, _HERE / "probe.py", _ENGINES[release.package], work / "zoo")
    lines = {line["file"]: line for line in map(json.loads, told.splitlines())}
    python, numpy = _said(executable, "-c", _VERSIONS).split()
    seconds = round(time.monotonic() - started, 1)
    refused = sum("error" in line for line in lines.values())
    print(f"{len(lines)} models, {refused} refused, {seconds} s", file=sys.stderr, flush=True)
    return {"python": python, "numpy": numpy, "seconds": seconds, "lines": lines}


def _said(*words: str | Path) -> str:
    # Native libraries chat on standard error.
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout
