"""Write the tables of README and docs, and README's picture, from committed results: no published figure is typed.

`python benchmarks/readme.py` writes; with `--check` it exits 1 when pages and results differ.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from compat.page import tables as compat_tables
from reading.curve import draw_rejection
from reading.tables import reading_tables, short_table, thresholds_table
from tables import boards_table, compat_line, flips_table, instructions_table, variants_table

from edgedigits_export.figures import join_rows
from edgedigits_export.front import draw_front

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"
PICTURE = ROOT / "docs" / "front.svg"
CURVE = ROOT / "docs" / "rejection.svg"


def sections() -> Iterator[tuple[str, str, str]]:
    """Page, mark, and what belongs between ``<!-- mark: ... -->`` and ``<!-- /mark -->``."""
    pi = result("pi")
    yield "README.md", "variants", variants_table(result("parity"), result("bench"))
    yield "README.md", "boards", boards_table(pi)
    yield "README.md", "compat", compat_line(result("compat"))
    yield "docs/measuring.md", "bit-flips", flips_table(result("bit-flips"))
    yield "docs/raspberry-pi.md", "instructions", instructions_table(pi)
    yield "docs/compatibility.md", "compat", compat_tables(result("compat"))
    reading = reading_tables(result("reading"))
    yield "README.md", "reading", short_table(result("reading"))
    for mark, table in reading.items():
        yield "docs/reading.md", mark, table
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
    CURVE.write_bytes(draw_rejection(result("thresholds")))
    PICTURE.write_bytes(draw_front(join_rows(result("parity"), result("bench"))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
