"""Why something that others made did not work here: in its own words, as a result tells it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from benchmarks.harness.child import ROOT, ChildError
from benchmarks.harness.venvs import InstallError
from edgedigits.files import cache_folder
from edgedigits_export.decisive import decisive_sentence

LONGEST = 300
_TEMPORARY = re.compile(re.escape(tempfile.gettempdir()) + r"/edgedigits-[^/\s'\"]+")


def reason_of(error: InstallError | ChildError) -> str:
    """Return the last words of an error, without what only this machine knows."""
    return without_paths(_last_words(error))


def without_paths(text: str) -> str:
    """Return a text without places of this machine: results are published, and need not tell where something was."""
    for path, name in ((ROOT, "."), (cache_folder(), "CACHE"), (Path.home(), "~")):
        text = text.replace(str(path), name)
    return _TEMPORARY.sub("TEMPORARY", text)


def _last_words(error: InstallError | ChildError) -> str:
    if isinstance(error, InstallError):
        return str(error)
    said = decisive_sentence(RuntimeError(error.said)) if error.said else ""
    said = said if len(said) <= LONGEST else f"{said[:LONGEST]} …"
    return said if said and error.ended.startswith("exit code") else f"{said} ({error.ended})".strip()
