"""The command `edgedigits report`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgedigits.console.progress import progress
from edgedigits.files import refuse_existing, write_atomic


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder that train wrote")
    parser.add_argument("bundle", metavar="BUNDLE", help="the bundle exported from it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.add_argument("--parity", type=Path, metavar="FILE", help="what parity -o stored (default: run parity now)")
    parser.add_argument("--bench", type=Path, metavar="FILE", help="what bench -o stored (default: run bench now)")


def run(args: argparse.Namespace) -> int:
    """Write one page that needs no other file."""
    refuse_existing(args.output, overwrite=args.overwrite)
    from edgedigits.bundle import Bundle
    from edgedigits_export.report.figures import measure_figures, read_figures, read_record
    from edgedigits_export.report.page import Report, render

    bundle = Bundle.load(args.bundle)
    record = read_record(args.run)
    parity = read_figures(args.parity, bundle) if args.parity else measure_figures("parity", bundle, progress)
    bench = read_figures(args.bench, bundle) if args.bench else measure_figures("bench", bundle, progress)
    page = render(Report(args.run, record, bundle, parity, bench)).encode()
    write_atomic(args.output, page)
    print(f"{args.output}: {len(page) / 1e6:.1f} MB, open it in a browser")
    return 0
