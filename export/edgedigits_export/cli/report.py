"""`edgedigits report`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.console.progress import progress
from edgedigits.errors import InputError
from edgedigits.files import refuse_existing, write_atomic

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("run", metavar="RUN", type=Path, help="the folder that train wrote")
    parser.add_argument("bundle", metavar="BUNDLE", help="the bundle exported from it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the page to write")
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")
    parser.add_argument("--parity", type=Path, metavar="FILE", help="what parity -o stored (default: run it now)")
    parser.add_argument("--bench", type=Path, metavar="FILE", help="what bench -o stored (default: run it now)")


def run(args: argparse.Namespace) -> int:
    """Write one page that needs no other file."""
    refuse_existing(args.output, overwrite=args.overwrite)
    from edgedigits.bundle import Bundle
    from edgedigits_export.report.page import Report, render

    bundle = Bundle.load(args.bundle)
    record = _record(args.run / "train.json")
    parity = _stored(args.parity, bundle) if args.parity else _measured(["parity", str(bundle.path)])
    bench = _stored(args.bench, bundle) if args.bench else _measured(["bench", str(bundle.path)])
    page = render(Report(args.run, record, bundle, parity, bench))
    write_atomic(args.output, page.encode())
    print(f"{args.output}: {len(page.encode()) / 1e6:.1f} MB, open it in a browser")
    return 0


def _record(file: Path) -> dict[str, Any]:
    try:
        record = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{file}: expected the record of a finished training run, found: {error}") from error
    if not isinstance(record, dict) or not {"history", "validation", "test", "config"} <= record.keys():
        raise InputError(f"{file}: expected the record of a finished training run, found other JSON; train again")
    return record


def _stored(file: Path, bundle: Bundle) -> dict[str, Any]:
    try:
        values = json.loads(file.read_text())
        rows = [row.get("configuration", row) for row in values["rows"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: expected what --json or -o stored, found: {error}") from error
    found = {row["bundle"] for row in rows if "bundle" in row} | {values.get("bundle", bundle.id)}
    if found != {bundle.id}:
        raise InputError(
            f"{file}: expected figures of the bundle {bundle.id[:12]}, found those of another; measure this one"
        )
    return dict(values)


def _measured(words: list[str]) -> dict[str, Any]:
    """Run a verb of the command here and now, and take its JSON."""
    import contextlib
    import io

    from edgedigits.cli.main import main

    progress(f"edgedigits {' '.join(words)}")
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        code = main([*words, "--json"])
    if not caught.getvalue():
        raise InputError(f"edgedigits {words[0]} gave no figures (exit code {code}); run it by itself to see why")
    return dict(json.loads(caught.getvalue()))
