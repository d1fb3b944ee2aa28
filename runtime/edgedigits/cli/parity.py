"""`edgedigits parity`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from edgedigits.cli.options import add_choice, add_output, check_output, give, progress, table
from edgedigits.errors import UsageError

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.datasets import Dataset
    from edgedigits.trust.parity import ParityRow

_SHOWN_FLIPS = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "bundles", nargs="*", metavar="BUNDLE",
        help="one bundle to compare with Keras, or OLD NEW to list the digits whose answer changes",
    )  # fmt: skip
    parser.add_argument("--data", help="mnist, a folder of label folders, or an .npz (default: that of its export)")
    add_choice(parser)
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Compare a bundle with Keras, or two bundles with each other."""
    check_output(args)
    from edgedigits.bundle import Bundle

    if len(args.bundles) > 2:
        raise UsageError(f"expected one bundle, or OLD and NEW, found {len(args.bundles)}")
    loaded = [Bundle.load(place) for place in args.bundles or [None]]
    data = _data(loaded[0], args.data)
    return _two(args, loaded, data) if len(loaded) > 1 else _one(args, loaded[0], data)


def _data(bundle: Bundle, named: str | None) -> Dataset:
    from edgedigits.datasets import load_by_hash
    from edgedigits.images.decode import read_pixels
    from edgedigits.images.resize import resize

    reference = bundle.manifest.reference
    height, width, channels = bundle.manifest.image
    place = named or ("mnist" if reference.source.startswith("mnist:") else reference.source)
    return load_by_hash(
        None if place == "mnist" else place,
        lambda path: resize(read_pixels(path, channels), height, width),
        reference.dataset_sha256,
    )


def _one(args: argparse.Namespace, bundle: Bundle, data: Dataset) -> int:
    from edgedigits.cli.choice import choose_files
    from edgedigits.records import to_plain
    from edgedigits.trust.parity import measure_parity

    files, engines = choose_files(bundle, args.variant, args.engine)
    rows = measure_parity(bundle, files, engines, data, progress, args.threads)
    keras = bundle.manifest.reference.keras
    head = ["file", "engine", "accuracy", "95 % interval", "drop", "agreement", "flips", "max |Δ|", ""]
    text = (
        f"{bundle.manifest.name}, {len(data)} images of {data.source}, Keras {keras.top1:.2%}\n\n"
        + table(head, [_cells(row) for row in rows])
        + "".join(f"\n\n{row.file} in {row.engine}: {'; '.join(row.failed)}" for row in rows if row.failed)
    )
    code = max(row.exit_code for row in rows)
    values = {"bundle": bundle.id, "data": data.source, "count": len(data), "keras": to_plain(keras)}
    give(args, values | {"passed": code == 0, "rows": to_plain(tuple(rows))}, text)
    return code


def _cells(row: ParityRow) -> list[str]:
    if row.comparison is None:
        return [row.file, row.engine, "–", "–", "–", "–", "–", "–", f"FAILED: {row.error}"]
    figures = row.comparison
    low, high = figures.accuracy.ci95
    return [
        row.file, f"{row.engine} {row.version}", f"{figures.accuracy.top1:.2%}", f"{low:.2%} to {high:.2%}",
        f"{figures.drop:+.2f}", f"{figures.agreement:.2%}", str(len(figures.flips)),
        f"{figures.max_abs_difference:.1e}", "FAILED" if row.failed else "passed",
    ]  # fmt: skip


def _two(args: argparse.Namespace, loaded: list[Bundle], data: Dataset) -> int:
    from edgedigits.engines import choose_engine
    from edgedigits.records import to_plain
    from edgedigits.trust.parity import changed_digits

    engine = choose_engine(args.engine)[0]
    before, after, comparison = changed_digits(loaded[0], loaded[1], args.variant, engine, data, args.threads)
    names = loaded[0].manifest.labels
    rows = [[str(f.index), names[f.label], names[f.before], names[f.after]] for f in comparison.flips]
    text = (
        f"{before.path} -> {after.path} in {engine}, {len(data)} images of {data.source}: {len(rows)} answers change, "
        f"accuracy {comparison.accuracy.top1:.2%} ({-comparison.drop:+.2f} percentage points)"
    )
    if rows:
        text += "\n\n" + table(["image", "label", "before", "after"], rows[:_SHOWN_FLIPS])
    if len(rows) > _SHOWN_FLIPS:
        text += f"\n... and {len(rows) - _SHOWN_FLIPS} more: --json lists all"
    values = {"old": loaded[0].id, "new": loaded[1].id, "engine": engine, "data": data.source}
    give(args, values | {"comparison": to_plain(comparison)}, text)
    return 0
