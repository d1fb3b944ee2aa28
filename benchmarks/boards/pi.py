"""Does it run on a Raspberry Pi, and does it compute the same there? Asked of emulated boards, with the built wheel.

`python benchmarks/pi.py WHEEL [--bundle BUNDLE] [--member BUNDLE ...] [-o FILE] [--check]`: on each board, with each of
its systems, the wheel's `doctor`, `selftest`, `classify`, `serve` and `parity --save-outputs` over test digits of
MNIST, compared with what the same engines answer on this machine; and guest instructions per inference. Of members only
self-test, parity and instructions. With --check it exits 1 where a gate fails or an instruction count left the
committed one; committed members that are not named are left alone. Emulation proves compatibility and numerics, never
speed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from pi_board import Task, folder_of, on_board, without_wheels
from PIL import Image
from tables import model_and_variant

from edgedigits.bundle import Bundle
from edgedigits.cli.commands import COMMANDS
from edgedigits.console.tables import table
from edgedigits.datasets import load_mnist
from edgedigits.engines import ENGINES, installed_engines
from edgedigits.errors import UsageError
from edgedigits_export.emulation.boards import NOTE, SYSTEMS

ROOT = Path(__file__).parent.parent
COMMITTED = ROOT / "benchmarks" / "results" / "pi.json"
BOARDS = ("pi3", "pi4", "pi5")  # zero2w has pi3's processor
# QEMU has one processor for all 32-bit systems, so one board stands for them.
ASKED = [
    (board, name) for name, board in product(SYSTEMS, BOARDS) if SYSTEMS[name].architecture == "arm64" or board == "pi3"
]
GUESTS = 2  # at once
FEW = 100  # digits for a member: an emulated board takes minutes for a thousand in the largest one
# Of instructions per inference. LiteRT and tflite repeat within 0.01 %, onnxruntime within 0.2 %; bookworm and trixie,
# with other C libraries, Pythons and builds of the same releases, differ by about 1 % at most. Another choice of
# kernels, which is what this is to notice, changes counts by tens of percent.
TOLERANCE = 0.01


def main() -> int:
    """Run everything; returns 1 when a gate failed."""
    args = _parse()
    with tempfile.TemporaryDirectory(prefix="edgedigits-pi-") as name:
        folder = Path(name)
        zipfile.ZipFile(args.wheel).extractall(folder / "wheel")
        bundle, *members = bundles(args.bundle, args.member)
        data, few, picture, label = _digits(folder, args.digits)
        plugin, native = _plugin(folder), folder / "native"
        wheel = folder / "wheel"
        task = Task(bundle, tuple(members), wheel, data, few, picture, label, native, plugin, tuple(args.lie))
        for one in task.bundles:
            print(f"{one.manifest.name} natively: {', '.join(_native(task, one))}", file=sys.stderr)
        with ThreadPoolExecutor(GUESTS) as pool:
            machines = list(pool.map(lambda one: on_board(task, *one), ASKED))
    result = {
        "note": NOTE, "wheel": args.wheel.name, "bundle": bundle.id,
        "members": {member.manifest.name: member.id for member in members}, "digits": args.digits,
        "member_digits": min(FEW, args.digits), "data": "mnist:test", "skipped": _skipped(task), "machines": machines,
    }  # fmt: skip
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(result, indent=1) + "\n")
    failed = [f"{_name(machine)}: {line}" for machine in machines for line in machine["failed"]]
    if args.check:
        failed += drifted(result, json.loads(COMMITTED.read_text()))
    print(_table(machines))
    for line in [NOTE, *(f"skipped: {line}" for line in result["skipped"]), *(f"FAILED: {line}" for line in failed)]:
        print(line)
    return int(bool(failed))


def bundles(main: str | None, members: list[str]) -> list[Bundle]:
    """The main bundle and its members, which results tell apart by their names.

    Raises
    ------
    UsageError: two of the same name.

    """
    found = [Bundle.load(place) for place in (main, *members)]
    names = [bundle.manifest.name for bundle in found]
    if len(set(names)) < len(names):
        raise UsageError(f"expected bundles of different names, found {', '.join(names)}; export them with --name")
    return found


def drifted(result: dict[str, Any], committed: dict[str, Any]) -> list[str]:
    """Instruction counts that differ from the committed ones, and those that are not there to compare with.

    Committed members that this run was not asked about have nothing to be compared with, and need not.
    """
    before, now = _counts(committed), _counts(result)
    unasked = committed["members"].keys() - result["members"].keys()
    before = {key: count for key, count in before.items() if model_and_variant(key[3])[0] not in unasked}
    found = [f"{' '.join(key)}: in the committed results, not in these" for key in before.keys() - now.keys()]
    for key, count in now.items():
        if key not in before:
            found.append(f"{' '.join(key)}: not in {COMMITTED.name}; run make pi-family and commit it")
        elif count is not None and before[key] is not None and abs(count / before[key] - 1) > TOLERANCE:
            found.append(f"{' '.join(key)}: {count:,.0f} instructions, committed {before[key]:,.0f}")
    return sorted(found)


def _counts(result: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    return {
        (machine["board"], machine["os"], machine["arch"], row["file"], row["engine"], row["version"]):
            row["instructions"]
        for machine in result["machines"] for row in machine["rows"]
    }  # fmt: skip


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The built wheel on emulated Raspberry Pis.")
    parser.add_argument("wheel", type=Path)
    parser.add_argument("--bundle", help="default: the shipped one")
    parser.add_argument(
        "--member", action="append", default=[], metavar="BUNDLE",
        help="a bundle of which only self-test, parity and instructions are asked; may be repeated",
    )  # fmt: skip
    parser.add_argument("--digits", type=int, default=1000, help="test digits for parity (default: 1000)")
    parser.add_argument(
        "--lie", action="append", type=Path, default=[], metavar="BUNDLE",
        help="a bundle whose self-test must fail in tflite-runtime on every board",
    )  # fmt: skip
    parser.add_argument("-o", "--output", type=Path, default=Path("build/pi.json"))
    parser.add_argument("--check", action="store_true", help="compare with benchmarks/results/pi.json")
    return parser.parse_args()


def _digits(folder: Path, count: int) -> tuple[Path, Path, Path, int]:
    """The first test digits as a data set, and some of them; one of them as a picture, dark on white, and its label."""
    digits = load_mnist()[1].take(np.arange(count))
    data, few, picture = folder / "digits.npz", folder / "few.npz", folder / "digit.png"
    for path, part in ((data, digits), (few, digits.take(np.arange(min(FEW, count))))):
        np.savez(path, images=part.images, labels=part.labels, names=np.array(part.names))
    Image.fromarray(255 - digits.images[0, ..., 0]).resize((112, 112)).save(picture)
    return data, few, picture, int(digits.labels[0])


def _native(task: Task, bundle: Bundle) -> list[str]:
    """Answer with every engine of this machine, to compare with; returns their names."""
    kept = folder_of(bundle, task.native)
    words = ["parity", bundle.path, "--data", task.data_of(bundle), "--save-outputs", kept, "--json"]
    subprocess.run([sys.executable, "-m", "edgedigits.cli.main", *words], check=True, capture_output=True)
    read = {file.format for file in bundle.manifest.files}
    return [name for name in installed_engines() if ENGINES[name].format in read]


def _plugin(folder: Path) -> Path | None:
    """The counting plugin of QEMU, where there is a compiler."""
    if shutil.which("gcc") is None:
        return None
    plugin, source = folder / "insncount.so", Path(__file__).with_name("insncount.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", plugin, source], check=True)  # noqa: S607
    return plugin


def _skipped(task: Task) -> list[str]:
    """What was not asked, and why."""
    skipped = [*without_wheels(), "32-bit trixie: no engine has a wheel for it"]
    skipped.append("32-bit bookworm on pi4 and pi5: QEMU would run it on the same processor as on pi3")
    if "doctor" not in COMMANDS:
        skipped.append("doctor: there is no such verb yet")
    if task.plugin is None:
        skipped.append("instruction counts: no gcc to compile the counting plugin")
    return skipped


def _name(machine: dict[str, Any]) -> str:
    return f"{machine['board']} {machine['os']} {machine['arch']}"


def _table(machines: list[dict[str, Any]]) -> str:
    cells = []
    for machine in machines:
        for row in machine["rows"]:
            count = "–" if row["instructions"] is None else f"{row['instructions']:,.0f}"
            cells.append([
                machine["board"], f"{machine['os']} {machine['arch']}", row["file"], row["engine"],
                f"{row['agreement']:.2%}", str(row["flips"]), f"{row['max_abs_difference']:.1e}", count,
            ])  # fmt: skip
    head = ["board", "system", "file", "engine", "agreement", "flips", "max |Δ|", "instructions"]
    return table(head, cells)


if __name__ == "__main__":
    raise SystemExit(main())
