"""`edgedigits selftest`."""

from __future__ import annotations

import argparse

from edgedigits.cli.options import add_choice, add_output, check_output, give, table


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("bundle", nargs="?", help="a shipped bundle's name or a path (default: the one in the package)")
    add_choice(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Answer the golden inputs with each variant in each engine."""
    check_output(args)
    from edgedigits.bundle import Bundle
    from edgedigits.cli.choice import choose_files
    from edgedigits.records import to_plain
    from edgedigits.trust.selftest import selftest

    bundle = Bundle.load(args.bundle)
    files, engines = choose_files(bundle, args.variant, args.engine)
    rows = selftest(bundle, files, engines, args.threads)
    cells = []
    for row in rows:
        if row.result is None:
            cells.append([row.file, row.engine, "–", "–", "–", f"FAILED: {row.error}"])
            continue
        wrong = f"{len(row.result.wrong)}/{row.result.count}"
        off = f"{len(row.result.pictures_off)}/{row.result.pictures}"
        verdict = "passed" if row.result.passed else "FAILED"
        cells.append([row.file, row.engine, wrong, f"{row.result.max_abs_difference:.1e}", off, verdict])
    text = table(["file", "engine", "wrong", "max |Δ|", "pictures off", ""], cells)
    give(args, {"bundle": bundle.id, "rows": to_plain(tuple(rows))}, text)
    return max(row.exit_code for row in rows)
