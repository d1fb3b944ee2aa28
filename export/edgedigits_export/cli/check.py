"""The command `edgedigits check`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from edgedigits.console.options import add_output, output_of
from edgedigits.console.tables import table
from edgedigits.console.verdicts import verdict

if TYPE_CHECKING:
    from edgedigits.manifest import Requirements
    from edgedigits.model import Model
    from edgedigits_export.compat.check_board import BoardTarget
    from edgedigits_export.compat.verdict import EngineRelease, ReleaseVerdict


class _File(NamedTuple):
    """A model file to check, with what it requires; ``path`` is None for a bundle's file, which is proved to load."""

    name: str
    path: Path | None
    model: Model
    requirements: Requirements


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("model", nargs="?", metavar="BUNDLE|FILE", help="default: the bundle in the package")
    parser.add_argument(
        "--target", action="append", metavar="ENGINE==VERSION|BOARD",
        help="an engine's release, for example tflite-runtime==2.14.0, a board: pi3, pi4, pi5, zero2w, pi2, zero, or "
        "tflite-micro for microcontrollers; may be repeated (default: the installed engines)",
    )  # fmt: skip
    parser.add_argument("--os", dest="system", help="the boards' system: bookworm or trixie (default: bookworm)")
    parser.add_argument("--arch", help="the boards' architecture: arm64 or armhf (default: arm64 where the board can)")
    add_output(parser)
    parser.epilog = (
        "Exit code 0: every file runs on every engine's release, and on every board each variant runs in at least one "
        "engine. Exit code 3: this is not so, or it is unknown."
    )


def run(args: argparse.Namespace) -> int:
    """Judge every file on every target that reads its format, and return the exit code.

    A board passes when each variant runs there in at least one engine, from a .tflite or an .onnx file: nobody needs
    all engines. Each engine release that was named must run all files of its format.
    """
    output = output_of(args)
    output.refuse_existing()
    from importlib.metadata import version

    from edgedigits_export.compat.check_micro import NAME

    targets: list[str] = args.target or []
    micro = NAME in targets
    releases, boards = _parse_targets([name for name in targets if name != NAME], args.system, args.arch)
    if not targets:
        releases = _installed_releases()
    numpy = None if targets else version("numpy")
    files = list(_read_files(args.model))
    rows = [row for file in files for row in _judge_on_releases(file, releases, numpy)]
    rows += [_judge_on_micro(file) for file in files if micro and file.model.format == "tflite"]
    if not rows and not boards:
        _refuse_targets(files[0].model, [*map(str, releases), *([NAME] if micro else [])] if targets else [])
    board_rows = [row for board in boards for file in files for row in _judge_on_board(file, board)]
    derived = [{"file": file.name, **_derived(file.requirements)} for file in files]
    outcomes = _outcomes(rows, board_rows)
    each = ["each file runs on each engine release"] if rows else []
    each += ["each variant runs on each board, in at least one engine"] if board_rows else []
    said = verdict(outcomes, "; ".join(each))
    output.give({"files": derived, "rows": rows + board_rows}, f"{_text(derived, rows + board_rows)}\n\n{said}")
    return 0 if set(outcomes.values()) == {"passed"} else 3


def _outcomes(rows: Sequence[dict[str, Any]], board_rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return the outcome of each file on each release, and of each variant on each board: its best engine decides."""
    judged = {"runs": "passed", "unknown": "undecided"}
    outcomes = {f"{row['file']} on {row['target']}": judged.get(row["answer"], "failed") for row in rows}
    for row in board_rows:
        name, found = f"{row['variant']} on {row['target']}", judged.get(row["answer"], "failed")
        outcomes[name] = min(found, outcomes.get(name, "failed"), key=("passed", "undecided", "failed").index)
    return outcomes


def _parse_targets(
    names: Sequence[str], system: str | None, arch: str | None
) -> tuple[list[EngineRelease], list[BoardTarget]]:
    """Return the engine releases and the boards that the options name."""
    from edgedigits.errors import UsageError
    from edgedigits_export.compat.check import parse_release
    from edgedigits_export.compat.check_board import parse_board
    from edgedigits_export.compat.targets import known_targets

    known_boards = known_targets().boards
    boards = [parse_board(name, system, arch) for name in names if name in known_boards]
    if not boards and (system or arch):
        raise UsageError("--os and --arch belong to a board: expected --target pi4 or the like, found none")
    return [parse_release(name) for name in names if name not in known_boards], boards


def _installed_releases() -> list[EngineRelease]:
    from importlib.metadata import version

    from edgedigits.engines import ENGINES, choose_engine
    from edgedigits_export.compat.verdict import EngineRelease

    return [EngineRelease(engine, version(ENGINES[engine].distribution)) for engine in choose_engine("auto")]


def _judge_on_micro(file: _File) -> dict[str, Any]:
    from edgedigits.records import to_plain
    from edgedigits_export.compat.check_micro import NAME, judge_micro, micro_tables

    return {"file": file.name, "target": f"{NAME} {micro_tables().version}", **to_plain(judge_micro(file.model.data))}


def _refuse_targets(model: Model, targets: Sequence[str]) -> None:
    """Raise the error for a file that no target reads: the named engines read another format, or none is installed."""
    from edgedigits.engines import choose_engine
    from edgedigits.errors import UsageError

    if targets:
        found = ", ".join(targets)
        raise UsageError(f"--target: expected an engine that reads .{model.format} files, found {found}")
    choose_engine("auto", model.format)


def _read_files(source: str | None) -> Iterator[_File]:
    """Yield the model file at ``source``, or all files of the bundle there (None: the bundle in the package)."""
    from edgedigits.bundle import Bundle
    from edgedigits.errors import BundleError
    from edgedigits.model import is_model_file, lone_model, model_of_bundle
    from edgedigits_export.compat.requirements import read_requirements

    if source is not None and is_model_file(source):
        path = Path(source)
        model = lone_model(path)
        try:
            requirements = read_requirements(model.data, model.format)
        except BundleError as error:
            raise BundleError(f"{path}: {error}") from error
        yield _File(path.name, path, model, requirements)
        return
    bundle = Bundle.load(source)
    for file in bundle.manifest.files:
        model = model_of_bundle(bundle, file)
        yield _File(file.path, None, model, read_requirements(model.data, model.format))


def _judge_on_releases(file: _File, releases: Sequence[EngineRelease], numpy: str | None) -> list[dict[str, Any]]:
    """Return a row for each release that reads the file.

    ``numpy`` is the version beside releases that are installed here; None if that is open.
    """
    from edgedigits.engines import ENGINES
    from edgedigits.records import to_plain
    from edgedigits_export.compat.check import judge_release, numpy_clash

    format_, rows = file.model.format, []
    for release in (release for release in releases if ENGINES[release.engine].format == format_):
        clash = None if numpy is None else numpy_clash(release, numpy)
        refused = _refused_here(file.path, release.engine) if numpy and file.path and not clash else None
        verdict = clash or refused or judge_release(file.requirements, format_, release)
        rows.append({"file": file.name, "target": str(release), **to_plain(verdict)})
    return rows


def _refused_here(path: Path, engine: str) -> ReleaseVerdict | None:
    """Return the verdict on a lone file that the installed engine does not load, in the engine's words; else None."""
    from edgedigits.engines.inspect import inspect_isolated
    from edgedigits.errors import TargetError
    from edgedigits_export.compat.verdict import ReleaseVerdict

    try:
        inspect_isolated(path, engine)
    except TargetError as error:
        why, _, cure = str(error).rpartition("; ")
        return ReleaseVerdict("cannot run", why.partition(": ")[2], cure)
    return None


def _judge_on_board(file: _File, target: BoardTarget) -> list[dict[str, Any]]:
    """Return a row for each engine that reads the file."""
    from edgedigits.records import to_plain
    from edgedigits_export.compat.check_board import judge_board

    variant = file.name if file.model.file is None else file.model.file.precision
    return [
        {
            "file": file.name, "target": str(target), "variant": variant, "engine": found.engine,
            "version": found.version, **to_plain(found.verdict), "install": found.install,
        }
        for found in judge_board(file.requirements, file.model.format, target)
    ]  # fmt: skip


def _derived(requirements: Requirements) -> dict[str, Any]:
    """Return what a file requires, beside the operator versions that it declares (an ONNX file: only its opset)."""
    declared = requirements.declared if requirements.opset is None else {}
    versions = {
        name: {"declared": declared.get(name), "derived": version} for name, version in requirements.operators.items()
    }
    return {
        "operators": versions, "opset": requirements.opset, "ir_version": requirements.ir_version,
        "engines": requirements.engines, "underived": list(requirements.underived),
    }  # fmt: skip


def _text(files: list[dict[str, Any]], rows: list[dict[str, Any]]) -> str:
    boards = any("engine" in row for row in rows)
    head = ["file", "target", *(["engine"] if boards else []), "verdict", "why"]
    cells = []
    for row in rows:
        engine = f"{row['engine']} {row['version'] or ''}".rstrip() if "engine" in row else ""
        cells.append([row["file"], row["target"], *([engine] if boards else []), row["answer"], row["why"]])
    lines = [table(head, cells)] if cells else ["no target reads these files"]
    cured: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["cure"]:
            cured.setdefault((_target(row), row["cure"]), []).append(row["file"])
    cures = [f"{', '.join(names)} on {target}: {cure}" for (target, cure), names in cured.items()]
    installs = {_target(row): row["install"] for row in rows if row["answer"] == "runs" and row.get("install")}
    differing = [f"{file['file']}: {'; '.join(found)}" for file in files if (found := _differences(file["operators"]))]
    lines += _section("cure", cures) + _section("says and needs", differing)
    return "\n".join(lines + _section("install", [f"{target}: {line}" for target, line in installs.items()]))


def _differences(operators: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{name} says version {both['declared']}, its tensors need {both['derived']}"
        for name, both in operators.items()
        if both["declared"] not in {None, both["derived"]} and " " not in name
    ]


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"\n{title}", *[f"  {line}" for line in lines]] if lines else []


def _target(row: dict[str, Any]) -> str:
    return f"{row['target']}, {row['engine']}" if "engine" in row else str(row["target"])
