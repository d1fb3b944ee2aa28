"""Does the built wheel run on a Raspberry Pi and compute the same there? Measured on emulated boards.

    python -m benchmarks.boards.pi WHEEL [--bundle BUNDLE] [--member BUNDLE ...] [--each-once] [--check] [-o FILE]

Each board runs, with each of its systems, the wheel's `doctor`, `selftest`, `classify`, `serve`, `bench` and `parity
--save-outputs` over test digits of MNIST. The outputs are compared with those of the same engines on the host, and the
guest instructions of an inference are counted. Members run only `selftest`, `parity` and the counting. With --check the
exit code is 1 when an instruction count left the committed one. What was not asked for is left out of that: members
that are not named and, with --each-once, most boards. Emulation shows compatibility and numerics, never speed.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.boards.pi_board import Task, engines_without_wheels, folder_of, on_board
from benchmarks.boards.pi_read import write_page
from benchmarks.boards.pi_tables import boards_phrase, instructions_table, model_and_variant, read_table
from benchmarks.harness.benchmark import RESULTS, Benchmark, Result, progress, read_result
from edgedigits.bundle import Bundle
from edgedigits.datasets import load_mnist
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import UsageError
from edgedigits_export.emulation.boards import NOTE, SYSTEMS

COMMITTED = RESULTS / "pi.json"
BOARDS = ("pi3", "pi4", "pi5")  # zero2w has pi3's processor
# QEMU has one processor for all 32-bit systems, so one board stands for them.
MACHINES = [
    (board, name) for name, board in product(SYSTEMS, BOARDS) if SYSTEMS[name].architecture == "arm64" or board == "pi3"
]
# Every board once and every system once: what --each-once leaves of them.
EACH_ONCE = [("pi4", "bookworm-arm64"), ("pi5", "trixie-arm64"), ("pi3", "bookworm-armhf")]
GUESTS = 2  # emulated boards that run at the same time
MEMBER_DIGITS = 100  # an emulated board takes minutes for a thousand in the largest member
SMALLEST_DIGITS = 20
# Of instructions per inference. LiteRT and tflite-runtime repeat within 0.01 %, onnxruntime within 0.2 %; bookworm and
# trixie, with other C libraries, Pythons and builds of the same releases, differ by about 1 % at most. Another choice
# of kernels, which this has to notice, changes counts by tens of percent.
TOLERANCE = 0.01


def measure(args: argparse.Namespace) -> Result:
    """Run everything on every board."""
    digits, asked = args.digits, EACH_ONCE if args.each_once else MACHINES
    if args.smallest:
        digits, asked = SMALLEST_DIGITS, MACHINES[:1]
    with tempfile.TemporaryDirectory(prefix="edgedigits-pi-") as name:
        folder = Path(name)
        zipfile.ZipFile(args.wheel).extractall(folder / "wheel")
        bundle, *members = load_bundles(args.bundle, args.member)
        data, few, picture, label = _digits(folder, digits)
        write_page(load_mnist()[1].images, page := folder / "page.png")
        native, plugin = folder / "native", _plugin(folder)
        task = Task(
            bundle, tuple(members), folder / "wheel", data, few, picture, label, page, native, plugin, tuple(args.wrong)
        )
        for one in task.bundles:
            progress(f"{one.manifest.name} on the host: {', '.join(run_on_host(task, one))}")
        with ThreadPoolExecutor(GUESTS) as pool:
            machines = list(pool.map(lambda machine: on_board(task, *machine), asked))
    return {
        "note": NOTE, "wheel": args.wheel.name, "bundle": bundle.id,
        "members": {member.manifest.name: member.id for member in members}, "digits": digits,
        "member_digits": min(MEMBER_DIGITS, digits), "data": "mnist:test", "skipped": _skipped(task),
        "machines": machines,
    }  # fmt: skip


def load_bundles(main: str | None, members: list[str]) -> list[Bundle]:
    """Load the main bundle and the members, which results tell apart by their names.

    Raises
    ------
    UsageError: two of the same name.

    """
    found = [Bundle.load(place) for place in (main, *members)]
    names = [bundle.manifest.name for bundle in found]
    if len(set(names)) < len(names):
        raise UsageError(f"expected bundles of different names, found {', '.join(names)}; export them with --name")
    return found


def drifted(result: Result, committed: Result) -> list[str]:
    """Return a line for each instruction count that left the committed one or has none, and for each that is missing.

    Committed machines and members that are not in ``result`` need not be there.
    """
    before, now = _counts(committed), _counts(result)
    machines = {_name_of(machine) for machine in result["machines"]}
    unasked = committed["members"].keys() - result["members"].keys()
    before = {
        key: count for key, count in before.items()
        if key[:3] in machines and model_and_variant(key[3])[0] not in unasked
    }  # fmt: skip
    found = [f"{' '.join(key)}: in the committed results, not in these" for key in before.keys() - now.keys()]
    for key, count in now.items():
        if key not in before:
            found.append(f"{' '.join(key)}: not in {COMMITTED.name}; run make figures and commit it")
        elif count is not None and before[key] is not None and abs(count / before[key] - 1) > TOLERANCE:
            found.append(f"{' '.join(key)}: {count:,.0f} instructions, committed {before[key]:,.0f}")
    return sorted(found)


def _counts(result: Result) -> dict[tuple[str, ...], Any]:
    return {
        (*_name_of(machine), row["file"], row["engine"], row["version"]): row["instructions"]
        for machine in result["machines"] for row in machine["rows"]
    }  # fmt: skip


def _name_of(machine: Result) -> tuple[str, ...]:
    return machine["board"], machine["os"], machine["arch"]


def _digits(folder: Path, count: int) -> tuple[Path, Path, Path, int]:
    """Write the first test digits as a data set, fewer for members, and one as a picture; returns its label, too."""
    digits = load_mnist()[1].take(np.arange(count))
    data, few, picture = folder / "digits.npz", folder / "few.npz", folder / "digit.png"
    for path, part in ((data, digits), (few, digits.take(np.arange(min(MEMBER_DIGITS, count))))):
        np.savez(path, images=part.images, labels=part.labels, names=np.array(part.names))
    Image.fromarray(255 - digits.images[0, ..., 0]).resize((112, 112)).save(picture)
    return data, few, picture, int(digits.labels[0])


def run_on_host(task: Task, bundle: Bundle) -> list[str]:
    """Save the outputs of the host's engines for comparison; returns the engines' names."""
    kept = folder_of(bundle, task.native)
    words = ["parity", bundle.path, "--data", task.data_of(bundle), "--save-outputs", kept, "--json"]
    subprocess.run([sys.executable, "-m", "edgedigits.cli.main", *map(str, words)], check=True, capture_output=True)
    formats = {file.format for file in bundle.manifest.files}
    return [name for name in installed_engines() if ENGINES[name].format in formats]


def _plugin(folder: Path) -> Path | None:
    """Compile the counting plugin of QEMU; None without a compiler."""
    if shutil.which("gcc") is None:
        return None
    plugin, source = folder / "insncount.so", Path(__file__).with_name("insncount.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin, source], check=True)  # noqa: S607
    return plugin


def _skipped(task: Task) -> list[str]:
    """Return what is not measured, and why."""
    skipped = [*engines_without_wheels(), "32-bit trixie: no engine has a wheel for it"]
    skipped.append("32-bit bookworm on pi4 and pi5: QEMU would run it on the same processor as on pi3")
    if task.plugin is None:
        skipped.append("instruction counts: no gcc to compile the counting plugin")
    return skipped


def _failures(result: Result, *, check: bool = False) -> list[str]:
    failed = [
        f"{machine['board']} {machine['os']} {machine['arch']}: {line}"
        for machine in result["machines"] for line in machine["failed"]
    ]  # fmt: skip
    return failed + (drifted(result, read_result("pi")) if check else [])


def _table(result: Result) -> str:
    skipped = "\n".join(f"skipped: {line}" for line in result["skipped"])
    return f"{boards_phrase(result)}\n\n{instructions_table(result)}\n\n{read_table(result)}\n\n{skipped}"


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--bundle", help="default: the shipped one")
    parser.add_argument(
        "--member", action="append", default=[], metavar="BUNDLE",
        help="a bundle that runs only selftest, parity and the counting of instructions; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--each-once", action="store_true", help="run each board and each system once, not all of their combinations"
    )
    parser.add_argument("--digits", type=int, default=1000, help="test digits for parity (default: 1000)")
    parser.add_argument(
        "--wrong", action="append", type=Path, default=[], metavar="BUNDLE",
        help="a bundle whose self-test has to fail in tflite-runtime on every board",
    )  # fmt: skip
    parser.add_argument("--check", action="store_true", help=f"fail when counts differ from {COMMITTED.name}")


BENCHMARK = Benchmark(
    "pi", "Measure the built wheel on emulated Raspberry Pis.", measure, _table, options=_options, failures=_failures
)

if __name__ == "__main__":
    asked = BENCHMARK.parse()
    raise SystemExit(replace(BENCHMARK, failures=partial(_failures, check=asked.check)).main())
