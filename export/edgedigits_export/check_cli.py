"""`edgedigits check`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.options import add_output, check_output, give, table

if TYPE_CHECKING:
    from edgedigits.model import Model
    from edgedigits_export.check import Target


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("model", nargs="?", metavar="BUNDLE|FILE", help="default: the bundle in the package")
    parser.add_argument(
        "--target", action="append", metavar="ENGINE==VERSION",
        help="an engine's release, for example tflite-runtime==2.14.0; again for more (default: what is installed)",
    )  # fmt: skip
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Judge every file on every target that reads its format; exit code 3 unless all run."""
    check_output(args)
    from edgedigits.records import to_plain
    from edgedigits_export.check import PACKAGES, judge, parse_target
    from edgedigits_export.requirements import read_requirements

    targets = [parse_target(text) for text in args.target] if args.target else _installed()
    rows: list[dict[str, Any]] = []
    for name, model in _models(args.model):
        requirements = read_requirements(model.data, model.format)
        for target in _readers(targets, model):
            verdict = judge(requirements, model.format, target)
            rows.append({"file": name, "target": f"{PACKAGES[target.engine]} {target.version}"} | to_plain(verdict))
    cells = [[row["file"], row["target"], row["answer"], row["why"]] for row in rows]
    cures = [f"{row['file']} on {row['target']}: {row['cure']}" for row in rows if row["cure"]]
    give(args, {"rows": rows}, "\n".join([table(["file", "target", "verdict", "why"], cells), *cures]))
    return 0 if all(row["answer"] == "runs" for row in rows) else 3


def _installed() -> list[Target]:
    from importlib.metadata import version

    from edgedigits.engines import choose_engine
    from edgedigits_export.check import PACKAGES, Target

    return [Target(engine, version(PACKAGES[engine])) for engine in choose_engine("auto")]


def _models(place: str | None) -> list[tuple[str, Model]]:
    from edgedigits.bundle import Bundle
    from edgedigits.model import is_model_file, lone_model, model_of_bundle

    if place is not None and is_model_file(place):
        return [(Path(place).name, lone_model(Path(place)))]
    bundle = Bundle.load(place)
    return [(file.path, model_of_bundle(bundle, file)) for file in bundle.manifest.files]


def _readers(targets: list[Target], model: Model) -> list[Target]:
    from edgedigits.engines import ENGINES

    return [target for target in targets if ENGINES[target.engine].format == model.format]
