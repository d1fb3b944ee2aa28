"""Where a file has to run: boards and releases of engines, together."""

from __future__ import annotations

from collections.abc import Sequence

from edgedigits.engines import ENGINES
from edgedigits.manifest import Format, Requirements
from edgedigits_export.compat.check import judge_release, parse_release
from edgedigits_export.compat.check_board import BoardTarget, judge_board, parse_board
from edgedigits_export.compat.targets import known_targets
from edgedigits_export.compat.verdict import EngineRelease

Target = BoardTarget | EngineRelease


def parse_runs_on(text: str) -> tuple[Target, ...]:
    """Return the targets that ``pi3,pi4,tflite-runtime==2.14.0`` names; boards have their usual system.

    Raises
    ------
    UsageError: there is no such board or engine.

    """
    names = dict.fromkeys(filter(None, (name.strip() for name in text.split(","))))
    boards = known_targets().boards
    return tuple(parse_board(name, None, None) if name in boards else parse_release(name) for name in names)


def why_refused(requirements: Requirements, format_: Format, targets: Sequence[Target]) -> str | None:
    """Return why a target cannot run a file or computes wrongly with it; None where all can, or nothing is known.

    A board runs what one of its engines runs. A target without any engine for the format says nothing about the file.
    """
    for target in targets:
        if isinstance(target, EngineRelease):
            found = [judge_release(requirements, format_, target)] if ENGINES[target.engine].format == format_ else []
        else:
            found = [one.verdict for one in judge_board(requirements, format_, target) if one.version is not None]
        bad = [verdict for verdict in found if verdict.answer in {"cannot run", "computes wrongly"}]
        if found and len(bad) == len(found):
            return f"{target}: {bad[0].answer}: {bad[0].why}"
    return None
