"""`edgedigits parity --per-layer MODEL.keras`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgedigits.cli.options import output_of
from edgedigits.console.progress import progress
from edgedigits.console.tables import table
from edgedigits.errors import EdgeDigitsError, UsageError
from edgedigits.files import refuse_existing, write_atomic

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.datasets import Dataset
    from edgedigits.manifest import ModelFile
    from edgedigits_export.layerwise.compare import LayerReport, Layers

_IMAGES = 32
_FORMS = ("png", "svg")


def run(args: argparse.Namespace, bundle: Bundle, data: Dataset) -> int:
    """Name the first layer at which each of the bundle's files departs from ``args.per_layer``, a .keras file.

    Exit code 1 when there is one. ``args.picture`` is None or where the picture goes.

    Raises
    ------
    UsageError: a picture in another format.
    BundleError: the .keras file is not the bundle's model.

    """
    output = output_of(args)
    output.refuse_existing()
    _check_picture(args)
    from edgedigits.console.chosen_files import choose_files
    from edgedigits.records import to_plain
    from edgedigits_export.keras_model.calibrated import fold_temperature
    from edgedigits_export.keras_model.frozen import Scaling, freeze
    from edgedigits_export.keras_model.inspect import load_keras
    from edgedigits_export.layerwise.compare import Layers
    from edgedigits_export.layerwise.model_identity import require_same_model

    files, _ = choose_files(bundle, args.variant, "auto")
    progress(f"reading {args.per_layer}")
    known = bundle.manifest.scaling
    frozen = freeze(load_keras(args.per_layer), Scaling(known.scale, known.mean, known.std))
    if (temperature := bundle.manifest.confidence.temperature) != 1:
        fold_temperature(frozen, temperature)
    require_same_model(frozen, bundle, data, str(args.per_layer))
    # Evenly over the data, which may be sorted by label.
    images = data.images[:: max(1, len(data) // _IMAGES)][:_IMAGES]
    layers = Layers(frozen, images)
    reports, errors = _compare(layers, bundle, files)
    if args.picture is not None and reports:
        from edgedigits_export.layerwise.plot import draw_layers

        form = args.picture.suffix[1:].lower()
        write_atomic(args.picture, draw_layers([name for name, _ in layers.names], reports, form))
    code = max([error.exit_code for error in errors.values()] + [int(r.departs is not None) for r in reports])
    values = {"bundle": bundle.id, "model": str(args.per_layer), "data": data.source, "count": len(images)}
    values["layers"] = [{"name": name, "kind": kind} for name, kind in layers.names]
    told = {file: str(error) for file, error in errors.items()}
    values |= {"passed": code == 0, "variants": to_plain(tuple(reports)), "errors": told}
    head = f"{bundle.manifest.name}, {len(images)} images of {data.source}: signal over quantization noise in dB"
    lines = [f"{file}: {error}" for file, error in told.items()] + [_verdict(report) for report in reports]
    output.give(values, "\n".join([head, "", _table(layers, reports, f"{bundle.manifest.name}-"), "", *lines]))
    return code


def _check_picture(args: argparse.Namespace) -> None:
    picture: Path | None = args.picture
    if picture is None:
        return
    if picture.suffix[1:].lower() not in _FORMS:
        raise UsageError(f"{picture}: expected a picture that ends in .png or .svg, found {picture.suffix or 'none'}")
    refuse_existing(picture, overwrite=args.overwrite)


def _compare(
    layers: Layers, bundle: Bundle, files: Sequence[ModelFile]
) -> tuple[list[LayerReport], dict[str, EdgeDigitsError]]:
    reports, errors = [], {}
    for file in files:
        progress(f"{file.path} layer by layer")
        try:
            data = bundle.read(file)
            reports.append(layers.compare(file.path, data, file.format, file.precision, file.requirements.opset))
        except EdgeDigitsError as error:
            errors[file.path] = error
    return reports, errors


def _table(layers: Layers, reports: Sequence[LayerReport], prefix: str) -> str:
    found = [{row.index: f"{row.sqnr_db:.1f}" for row in report.rows} for report in reports]
    cells = [
        [name, kind, *(column.get(index, "–") for column in found)] for index, (name, kind) in enumerate(layers.names)
    ]
    cells.append(["tolerance", "", *(f"{report.tolerance.sqnr_db:.1f}" for report in reports)])
    note = "–: no result of its own in this file; it was merged with the next layer that has one, or does nothing"
    files = [report.file.removeprefix(prefix) for report in reports]
    return f"{table(['layer', 'kind', *files], cells)}\n\n{note}"


def _verdict(report: LayerReport) -> str:
    row, limit = report.departs, f"{report.tolerance.sqnr_db:g} dB ({report.tolerance.reason})"
    lowest = min(report.rows, key=lambda row: row.sqnr_db)
    if row is None and lowest.sqnr_db < report.tolerance.sqnr_db:
        return f"{report.file}: no layer departs by itself, noise adds up to {lowest.sqnr_db:.1f} dB at {lowest.layer}"
    if row is None:
        return f"{report.file}: every layer is within its tolerance of {limit}"
    merged = f", with {', '.join(row.merged)}" if row.merged else ""
    fall = f", {row.fall_db:.1f} less than the layer before" if row.fall_db is not None else ""
    return (
        f"{report.file}: departs first at {row.layer} ({row.kind}{merged}; {row.operator} in the file): "
        f"{row.sqnr_db:.1f} dB{fall}, tolerance {limit}"
    )
