"""Runs `compat_probe.py` in each release's own environment; outputs are kept, so that a stopped run resumes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.compat.releases import Release, release_venv
from benchmarks.harness.benchmark import progress
from benchmarks.harness.child import ROOT
from edgedigits.files import write_atomic

_MODULES = {"tflite-runtime": "tflite_runtime", "ai-edge-litert": "ai_edge_litert", "onnxruntime": "onnxruntime"}
_PROBE = Path(__file__).with_name("compat_probe.py")
_VERSIONS = "import platform, numpy; print(platform.python_version(), numpy.__version__)"


def load_zoo(folder: Path, maker: str, *words: str) -> dict[str, Any]:
    """Return the ``models.json`` of a zoo; runs the module that makes it first when it is not there."""
    listed = folder / "models.json"
    if not listed.is_file():
        # TensorFlow stays out of this process.
        subprocess.run([sys.executable, "-m", maker, str(folder), *words], check=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(listed.read_text())
    return found


def collect_outputs(
    work: Path, zoo: Path, releases: Sequence[Release]
) -> tuple[dict[Release, dict[str, Any]], list[Release]]:
    """Return what each release made of each model, and the releases for which this machine has no Python."""
    known = hashlib.sha256((zoo / "models.json").read_bytes() + _PROBE.read_bytes()).hexdigest()[:8]
    found: dict[Release, dict[str, Any]] = {}
    skipped = []
    for release in releases:
        kept = work / "outputs" / f"{zoo.name}-{release}-{known}.json"
        if not kept.is_file():
            outputs = _run_probe(work, zoo, release)
            if outputs is None:
                skipped.append(release)
                continue
            write_atomic(kept, json.dumps(outputs).encode())
        found[release] = json.loads(kept.read_text())
    return found, skipped


def _run_probe(work: Path, zoo: Path, release: Release) -> dict[str, Any] | None:
    """Return ``{"python", "numpy", "seconds", "lines"}``; lines as ``compat_probe.py`` writes them, by model file."""
    started = time.monotonic()
    executable = release_venv(release, work / "venvs")
    if executable is None:
        return None
    printed = _output_of(executable, _PROBE, _MODULES[release.package], zoo)
    lines = {line["file"]: line for line in map(json.loads, printed.splitlines())}
    python, numpy = _output_of(executable, "-c", _VERSIONS).split()
    seconds = round(time.monotonic() - started, 1)
    refused = sum("error" in line for line in lines.values())
    progress(f"{release}: {len(lines)} models, {refused} refused, {seconds} s")
    return {"python": python, "numpy": numpy, "seconds": seconds, "lines": lines}


def _output_of(*words: str | Path) -> str:
    # Native libraries write to standard error, too.
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: exit code {done.returncode}: {done.stderr[-500:]}")
    return done.stdout
