"""The command `edgedigits parity --per-layer MODEL.keras`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgedigits.console.progress import progress
from edgedigits.console.requests import PerLayerRequest
from edgedigits.console.tables import table
from edgedigits.errors import EdgeDigitsError, UsageError
from edgedigits.files import refuse_existing, write_atomic

if TYPE_CHECKING:
    from edgedigits.bundle import Bundle
    from edgedigits.datasets import Dataset
    from edgedigits.manifest import ModelFile
    from edgedigits_export.keras_model.frozen import FrozenModel
    from edgedigits_export.layerwise.compare import LayerReport, LayerwiseReference

_IMAGES = 32
_PICTURE_FORMATS = ("png", "svg")


def run(request: PerLayerRequest, bundle: Bundle, data: Dataset) -> int:
    """Name the first layer at which each of the bundle's files departs from its Keras model; return the exit code.

    The exit code is 1 when a file departs, and an error's code when a file does not run.

    Raises
    ------
    UsageError: the picture has another format than PNG or SVG, or the model is a SavedModel.
    OutputError: a file to write exists already.
    BundleError: the .keras file is not the bundle's model.

    """
    request.output.refuse_existing()
    _check_picture(request)
    from edgedigits.console.chosen_files import choose_files
    from edgedigits.records import to_plain
    from edgedigits_export.layerwise.compare import LayerwiseReference

    files, _ = choose_files(bundle, request.variant, "auto")
    frozen = _load_model(request, bundle, data)
    # Evenly spread over the data, which may be sorted by label.
    images = data.images[:: max(1, len(data) // _IMAGES)][:_IMAGES]
    reference = LayerwiseReference(frozen, images)
    reports, errors = _compare(reference, bundle, files)
    if request.picture is not None and reports:
        from edgedigits_export.layerwise.plot import draw_layers

        format_ = request.picture.suffix[1:].lower()
        write_atomic(request.picture, draw_layers([name for name, _ in reference.layers], reports, format_))
    code = max([error.exit_code for error in errors.values()] + [int(r.departs is not None) for r in reports])
    values = {"bundle": bundle.id, "model": str(request.model), "data": data.source, "count": len(images)}
    values["layers"] = [{"name": name, "kind": kind} for name, kind in reference.layers]
    messages = {file: str(error) for file, error in errors.items()}
    values |= {"passed": code == 0, "variants": to_plain(tuple(reports)), "errors": messages}
    head = f"{bundle.manifest.name}, {len(images)} images of {data.source}: signal over quantization noise in dB"
    lines = [f"{file}: {message}" for file, message in messages.items()] + [_verdict(report) for report in reports]
    text = [head, "", _table(reference.layers, reports, f"{bundle.manifest.name}-"), "", *lines]
    request.output.give(values, "\n".join(text))
    return code


def _check_picture(request: PerLayerRequest) -> None:
    picture = request.picture
    if picture is None:
        return
    if picture.suffix[1:].lower() not in _PICTURE_FORMATS:
        raise UsageError(f"{picture}: expected a picture that ends in .png or .svg, found {picture.suffix or 'none'}")
    refuse_existing(picture, overwrite=request.output.overwrite)


def _load_model(request: PerLayerRequest, bundle: Bundle, data: Dataset) -> FrozenModel:
    """Load the bundle's Keras model with the scaling and the temperature that the bundle was exported with."""
    from edgedigits_export.keras_model.calibrated import fold_temperature
    from edgedigits_export.keras_model.frozen import freeze
    from edgedigits_export.keras_model.load import load_keras
    from edgedigits_export.keras_model.model_files import is_saved_model
    from edgedigits_export.keras_model.scaling import Scaling
    from edgedigits_export.layerwise.model_identity import require_same_model

    if is_saved_model(request.model):
        raise UsageError(
            f"--per-layer: expected a Keras file, found a SavedModel, {request.model}, which shows no layers"
        )
    progress(f"reading {request.model}")
    frozen = freeze(load_keras(request.model, request.custom_objects), Scaling(*bundle.manifest.scaling))
    if (temperature := bundle.manifest.confidence.temperature) != 1:
        fold_temperature(frozen, temperature)
    require_same_model(frozen, bundle, data, str(request.model))
    return frozen


def _compare(
    reference: LayerwiseReference, bundle: Bundle, files: Sequence[ModelFile]
) -> tuple[list[LayerReport], dict[str, EdgeDigitsError]]:
    """Compare each file, and return the reports with the errors of the files that could not be compared."""
    reports, errors = [], {}
    for file in files:
        progress(f"comparing {file.path} layer by layer")
        try:
            data = bundle.read(file)
            reports.append(reference.compare(file.path, data, file.format, file.precision, file.requirements.opset))
        except EdgeDigitsError as error:
            errors[file.path] = error
    return reports, errors


def _table(layers: Sequence[tuple[str, str]], reports: Sequence[LayerReport], prefix: str) -> str:
    columns = [{row.index: f"{row.sqnr_db:.1f}" for row in report.rows} for report in reports]
    cells = [[name, kind, *(column.get(index, "–") for column in columns)] for index, (name, kind) in enumerate(layers)]
    cells.append(["tolerance", "", *(f"{report.tolerance.sqnr_db:.1f}" for report in reports)])
    note = "–: no output of its own in this file; it was merged with the next layer that has one, or does nothing"
    files = [report.file.removeprefix(prefix) for report in reports]
    return f"{table(['layer', 'kind', *files], cells)}\n\n{note}"


def _verdict(report: LayerReport) -> str:
    row, limit = report.departs, f"{report.tolerance.sqnr_db:g} dB ({report.tolerance.reason})"
    lowest = min(report.rows, key=lambda row: row.sqnr_db)
    if row is None and lowest.sqnr_db < report.tolerance.sqnr_db:
        return (
            f"{report.file}: no single layer departs, the noise of all adds up to {lowest.sqnr_db:.1f} dB "
            f"at {lowest.layer}"
        )
    if row is None:
        return f"{report.file}: every layer is within its tolerance of {limit}"
    merged = f", with {', '.join(row.merged)}" if row.merged else ""
    fall = f", {row.fall_db:.1f} less than the layer before" if row.fall_db is not None else ""
    return (
        f"{report.file}: departs first at {row.layer} ({row.kind}{merged}; {row.operator} in the file): "
        f"{row.sqnr_db:.1f} dB{fall}, tolerance {limit}"
    )
