"""Write the tables of README and docs, and their pictures, from committed results: no published figure is typed.

`python -m benchmarks.publish.readme` writes; with `--check` it exits 1 when pages and results differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from benchmarks.accuracy import bit_flips, own_models, quantization_training, quantizers
from benchmarks.accuracy import reading_tables as reading
from benchmarks.accuracy.family import family_table, short_table
from benchmarks.accuracy.photograph_tables import (
    beside_table,
    cells_table,
    misplaced_phrase,
    pages_table,
    readers_table,
    worst_table,
)
from benchmarks.boards.contributed import contributed, contributed_table
from benchmarks.boards.pi_tables import (
    boards_line,
    boards_phrase,
    cheapest_table,
    instructions_table,
    read_table,
)
from benchmarks.compat.compat_tables import compat_tables
from benchmarks.harness.benchmark import Result, read_result
from benchmarks.harness.child import ROOT
from benchmarks.latency import engines, false_positives, overhead, roofline, scaling, training
from benchmarks.peers import peers
from benchmarks.publish import origins
from benchmarks.publish.pareto import draw_pareto, pareto_phrase
from benchmarks.publish.variants import variants_table
from benchmarks.scoring.score_table import days_phrase, score_table
from benchmarks.serving import soak
from benchmarks.serving.serve_table import TABLES as SERVE_TABLES

# Each writes its table on docs/benchmarks.md, under a mark of its name.
LATENCY = [module.BENCHMARK for module in (peers, overhead, roofline, scaling, engines, false_positives, training)]


# Each writes a table on docs/raspberry-pi.md, under its mark.
BOARDS: dict[str, Callable[[Result], str]] = {
    "boards": boards_phrase,
    "instructions": instructions_table,
    "read": read_table,
    "cheapest": cheapest_table,
}


class Section(NamedTuple):
    """What belongs between ``<!-- mark: ... -->`` and ``<!-- /mark -->`` on a page, and the results it is made of."""

    page: str
    mark: str
    table: str
    results: Sequence[str] = ()


def sections() -> Iterator[Section]:
    """Yield every section, and below a table that was measured apart from the others that it was."""
    figures = read_result("figures") if origins.RESULT.exists() else None
    for section in _sections():
        results = [read_result(name) for name in section.results]
        apart = origins.apart_phrase(figures, results) if figures else ""
        yield section._replace(table=f"{section.table}\n\n{apart}") if apart else section


def _sections() -> Iterator[Section]:
    yield from _front()
    for benchmark in LATENCY:
        yield _of("docs/benchmarks.md", benchmark.name, benchmark.table, benchmark.name)
    yield _of("docs/benchmarks.md", "variants", variants_table, "parity", "engines", "pi")
    yield Section("docs/benchmarks.md", "boards-latency", contributed_table(contributed()))
    photographs = (reading.headline, cells_table, pages_table, readers_table)
    for mark, *makers in (
        ("photographs", *photographs), ("photographs-worst", worst_table, misplaced_phrase),
        ("reading", reading.real_table, reading.origin),
        ("reading-generated", reading.generated_table, reading.corrupted_table),
        ("reading-pages", reading.print_table, reading.numbers_table),
    ):  # fmt: skip
        yield _of("docs/reading.md", mark, _joined(*makers), "reading")
    yield _of("docs/measuring.md", "bit-flips", bit_flips.flips_table, "bit-flips")
    for page, benchmark in (
        ("own-model", own_models), ("quantization-training", quantization_training), ("quantization", quantizers)
    ):  # fmt: skip
        yield _of(f"docs/{page}.md", benchmark.BENCHMARK.name, benchmark.BENCHMARK.table, benchmark.BENCHMARK.name)
    for mark, make in BOARDS.items():
        yield _of("docs/raspberry-pi.md", mark, make, "pi")
    yield _of("docs/compatibility.md", "compat", compat_tables, "compat")
    for part, make in SERVE_TABLES.items():
        yield _of("docs/serve.md", f"serve-{part}", make, "serve")
    yield _of("docs/scale.md", "score", score_table, "score")
    yield _of("docs/scale.md", "score-days", days_phrase, "score", "pi")
    yield _of("docs/serve.md", "soak", soak.BENCHMARK.table, "soak")


def _front() -> Iterator[Section]:
    """Yield what is on README, and on the page of the family."""
    yield _of("README.md", "photographs", _joined(reading.headline, beside_table), "reading")
    family = read_result("family")  # of `make models`: of many bundles and no machine, which its tables do not name
    yield Section("README.md", "family", short_table(family))
    yield _of("README.md", "boards", boards_line, "pi")
    yield Section("models/README.md", "family", family_table(family))
    yield Section("models/README.md", "pareto", pareto_phrase())


def _of(page: str, mark: str, make: Callable[..., str], *names: str) -> Section:
    """Return the section that ``make`` makes of these results."""
    return Section(page, mark, make(*map(read_result, names)), names)


def _joined(*makers: Callable[[Result], str]) -> Callable[[Result], str]:
    """Return what makes several tables of one result."""
    return lambda result: "\n\n".join(make(result) for make in makers)


def updated(page: str, mark: str, table: str) -> str:
    """Return a page's text with one section replaced."""
    before, rest = page.split(f"<!-- {mark}:")
    label, rest = rest.split("-->\n", 1)
    _, after = rest.split(f"<!-- /{mark} -->")
    return f"{before}<!-- {mark}:{label}-->\n{table}\n<!-- /{mark} -->{after}"


def main() -> int:
    """Write the pages and pictures, or check the pages."""
    parser = argparse.ArgumentParser(description="Write the tables and pictures of README and docs.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when pages and results differ")
    args = parser.parse_args()
    pages: dict[str, str] = {}
    for name, mark, table, _ in sections():
        pages[name] = updated(pages.get(name) or (ROOT / name).read_text(), mark, table)
    if args.check:
        stale = [name for name, text in pages.items() if (ROOT / name).read_text() != text]
        for name in stale:
            print(f"{name} differs from benchmarks/results: run make readme", file=sys.stderr)
        return int(bool(stale))
    for name, text in pages.items():
        (ROOT / name).write_text(text)
    (ROOT / "docs" / "pareto.svg").write_bytes(draw_pareto(read_result("family"), read_result("peers")))
    for benchmark in (*LATENCY, soak.BENCHMARK):
        if benchmark.picture is not None and (picture := benchmark.picture(read_result(benchmark.name))):
            (ROOT / "docs" / f"{benchmark.name}.svg").write_bytes(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
