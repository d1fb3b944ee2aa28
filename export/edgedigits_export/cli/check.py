"""`edgedigits check`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.console.options import add_output, output_of
from edgedigits.console.tables import table

if TYPE_CHECKING:
    from edgedigits.manifest import Requirements
    from edgedigits.model import Model
    from edgedigits_export.compat.check import EngineRelease
    from edgedigits_export.compat.check_board import BoardTarget


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("model", nargs="?", metavar="BUNDLE|FILE", help="default: the bundle in the package")
    parser.add_argument(
        "--target", action="append", metavar="ENGINE==VERSION|BOARD",
        help="an engine's release, for example tflite-runtime==2.14.0, or a board: pi3, pi4, pi5, zero2w, pi2, zero; "
        "again for more (default: what is installed)",
    )  # fmt: skip
    parser.add_argument("--os", dest="system", help="of the boards: bookworm or trixie (default: bookworm)")
    parser.add_argument("--arch", help="of the boards: arm64 or armhf (default: arm64 where the board can)")
    add_output(parser)
    parser.epilog = (
        "Exit code 0: every file runs on every engine's release; on every board, each variant runs in one engine at "
        "least. 3: not so, or unknown."
    )


def run(args: argparse.Namespace) -> int:
    """Judge every file on every target that reads its format.

    A board is served when each variant runs there in one engine at least, from a .tflite or an .onnx file: nobody needs
    all engines. Of engines' releases that were asked for, all must run all files that they read.
    """
    output = output_of(args)
    output.refuse_existing()
    from importlib.metadata import version

    from edgedigits_export.compat.requirements import read_requirements

    targets, boards = _targets(args)
    numpy = None if args.target else version("numpy")
    files = [(name, model, read_requirements(model.data, model.format)) for name, model in _models(args.model)]
    rows = [row for name, model, needs in files for row in _judge_releases(name, model, needs, targets, numpy)]
    if not rows and not boards:
        _refuse(files[0][1], targets if args.target else [])
    on_boards = [row for target in boards for name, model, needs in files for row in _judge(name, model, needs, target)]
    derived = [{"file": name, **_derived(needs)} for name, _, needs in files]
    output.give({"files": derived, "rows": rows + on_boards}, _text(derived, rows + on_boards))
    served = {(row["target"], row["variant"]) for row in on_boards if row["answer"] == "runs"}
    asked = {(row["target"], row["variant"]) for row in on_boards}
    return 0 if served == asked and all(row["answer"] == "runs" for row in rows) else 3


def _targets(args: argparse.Namespace) -> tuple[list[EngineRelease], list[BoardTarget]]:
    from edgedigits.errors import UsageError
    from edgedigits_export.compat.check import parse_release
    from edgedigits_export.compat.check_board import parse_board
    from edgedigits_export.compat.targets import known_targets

    names = args.target or []
    boards = [parse_board(name, args.system, args.arch) for name in names if name in known_targets().boards]
    if not boards and (args.system or args.arch):
        raise UsageError("--os and --arch belong to a board: expected --target pi4 or the like, found none")
    releases = [parse_release(name) for name in names if name not in known_targets().boards]
    return releases if args.target else _installed(), boards


def _refuse(model: Model, targets: list[EngineRelease]) -> None:
    """No target reads the file: the wrong ones were asked for, or none is installed."""
    from edgedigits.engines import choose_engine
    from edgedigits.errors import UsageError

    if targets:
        told = ", ".join(map(str, targets))
        raise UsageError(f"--target: expected an engine that reads .{model.format} files, found {told}")
    choose_engine("auto", model.format)


def _installed() -> list[EngineRelease]:
    from importlib.metadata import version

    from edgedigits.engines import choose_engine
    from edgedigits_export.compat.check import EngineRelease
    from edgedigits_export.compat.targets import package_of

    return [EngineRelease(engine, version(package_of(engine))) for engine in choose_engine("auto")]


def _models(place: str | None) -> list[tuple[str, Model]]:
    from edgedigits.bundle import Bundle
    from edgedigits.model import is_model_file, lone_model, model_of_bundle

    if place is not None and is_model_file(place):
        return [(Path(place).name, lone_model(Path(place)))]
    bundle = Bundle.load(place)
    return [(file.path, model_of_bundle(bundle, file)) for file in bundle.manifest.files]


def _judge_releases(
    name: str, model: Model, needs: Requirements, targets: list[EngineRelease], numpy: str | None
) -> list[dict[str, Any]]:
    """``numpy``: the one that is installed, where the targets are."""
    from edgedigits.engines import ENGINES
    from edgedigits.records import to_plain
    from edgedigits_export.compat.check import judge_release, numpy_clash

    rows = []
    for target in (target for target in targets if ENGINES[target.engine].format == model.format):
        clash = None if numpy is None else numpy_clash(target, numpy)
        rows.append(
            {"file": name, "target": str(target), **to_plain(clash or judge_release(needs, model.format, target))}
        )
    return rows


def _judge(name: str, model: Model, needs: Requirements, target: BoardTarget) -> list[dict[str, Any]]:
    from edgedigits.records import to_plain
    from edgedigits_export.compat.check_board import judge_board

    variant = name if model.file is None else model.file.precision
    return [
        {
            "file": name, "target": str(target), "variant": variant, "engine": found.engine, "version": found.version,
            **to_plain(found.verdict), "install": found.install,
        }
        for found in judge_board(needs, model.format, target)
    ]  # fmt: skip


def _derived(needs: Requirements) -> dict[str, Any]:
    """What the file says beside what its content needs; an ONNX file says one version for all operators, its opset."""
    says = needs.declared if needs.opset is None else {}
    versions = {name: {"declared": says.get(name), "derived": needs.operators[name]} for name in needs.operators}
    return {
        "operators": versions, "opset": needs.opset, "ir_version": needs.ir_version, "engines": needs.engines,
        "underived": list(needs.underived),
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
            cured.setdefault((_where(row), row["cure"]), []).append(row["file"])
    cures = [f"{', '.join(names)} on {where}: {cure}" for (where, cure), names in cured.items()]
    installs = {_where(row): row["install"] for row in rows if row["answer"] == "runs" and row.get("install")}
    differ = [f"{file['file']}: {'; '.join(told)}" for file in files if (told := _differences(file["operators"]))]
    lines += _section("cure", cures) + _section("says and needs", differ)
    return "\n".join(lines + _section("install", [f"{where}: {line}" for where, line in installs.items()]))


def _differences(operators: dict[str, dict[str, Any]]) -> list[str]:
    return [
        f"{name} says version {both['declared']}, its tensors need {both['derived']}"
        for name, both in operators.items()
        if both["declared"] not in {None, both["derived"]} and " " not in name
    ]


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"\n{title}", *[f"  {line}" for line in lines]] if lines else []


def _where(row: dict[str, Any]) -> str:
    return f"{row['target']}, {row['engine']}" if "engine" in row else str(row["target"])
