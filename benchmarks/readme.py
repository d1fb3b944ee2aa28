"""Write README's tables and picture from committed results, so that no published figure is typed by hand.

`python benchmarks/readme.py` writes; with `--check` it exits 1 when README and results differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from edgedigits_export.figures import join_rows
from edgedigits_export.front import draw_front

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "front.svg"
RESULTS = ROOT / "benchmarks" / "results"
BEGIN, END = "<!-- variants: make readme -->", "<!-- /variants -->"


def variants_table(parity: dict[str, Any], bench: dict[str, Any]) -> str:
    """The table of variants, with the machine and versions it was measured on."""
    lines = [
        "| file | engine | KB | accuracy | drop, pp | changed answers | p50 µs | p99 µs |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| `{row.file}` | {row.engine} | {row.kilobytes:.1f} | {100 * row.accuracy:.2f} % | {row.drop:+.2f} "
        f"| {row.flips} | {row.p50_us:.1f} | {row.p99_us:.1f} |"
        for row in join_rows(parity, bench)
    ]
    machine, keras = bench["machine"], parity["keras"]
    low, high = keras["ci95"]
    lines += [
        "",
        f"Accuracy over the {parity['count']:,} images of {parity['data']}, where Keras itself has "
        f"{100 * keras['top1']:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f}); drop and changed answers "
        "against Keras. Latency of one inference, tensors set and got, one thread, a process a row, on "
        f"{machine['board'] or machine['cpu']} ({machine['cores']} cores, {machine['architecture']}), "
        f"Python {machine['python']}: a shared virtual machine, not a Raspberry Pi. "
        f"Bundle `{parity['bundle'][:12]}`; measured by `make results`, written by `make readme`.",
    ]
    return "\n".join(lines)


def results() -> tuple[dict[str, Any], dict[str, Any]]:
    """What `parity -o` and `bench -o` stored."""
    parity, bench = (json.loads((RESULTS / f"{name}.json").read_text()) for name in ("parity", "bench"))
    return parity, bench


def updated(readme: str) -> str:
    """README with its generated part as the results say."""
    parity, bench = results()
    before, rest = readme.split(BEGIN)
    return f"{before}{BEGIN}\n{variants_table(parity, bench)}\n{END}{rest.split(END)[1]}"


def main() -> int:
    """Write README, or check it."""
    readme = README.read_text()
    wanted = updated(readme)
    if "--check" in sys.argv:
        if readme != wanted:
            print("README.md differs from benchmarks/results: run make readme", file=sys.stderr)
        return int(readme != wanted)
    README.write_text(wanted)
    PICTURE.write_bytes(draw_front(join_rows(*results())))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
