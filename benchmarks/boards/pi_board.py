"""One emulated board: runs the wheel's commands there and compares its outputs with those of the host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.boards.pi_read import read_on_board, read_on_host
from benchmarks.boards.pi_serve import serve_on_board
from benchmarks.harness.benchmark import progress
from edgedigits.bundle import Bundle
from edgedigits.datasets.own import read_npz
from edgedigits.engines import ENGINES
from edgedigits.manifest import ModelFile
from edgedigits.verification.compare import compare
from edgedigits.verification.gates import GATES
from edgedigits.verification.outputs import outputs_path, read_outputs
from edgedigits.verification.parity import pairs
from edgedigits_export.emulation.boards import BOARDS, SYSTEMS, processor_of
from edgedigits_export.emulation.python_environment import PythonEnvironment
from edgedigits_export.emulation.qemu import emulated_board

MARKS = Path(__file__).with_name("mark_inferences.py")
MARKING_CALL = {"arm64": 125, "armhf": 159}  # sched_get_priority_max in Linux's tables of system calls
INFERENCES = 10


@dataclass(frozen=True, slots=True)
class Task:
    """What runs on every board.

    Attributes
    ----------
    bundle: runs through every command; members: bundles that run only selftest, parity and the counting.
    wheel: the unpacked wheel under test.
    data: an .npz of labelled digits; few: the first of them, for the members.
    picture: one of them as a PNG, a picture of the digit ``label``; page: many of them on a page.
    native: outputs of the host's engines for the digits, a folder a bundle, see `folder_of`.
    plugin: QEMU's plugin that counts instructions; None without a compiler.
    wrong: bundles that load and compute wrongly in tflite-runtime.

    """

    bundle: Bundle
    members: tuple[Bundle, ...]
    wheel: Path
    data: Path
    few: Path
    picture: Path
    label: int
    page: Path
    native: Path
    plugin: Path | None
    wrong: tuple[Path, ...]

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """The main bundle, then the members."""
        return self.bundle, *self.members

    def data_of(self, bundle: Bundle) -> Path:
        """Return the digits that a bundle runs over."""
        return self.data if bundle is self.bundle else self.few


def folder_of(bundle: Bundle, folder: Path) -> Path:
    """Return the sub-folder of ``folder`` for files about this bundle."""
    return folder / bundle.manifest.name


def on_board(task: Task, name: str, system_name: str) -> dict[str, Any]:
    """Run everything on one board with one system; returns an entry of the result, ``failed`` lists what went wrong."""
    board, system = BOARDS[name], SYSTEMS[system_name]
    title = f"{name} {system.suite} {system.architecture}"

    def say(line: str) -> None:
        progress(f"{title}: {line}")

    say("begun")
    with emulated_board(board, system, system.engines, say, task.wheel, service=True) as python:
        one = _OneBoard(task, python, system.engines, MARKING_CALL[system.architecture], [])
        versions = python.versions(
            ["numpy", "pillow", *(ENGINES[engine].distribution for engine in system.engines), "starlette", "uvicorn"]
        )
        found = {
            "board": name, "os": system.suite, "arch": system.architecture, "model": board.model,
            "processor": processor_of(board, system), "emulated": True, "versions": versions,
            "doctor": one.doctor(), "selftest": [row for bundle in one.tested() for row in one.selftest(bundle)],
            "classify": one.classify(), "read": list(one.read()), "serve": one.serve(), "bench": one.bench(),
            "rows": [row for bundle in task.bundles for row in one.rows(bundle)],
            "lies": list(one.wrong()), "failed": one.failed,
        }  # fmt: skip
    say("; ".join(one.failed) or "passed")
    return found


@dataclass(frozen=True, slots=True)
class _OneBoard:
    """A board that is ready; ``engines`` are its engines with their releases, ``failed`` collects failures."""

    task: Task
    python: PythonEnvironment
    engines: dict[str, str]
    marking_call: int
    failed: list[str]

    def doctor(self) -> int:
        """Run ``doctor`` on the board and return its exit code."""
        return int(self._run("doctor").returncode)

    def tested(self) -> tuple[Bundle, ...]:
        """Return the bundles whose self-test has to pass: those of the task, and the locator of the wheel."""
        return *self.task.bundles, Bundle.load(self.task.wheel / "edgedigits" / "bundles" / "locator")

    def selftest(self, bundle: Bundle) -> list[dict[str, Any]]:
        """Return file, engine and whether it passed; all must."""
        stored = self._folder(bundle) / "selftest.json"
        self._run("selftest", bundle.path, "-o", stored)
        return _verdicts(stored)

    def classify(self) -> list[dict[str, Any]]:
        """Return the digit that each engine classifies the picture as."""
        found = []
        for engine in self.engines:
            if not pairs(self.task.bundle.manifest.files, [engine]):
                continue
            done = self._run(
                "classify", self.task.picture, "--bundle", self.task.bundle.path, "--engine", engine, "--json"
            )
            digit = json.loads(done.stdout)["digit"] if not done.returncode else None
            found.append({"engine": engine, "digit": digit, "expected": self.task.label})
            if digit != self.task.label:
                self.failed.append(f"classify in {engine} says {digit}, not {self.task.label}")
        return found

    def read(self) -> Iterator[dict[str, Any]]:
        """Yield what each engine reads on a page, which has to be what it reads on the host, and the instructions."""
        plugin = f"{self.task.plugin},call={self.marking_call}" if self.task.plugin else None
        for engine, version in self.engines.items():
            if not pairs(self.task.bundle.manifest.files, [engine]):
                continue
            asked = engine, self.task.bundle, self.task.page, self.task.picture
            expected = read_on_host(*asked)
            text, counts, wrong = read_on_board(self.python, *asked, plugin)
            if wrong or text != expected:
                self.failed.append(wrong or f"read in {engine} gives {text!r}, not {expected!r}")
            yield {"engine": engine, "version": version, "same": text == expected, "instructions": counts}

    def serve(self) -> dict[str, Any] | None:
        """Return the answer of the board's service to this machine and its exit code; None if it failed."""
        try:
            found = serve_on_board(self.python, self.task.picture, "--bundle", str(self.task.bundle.path))
        except OSError as error:
            self.failed.append(_last(str(error)))
            return None
        expected = {"digit": self.task.label, "counted": True, "exit_code": 0}
        if wrong := {name: found[name] for name, value in expected.items() if found[name] != value}:
            self.failed.append(f"serve: expected {expected}, found {wrong}")
        return found

    def bench(self) -> dict[str, Any]:
        """Check that `bench` runs, says that the board is emulated, and withholds times that mean nothing."""
        stored = self.python.folder / "bench.json"
        self._run(
            "bench", self.task.bundle.path, "--variant", "int8", "--processes", "5", "--seconds", "0", "-o", stored
        )
        told = json.loads(stored.read_text()) if stored.exists() else {"machine": {}, "rows": [], "withheld": None}
        timed = [row["configuration"]["file"] for row in told["rows"] if row["summary"] or row["processes"]]
        if timed or not told["withheld"] or not told["machine"].get("emulated"):
            self.failed.append(f"bench does not say that the board is emulated, or shows times of {timed}")
        return {
            "board": told["machine"].get("board"),
            "rows": [f"{row['configuration']['file']} in {row['configuration']['engine']}" for row in told["rows"]],
            "times": "withheld" if told["withheld"] else "told",
        }

    def rows(self, bundle: Bundle) -> Iterator[dict[str, Any]]:
        """Yield each file in each engine: its outputs against those of the host, and instructions per inference."""
        here, there = folder_of(bundle, self.task.native), self._folder(bundle) / "outputs"
        self._run("parity", bundle.path, "--data", self.task.data_of(bundle), "--save-outputs", there)
        for engine in self.engines:
            files = [file for file, _ in pairs(bundle.manifest.files, [engine])]
            counts = self._instructions(bundle, engine, files)
            for file in files:
                if outputs_path(there, file.path, engine).exists():  # otherwise parity failed, which is reported
                    yield {
                        "file": file.path, "engine": engine, "version": self.engines[engine],
                        **self._compared(here, there, file, engine), "instructions": counts.get(file.path),
                    }  # fmt: skip

    def wrong(self) -> Iterator[dict[str, Any]]:
        """Yield the self-test of each bundle that tflite-runtime loads and computes wrongly; it has to fail."""
        for bundle in self.task.wrong if "tflite-runtime" in self.engines else ():
            stored = self.python.folder / f"{bundle.name}.json"
            self._run("selftest", bundle, "--engine", "tflite-runtime", "-o", stored, expected=1)
            yield {"bundle": bundle.name, "engine": "tflite-runtime", "selftest": _verdicts(stored)}

    def _compared(self, here: Path, there: Path, file: ModelFile, engine: str) -> dict[str, Any]:
        """Compare its outputs with those of the same engine on the host, of LiteRT where the host lacks it."""
        against = engine if outputs_path(here, file.path, engine).exists() else "litert"
        outputs = read_outputs(outputs_path(there, file.path, engine)).probabilities
        reference = read_outputs(outputs_path(here, file.path, against)).probabilities
        labels = read_npz(self.task.data).labels[: len(outputs)]
        figures, gate = compare(outputs, reference, labels), GATES[file.precision]
        if gate.max_abs_difference is not None and not figures.max_abs_difference <= gate.max_abs_difference:
            self.failed.append(f"{file.path} in {engine}: max |Δ| {figures.max_abs_difference:.2g}")
        if figures.agreement_beyond_ties < gate.min_agreement:
            self.failed.append(f"{file.path} in {engine}: agreement {figures.agreement:.2%}")
        return {
            "against": against, "count": len(labels), "accuracy": figures.accuracy.top1,
            "agreement": figures.agreement, "flips": len(figures.flips),
            "max_abs_difference": figures.max_abs_difference,
        }  # fmt: skip

    def _instructions(self, bundle: Bundle, engine: str, files: list[ModelFile]) -> dict[str, float]:
        """Return the guest instructions of one inference of each file: those between two marks, divided."""
        if self.task.plugin is None or not files:
            return {}
        marks = self._folder(bundle) / f"{engine}.marks"
        variable = f"{self.task.plugin},out={marks},call={self.marking_call}"
        paths = [str(bundle.path / file.path) for file in files]
        done = self.python.with_variables(QEMU_PLUGIN=variable).run([str(MARKS), engine, str(INFERENCES), *paths])
        if done.returncode:
            self.failed.append(
                f"counting {bundle.manifest.name} in {engine} ended with {done.returncode}: {_last(done.stderr)}"
            )
            return {}
        executed = np.loadtxt(marks, dtype=np.int64)[:, 1].reshape(-1, 2)
        each = np.diff(executed)[:, 0] / INFERENCES
        return {file.path: float(count) for file, count in zip(files, each, strict=True)}

    def _folder(self, bundle: Bundle) -> Path:
        folder = folder_of(bundle, self.python.folder / "bundles")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _run(self, *words: object, expected: int = 0) -> Any:
        done = self.python.command(list(map(str, words)))
        if done.returncode != expected:
            command = " ".join(map(str, words[:2]))
            self.failed.append(f"{command} ended with {done.returncode}, not {expected}: {_last(done.stderr)}")
        return done


def _verdicts(stored: Path) -> list[dict[str, Any]]:
    if not stored.exists():
        return []
    rows = json.loads(stored.read_text())["rows"]
    return [{"file": row["file"], "engine": row["engine"], "passed": row["exit_code"] == 0} for row in rows]


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1][:200]


def engines_without_wheels() -> list[str]:
    """Return a line for each engine that a system has no wheel of."""
    return [
        f"{ENGINES[engine].distribution} on {system.suite} {system.architecture}: no wheel for Python {system.python}"
        for system in SYSTEMS.values() for engine in ENGINES if engine not in system.engines
    ]  # fmt: skip
