"""Make the family of models: train every member with every seed, export it, and keep the best seed of each.

    python -m models.make [MEMBER ...]

Runs stand in build/family. The seed with the best validation figure whose files all pass their gates becomes a bundle
with all variants in build/members. Committed are the records in models/runs, the figures in
benchmarks/results/family.json, and the weights of the members that ship.

The command may be killed and repeated: it skips finished runs, resumes a stopped one, and repeats a run whose recipe
has changed. Several commands may make different members side by side once the teacher is there, from which the smaller
members learn. A member that was made on another machine keeps its figures.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.datasets import Dataset, load_splits
from edgedigits.files import write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits.verification.inference import infer_isolated
from edgedigits_train.config import option, resolve

ROOT = Path(__file__).parent.parent
RUNS, BUNDLES, RECORDS = ROOT / "build" / "family", ROOT / "build" / "members", ROOT / "models" / "runs"
RESULT = ROOT / "benchmarks" / "results" / "family.json"
FIGURES = "figures.json"
# How many seeds each member is trained with, in the order of training.
MEMBERS = {"small": 1, "tiny": 1, "nano": 3, "base": 1, "lenet5": 3, "mlp": 3}
# The best seed of `small`, which ships, reads the validation digits as well as `base` does and is much cheaper to ask.
TEACHER, STUDENTS = "small", ("tiny", "nano")
SHIPPED = ("small", "tiny")
# With the usual 500 images one variant of `tiny` missed its gate by a thousandth of a point.
RANGES = ("--calibration-samples", "1000")
# The commands that every member has to pass, with their options.
VERIFICATIONS = {
    "selftest": (),
    "check": ("--target", "pi3", "--target", "pi4", "--target", "pi5"),
    "parity": ("--data", "mnist"),
}


def main() -> None:
    """Make all members, or those named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("members", nargs="*", metavar="MEMBER", choices=[*MEMBERS, []], help="default: all")
    members = parser.parse_args().members or list(MEMBERS)
    splits = load_splits("mnist", read_pixels)
    for member in members:
        for seed in range(MEMBERS[member]):
            folder = RUNS / f"{member}-{seed}"
            _train(member, seed, folder)
            _evaluate(member, seed, folder, splits.validation)
        folder = _verify(member)
        if member in SHIPPED:
            _ship(member, folder)
    known = _read(RESULT)
    told = {
        "runs": [run for member in MEMBERS for run in _runs(member) or _rows(known["runs"], member)],
        "proofs": {member: _read(BUNDLES / f"{member}.json") or known["proofs"][member] for member in MEMBERS},
    }
    write_atomic(RESULT, (json.dumps(told, indent=1) + "\n").encode())


def _train(member: str, seed: int, folder: Path) -> None:
    given = {"model": member, "preset": "best", "seed": seed}
    if member in STUDENTS:
        given["teacher"] = f"models/{TEACHER}.keras"
    record = _read(folder / "train.json")
    if record and _alike(record["config"], resolve(given).to_dict()):
        return
    options = [word for name, value in given.items() for word in (option(name), str(value))]
    # The command itself refuses to go on with another configuration.
    _edgedigits("train", *options, "-o", str(folder), "--overwrite" if record else "--resume")


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two configurations are the same but for the number of threads; MNIST has one size.

    Records from before there was quantization-aware training say nothing about it.
    """
    ignored, absent = {"size": None, "threads": 0}, {"quantize": None, "from_model": None}
    return {**absent, **one, **ignored} == {**absent, **other, **ignored}


def _export(member: str, folder: Path, bundle: Path, *words: str) -> int:
    """Export a run; returns the exit code."""
    words = ("--calibration", "mnist", *RANGES, "--gate", "shipped", "--name", member, *words, "-o", str(bundle))
    return _call("export", str(folder / "model.keras"), *words, "--overwrite")


def _evaluate(member: str, seed: int, folder: Path, validation: Dataset) -> None:
    """Write the figures of a run's int8 file beside it, and copy its training record to models/runs."""
    if (folder / FIGURES).exists() and (folder / FIGURES).stat().st_mtime > (folder / "train.json").stat().st_mtime:
        return
    if code := _export(member, folder, folder / "bundle", "--variants", "int8.tflite"):
        raise SystemExit(code)
    record, manifest = _read(folder / "train.json"), _read(folder / "bundle" / "manifest.json")
    (file,) = manifest["files"]
    write_atomic(RECORDS / f"{member}-{seed}.json", (folder / "train.json").read_bytes())
    path = folder / "bundle" / file["path"]
    probabilities = infer_isolated(path, "litert", validation.images).probabilities
    row = {
        "member": member,
        "seed": seed,
        "sha256": file["sha256"],
        "bytes": file["bytes"],
        "weight_bytes": _weight_bytes(path.read_bytes()),
        "parameters": record["parameters"],
        "macs": record["macs"],
        "validation": float(np.mean(probabilities.argmax(axis=1) == validation.labels)),
        "test": file["accuracy"]["top1"],
        "keras_validation": record["validation"]["accuracy"],
        "keras_validation_loss": record["validation"]["loss"],
        "keras_test": record["test"]["accuracy"],
        "paper": record["paper"] and record["paper"]["validation"],
        "seconds": record["seconds"]["epochs"],
        "versions": record["versions"],
    }
    write_atomic(folder / FIGURES, json.dumps(row).encode())
    print(f"{member}, seed {seed}: validation {row['validation']:.2%}, int8, {row['bytes']:,} bytes", file=sys.stderr)


def seeds_by_validation(runs: list[dict[str, Any]], member: str) -> list[int]:
    """Return seeds by validation accuracy, best first; the validation loss decides among equals, test digits never."""
    ordered = sorted(_rows(runs, member), key=lambda run: (-run["validation"], run["keras_validation_loss"]))
    return [int(run["seed"]) for run in ordered]


def _runs(member: str) -> list[dict[str, Any]]:
    """Return the figures of a member's finished runs."""
    folders = [RUNS / f"{member}-{seed}" for seed in range(MEMBERS[member])]
    return [run for folder in folders if (run := _read(folder / FIGURES))]


def _rows(runs: list[dict[str, Any]], member: str) -> list[dict[str, Any]]:
    return [run for run in runs if run["member"] == member]


def _verify(member: str) -> Path:
    """Export all variants of the best seed and run `VERIFICATIONS` unless this bundle has passed through them already.

    Returns the folder of the run.
    """
    bundle, verified = BUNDLES / member, BUNDLES / f"{member}.json"
    folders = (RUNS / f"{member}-{seed}" for seed in seeds_by_validation(_runs(member), member))
    # The gates use validation digits alone: 7-bit weights of an ONNX file cost one seed more of them than another.
    folder = next((each for each in folders if _export(member, each, bundle) == 0), None)
    if folder is None:
        raise SystemExit(f"{member}: expected a seed whose files pass their gates, found none")
    told: dict[str, Any] = {"bundle": _read(bundle / "manifest.json")["id"]}
    if not (known := _read(verified)) or known["bundle"] != told["bundle"]:
        told |= {command: _call(command, str(bundle), *words) for command, words in VERIFICATIONS.items()}
        write_atomic(verified, json.dumps(told).encode())
    return folder


def _ship(member: str, folder: Path) -> None:
    shutil.copy(folder / "model.keras", ROOT / "models" / f"{member}.keras")
    shutil.copy(folder / "train.json", ROOT / "models" / f"{member}.train.json")


def _weight_bytes(data: bytes) -> int:
    """Return the bytes of the constants in a TFLite file; tensors that share a buffer count once."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(data, 0)
    held = {tensor.buffer for graph in model.subgraphs for tensor in graph.tensors} - {0}
    return sum(len(model.buffers[index].data) for index in held)


def _edgedigits(*words: str) -> None:
    if code := _call(*words):
        raise SystemExit(code)


def _call(*words: str) -> int:
    print("edgedigits", *words, file=sys.stderr, flush=True)
    return subprocess.run([sys.executable, "-m", "edgedigits.cli.main", *words], cwd=ROOT, check=False).returncode


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except OSError:
        return None


if __name__ == "__main__":
    main()
