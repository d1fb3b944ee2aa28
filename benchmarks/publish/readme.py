"""Write the tables of README and docs, and their pictures, from committed results: no published figure is typed.

`python -m benchmarks.publish.readme` writes; with `--check` it exits 1 when pages and results differ.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator

from benchmarks.accuracy import bit_flips, own_models, quantization_training, quantizers
from benchmarks.accuracy import reading_tables as reading
from benchmarks.accuracy.family import family_table
from benchmarks.accuracy.photograph_tables import (
    cells_table,
    misplaced_phrase,
    pages_table,
    readers_table,
    worst_table,
)
from benchmarks.boards.contributed import contributed, contributed_table
from benchmarks.boards.pi_tables import boards_table, cheapest_table, instructions_table, read_table
from benchmarks.compat.compat_tables import compat_line, compat_tables
from benchmarks.harness.benchmark import Result, read_result
from benchmarks.harness.child import ROOT
from benchmarks.latency import engines, false_positives, overhead, roofline, scaling, training
from benchmarks.peers import peers
from benchmarks.publish import pareto
from benchmarks.publish.variants import variants_table
from benchmarks.serving import soak
from benchmarks.serving.serve_table import TABLES as SERVE_TABLES

# Each writes its table on docs/benchmarks.md, under a mark of its name.
LATENCY = [module.BENCHMARK for module in (engines, overhead, scaling, roofline, false_positives, training)]


def sections() -> Iterator[tuple[str, str, str]]:
    """Yield page, mark, and what belongs between ``<!-- mark: ... -->`` and ``<!-- /mark -->``."""
    pi, compat = read_result("pi"), read_result("compat")
    yield (
        "README.md",
        "photographs",
        _joined(reading.headline, pages_table, misplaced_phrase, readers_table, reading.origin),
    )
    yield "README.md", "family", family_table(read_result("family"), read_result("family-latency"))
    yield "README.md", "pareto", pareto.pareto_table(read_result("pareto"))
    yield "README.md", "boards", boards_table(pi)
    yield "README.md", "compat", compat_line(compat)
    yield "README.md", "peers", peers.BENCHMARK.table(read_result("peers"))
    yield "README.md", "variants", variants_table(read_result("parity"), read_result("engines"))
    yield "docs/reading.md", "photographs", _joined(reading.headline, cells_table, pages_table, readers_table)
    yield "docs/reading.md", "photographs-worst", _joined(worst_table, misplaced_phrase)
    yield "docs/reading.md", "reading", _joined(reading.real_table, reading.origin)
    yield "docs/reading.md", "reading-generated", _joined(reading.generated_table, reading.corrupted_table)
    yield "docs/reading.md", "reading-pages", _joined(reading.print_table, reading.numbers_table)
    yield "docs/measuring.md", "bit-flips", bit_flips.flips_table(read_result("bit-flips"))
    yield "docs/own-model.md", "own-models", own_models.BENCHMARK.table(read_result("own-models"))
    trained = quantization_training.BENCHMARK
    yield "docs/quantization-training.md", trained.name, trained.table(read_result(trained.name))
    yield "docs/quantization.md", "quantizers", quantizers.BENCHMARK.table(read_result("quantizers"))
    yield "docs/raspberry-pi.md", "instructions", instructions_table(pi)
    yield "docs/raspberry-pi.md", "read", read_table(pi)
    yield "docs/raspberry-pi.md", "cheapest", cheapest_table(pi)
    yield "docs/compatibility.md", "compat", compat_tables(compat)
    yield "docs/benchmarks.md", "boards-latency", contributed_table(contributed())
    for benchmark in LATENCY:
        yield "docs/benchmarks.md", benchmark.name, benchmark.table(read_result(benchmark.name))
    for part, make in SERVE_TABLES.items():
        yield "docs/serve.md", f"serve-{part}", make(read_result("serve"))
    yield "docs/serve.md", "soak", soak.BENCHMARK.table(read_result("soak"))


def _joined(*makers: Callable[[Result], str]) -> str:
    """Return several tables of what `make reading` found."""
    result = read_result("reading")
    return "\n\n".join(make(result) for make in makers)


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
    for name, mark, table in sections():
        pages[name] = updated(pages.get(name) or (ROOT / name).read_text(), mark, table)
    if args.check:
        stale = [name for name, text in pages.items() if (ROOT / name).read_text() != text]
        for name in stale:
            print(f"{name} differs from benchmarks/results: run make readme", file=sys.stderr)
        return int(bool(stale))
    for name, text in pages.items():
        (ROOT / name).write_text(text)
    for benchmark in (*LATENCY, peers.BENCHMARK, pareto.BENCHMARK, soak.BENCHMARK):
        if benchmark.picture is not None:
            picture = benchmark.picture(read_result(benchmark.name))
            (ROOT / "docs" / f"{benchmark.name}.svg").write_bytes(picture)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
