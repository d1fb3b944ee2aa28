"""Print the notes of a release, which are its part of CHANGELOG.md: `python .ci/release_notes.py v0.1.0`.

It needs the standard library alone, and exits with 2 and one line where tag, version and CHANGELOG do not go together.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def notes(tag: str, version: str, changelog: str) -> str:
    """Return the part of ``changelog`` for ``tag``; raises a ValueError that says what is to be done first."""
    if tag != f"v{version}":
        raise ValueError(f"{tag}: expected the tag v{version}, for runtime/edgedigits/__init__.py says {version}")
    for part in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        if head.split()[0] == version:
            if not re.fullmatch(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)", head):
                raise ValueError(f"CHANGELOG.md: expected '## {version} (YYYY-MM-DD)', found '## {head}'")
            if not body.strip():
                raise ValueError(f"CHANGELOG.md: expected what users see of {version}, found nothing")
            return f"{body.strip()}\n"
    raise ValueError(f"CHANGELOG.md: expected a part '## {version} (YYYY-MM-DD)', found none")


def main(words: list[str]) -> int:
    """Print the notes of the tag in ``words``; returns the exit code."""
    source = (ROOT / "runtime" / "edgedigits" / "__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.*)"$', source, re.MULTILINE)
    try:
        (tag,) = words
        print(notes(tag, version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")), end="")
    except ValueError as error:
        print(f"release_notes: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
