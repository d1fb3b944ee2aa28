"""Write the tables of README and docs, and their pictures, from committed results: no published figure is typed.

`python benchmarks/readme.py` writes; with `--check` it exits 1 when pages and results differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alarms.table import alarms_table
from compat.page import tables as compat_tables
from contributed import contributed, contributed_table
from engines import engines_table
from family import family_table
from front import front_table, picture
from limit.bound import limit_table
from loadgen.verdict import loadgen_table
from outliers_table import outliers_table
from overhead.table import overhead_table
from peers.table import peers_table
from pictures import draw_engines, draw_loadgen, draw_overhead, draw_peers
from reading.curve import draw_rejection
from reading.tables import reading_tables, short_table, thresholds_table
from robustness import robustness_table
from scaling.panels import draw_scaling
from scaling.table import scaling_table
from searched import read_log, search_table
from serve.table import TABLES as SERVE
from tables import boards_table, cheapest_table, compat_line, flips_table, instructions_table, variants_table
from training import training_table

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
# Picture, result, and what draws it.
PICTURES = {
    "front": ("front", picture), "rejection": ("thresholds", draw_rejection), "scaling": ("scaling", draw_scaling),
    "engines": ("engines", draw_engines), "overhead": ("overhead", draw_overhead), "peers": ("peers", draw_peers),
    "loadgen": ("loadgen", draw_loadgen),
}  # fmt: skip
# Tables of docs/benchmarks.md, each of the result of its own name.
BENCHMARKS = {
    "engines": engines_table, "overhead": overhead_table, "scaling": scaling_table, "loadgen": loadgen_table,
    "limit": limit_table, "alarms": alarms_table, "training": training_table,
}  # fmt: skip


def sections() -> Iterator[tuple[str, str, str]]:
    """Page, mark, and what belongs between ``<!-- mark: ... -->`` and ``<!-- /mark -->``."""
    pi = result("pi")
    yield "README.md", "family", family_table(result("family"), result("family-latency"))
    yield "models/README.md", "outliers", outliers_table(json.loads((ROOT / "models" / "outliers.json").read_text()))
    yield "models/README.md", "search", search_table(read_log("search"), read_log("cost"))
    yield "docs/reading.md", "reading-family", robustness_table(result("robustness"))
    yield "README.md", "variants", variants_table(result("parity"), result("engines"))
    yield "README.md", "boards", boards_table(pi)
    yield "README.md", "peers", peers_table(result("peers"))
    yield "README.md", "front", front_table(result("front"))
    yield "README.md", "compat", compat_line(result("compat"))
    yield "docs/measuring.md", "bit-flips", flips_table(result("bit-flips"))
    yield "docs/raspberry-pi.md", "instructions", instructions_table(pi)
    yield "docs/raspberry-pi.md", "cheapest", cheapest_table(pi)
    yield "docs/compatibility.md", "compat", compat_tables(result("compat"))
    reading = reading_tables(result("reading"))
    yield "README.md", "reading", short_table(result("reading"))
    for mark, table in reading.items():
        yield "docs/reading.md", mark, table
    yield "docs/benchmarks.md", "boards-latency", contributed_table(contributed())
    for mark, make in BENCHMARKS.items():
        yield "docs/benchmarks.md", mark, make(result(mark))
    for part, make in SERVE.items():
        yield "docs/serve.md", f"serve-{part}", make(result("serve"))
    yield "docs/reading.md", "reading-thresholds", thresholds_table(result("thresholds"))


def result(name: str) -> dict[str, Any]:
    """A committed result."""
    told: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return told


def updated(page: str, mark: str, table: str) -> str:
    """A page's text with one section replaced."""
    before, rest = page.split(f"<!-- {mark}:")
    label, rest = rest.split("-->\n", 1)
    _, after = rest.split(f"<!-- /{mark} -->")
    return f"{before}<!-- {mark}:{label}-->\n{table}\n<!-- /{mark} -->{after}"


def main() -> int:
    """Write the pages, or check them."""
    pages: dict[str, str] = {}
    for name, mark, table in sections():
        pages[name] = updated(pages.get(name) or (ROOT / name).read_text(), mark, table)
    if "--check" in sys.argv:
        stale = [name for name, text in pages.items() if (ROOT / name).read_text() != text]
        for name in stale:
            print(f"{name} differs from benchmarks/results: run make readme", file=sys.stderr)
        return int(bool(stale))
    for name, text in pages.items():
        (ROOT / name).write_text(text)
    for name, (source, draw) in PICTURES.items():
        (ROOT / "docs" / f"{name}.svg").write_bytes(draw(result(source)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
