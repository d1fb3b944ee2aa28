"""`edgedigits bench`."""

from __future__ import annotations

import argparse
from pathlib import Path

from edgedigits.cli.options import add_choice, add_output, check_output, give, progress, table
from edgedigits.errors import EdgeDigitsError


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "models", nargs="*", metavar="BUNDLE|FILE",
        help="bundles, or any .tflite or .onnx files (default: the bundle in the package)",
    )  # fmt: skip
    add_choice(parser)
    parser.add_argument("--seconds", type=float, default=1.0, help="steady state of each configuration (default: 1)")
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Measure each file in each engine that reads it, each in a fresh process."""
    check_output(args)
    from edgedigits.measure.bench import bench_apart
    from edgedigits.measure.machine import describe_machine
    from edgedigits.records import to_plain

    rows, cells, worst = [], [], 0
    for path, bundle_id, engine in _configurations(args):
        progress(f"{path.name} in {engine}")
        row = {"file": path.name, "bytes": path.stat().st_size, "bundle": bundle_id, "engine": engine}
        try:
            latency = bench_apart(path, engine, args.threads, args.seconds)
        except EdgeDigitsError as error:
            worst = max(worst, error.exit_code)
            progress(f"edgedigits: {error}")
            rows.append(row | {"error": str(error)})
            continue
        rows.append(row | to_plain(latency))
        times = [latency.first_us, latency.min_us, latency.p50_us, latency.p90_us, latency.p99_us, latency.std_us]
        cells.append(
            [path.name, f"{engine} {latency.version}", str(args.threads), f"{latency.load_ms:.2f}"]
            + [f"{time:.1f}" for time in times]
            + [f"{latency.throughput:,.0f}", "–" if latency.peak_rss_mb is None else f"{latency.peak_rss_mb:.0f}"]
        )
    head = ["file", "engine", "threads", "load ms", "first µs", "min µs", "p50 µs", "p90 µs", "p99 µs", "std µs"]
    text = table([*head, "per s", "RSS MB"], cells)
    give(args, {"schema": "edgedigits/bench/1", "machine": to_plain(describe_machine()), "rows": rows}, text)
    return worst


def _configurations(args: argparse.Namespace) -> list[tuple[Path, str | None, str]]:
    """Files with the id of their bundle, if they have one, and the engines that read them."""
    from edgedigits.bundle import Bundle
    from edgedigits.cli.choice import choose_files
    from edgedigits.engines import choose_engine
    from edgedigits.model import is_model_file, lone_model
    from edgedigits.trust.parity import pairs

    found: list[tuple[Path, str | None, str]] = []
    for place in args.models or [None]:
        if place is not None and is_model_file(place):
            model = lone_model(Path(place))
            found += [(Path(place), None, engine) for engine in choose_engine(args.engine, model.format)]
            continue
        bundle = Bundle.load(place)
        for file, engine in pairs(*choose_files(bundle, args.variant, args.engine)):
            bundle.read(file)  # refuses a file that is not the one in the manifest
            found.append((bundle.path / file.path, bundle.id, engine))
    return found
