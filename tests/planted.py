"""Bundles with a fault in them, each with a manifest that fits: hashes alone tell nothing of it."""

from __future__ import annotations

import faulthandler
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgedigits.bundle import SHIPPED, Bundle
from edgedigits.engines import load_engine
from edgedigits.manifest import Manifest, write_manifest
from edgedigits.model import Model
from edgedigits.records import from_plain
from edgedigits.verification.golden import INPUTS_AT_LOAD
from edgedigits.verification.selftest import selftest


def copy(folder: Path, change: Callable[[dict[str, Any]], object], name: str = "tiny") -> Path:
    """Copy a shipped bundle with another manifest, whose id fits."""
    shutil.copytree(SHIPPED / name, folder)
    edit(folder, change)
    return folder


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "manifest.json"
    values = json.loads(file.read_bytes())
    change(values)
    file.write_bytes(write_manifest(from_plain(Manifest, values, "test")))


def good(folder: Path) -> Path:
    """The same models under another name, so with another id."""
    return copy(folder, lambda values: values.update(name="tiny-2"))


def relabelled(folder: Path) -> Path:
    """Silently wrong: it computes what was recorded, but each class has another's name."""
    return copy(folder, lambda values: values.update(labels=values["labels"][::-1]))


def damaged(folder: Path) -> Path:
    """Silently wrong: every file loads and answers, and computes something else than what was recorded."""
    copy(folder, lambda values: values.update(name="tiny-3"))
    for file in Bundle.load(folder).manifest.files:
        data = bytearray((folder / file.path).read_bytes())
        middle = len(data) // 2  # weights
        data[middle - 2000 : middle] = bytes(byte ^ 0x15 for byte in data[middle - 2000 : middle])
        replace(folder, file.path, bytes(data))
    return folder


def subtle(folder: Path) -> Path:
    """Wrong in golden inputs that loading leaves to the self-test."""
    copy(folder, lambda values: values.update(name="tiny-7"))
    with np.load(folder / "golden.npz") as archive:
        arrays = dict(archive)
    for key, values in arrays.items():
        if key.startswith("expected/"):
            values[INPUTS_AT_LOAD:] = values[INPUTS_AT_LOAD:, ::-1]
    np.savez(folder / "golden.npz", **arrays)
    found = hashlib.sha256((folder / "golden.npz").read_bytes()).hexdigest()
    edit(folder, lambda values: values["golden"]["file"].update(sha256=found))
    return folder


def slow(folder: Path) -> Path:
    """It answers as rightly, and takes three times as long."""
    return copy(folder, lambda values: values.update(name="large"), "small")


# An address two gigabytes further on, where no process has anything.
FAR_AWAY = b"\xf0\xff\xff\x7f"


def crashing(folder: Path) -> Path:
    """An address in its file ends tflite-runtime with a signal while it loads; other engines refuse the file."""
    copy(folder, lambda values: values.update(name="tiny-4"))
    name = "tiny-int8.tflite"
    data = (folder / name).read_bytes()
    for at in range(len(data) - 4, 0, -4):
        changed = data[:at] + FAR_AWAY + data[at + 4 :]
        if _dies(changed):
            replace(folder, name, changed)
            if _ends_its_process(folder):
                return folder
    raise AssertionError("no place in the file ends the engine")


def _ends_its_process(folder: Path) -> bool:
    """Whether the self-test dies of it, always: memory lies otherwise in each process."""
    bundle = Bundle.load(folder)
    files = [file for file in bundle.manifest.files if file.format == "tflite"]
    return all("died of SIG" in str(selftest(bundle, files, ["tflite-runtime"])[0].error) for _ in range(10))


def _dies(data: bytes) -> bool:
    child = os.fork()
    if not child:
        faulthandler.disable()
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            engine = load_engine("tflite-runtime", Model(data, "tflite", "x", "0" * 64, None, None, None))
            engine.run(np.zeros((1, 28, 28, 1), np.uint8))
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def replace(folder: Path, name: str, data: bytes) -> None:
    """Put other bytes in a file's place, and its hash into the manifest."""
    (folder / name).write_bytes(data)

    def change(values: dict[str, Any]) -> None:
        entry = next(entry for entry in values["files"] if entry["path"] == name)
        entry.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    edit(folder, change)
