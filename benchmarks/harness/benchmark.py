"""A benchmark: what it measures, and how its result becomes a file, a table and a picture."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.harness.child import ROOT
from benchmarks.harness.venvs import versions
from edgedigits.bundle import Bundle
from edgedigits.files import write_atomic
from edgedigits.measure.machine import describe_machine
from edgedigits.records import to_plain

SCHEMA = 1
RESULTS = ROOT / "benchmarks" / "results"
Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One question that is answered by measuring.

    Attributes
    ----------
    name: of ``benchmarks/results/NAME.json``, and of the table's mark in the documentation.
    question: the first line of ``--help``.
    measure: makes the result from the parsed options, of which ``smallest`` (bool) and ``output`` (Path) always exist.
    table: the result in Markdown.
    picture: the result as SVG, for benchmarks that have one; no bytes where there is nothing to draw.
    options: adds further options to the parser.
    failures: returns one sentence for each fault of a result; any fault makes the exit code 1.

    """

    name: str
    question: str
    measure: Callable[[argparse.Namespace], Result]
    table: Callable[[Result], str]
    picture: Callable[[Result], bytes] | None = None
    options: Callable[[argparse.ArgumentParser], object] = lambda _: None
    failures: Callable[[Result], Sequence[str]] = lambda _: ()

    def parse(self, words: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse command-line words, by default those of this process."""
        parser = argparse.ArgumentParser(description=self.question)
        parser.add_argument("--smallest", action="store_true", help="measure as little as shows that everything works")
        file = RESULTS / f"{self.name}.json"
        shown = f"write the result to FILE; default: {file.relative_to(ROOT)}"
        parser.add_argument("-o", "--output", type=Path, default=file, metavar="FILE", help=shown)
        self.options(parser)
        return parser.parse_args(words)

    def main(self, words: Sequence[str] | None = None) -> int:
        """Measure, write the result, print its table and failures; returns the exit code."""
        args = self.parse(words)
        result = self.measure(args)
        write_result(args.output, result)
        print(self.table(result))
        failures = self.failures(result)
        for failure in failures:
            print(f"FAILED: {failure}")
        return int(bool(failures))


def describe(names: Sequence[str], python: str = sys.executable) -> Result:
    """Describe what was measured with: schema, machine, and the versions of ``names`` in ``python``."""
    return {"schema": SCHEMA, "machine": to_plain(describe_machine()), "versions": versions(names, python)}


def describe_shipped(names: Sequence[str], python: str = sys.executable) -> Result:
    """Describe what the shipped bundle was measured with, as `describe` does, and say which bundle that is."""
    return describe(names, python) | {"bundle": Bundle.load().id}


def read_result(name: str) -> Result:
    """Return a committed result."""
    result: Result = json.loads((RESULTS / f"{name}.json").read_text())
    return result


def write_result(path: Path, result: Result) -> None:
    """Write a result as JSON, never half of it."""
    write_atomic(path, (json.dumps(result, indent=1, ensure_ascii=False) + "\n").encode())


def progress(text: str) -> None:
    """Say on standard error how far a benchmark is."""
    print(text, file=sys.stderr, flush=True)
