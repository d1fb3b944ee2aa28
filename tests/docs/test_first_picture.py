"""README's first picture: `read` says of it what README shows, and what is wrong in that is told."""

from __future__ import annotations

import re
import subprocess
from difflib import SequenceMatcher
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
COMMAND, *SHOWN = re.search(r"^\$ (edgedigits read .*?)^```", README, re.MULTILINE | re.DOTALL)[1].splitlines()


def written() -> list[str]:
    """The lines that the page's own source puts on it."""
    rows = re.search(r"const ROWS = \[(.*?)\n  \];", (ROOT / "docs/readings.html").read_text(), re.DOTALL)[1]
    return [" ".join(re.findall(r'"([^"]+)"', row)) for row in re.findall(r"\[(.*?)\]", rows)]


def test_it_is_read_and_drawn_as_readme_shows(tmp_path: Path, shell: dict[str, str]) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/readings.jpg").symlink_to(ROOT / "docs/readings.jpg")
    done = subprocess.run(COMMAND.split(), cwd=tmp_path, env=shell, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == SHOWN
    drawn, shown = (Image.open(place / "readings-read.jpg") for place in (tmp_path, ROOT / "docs"))
    # Another release of Pillow may round otherwise.
    difference = np.asarray(drawn.convert("L"), np.int16) - np.asarray(shown.convert("L"), np.int16)
    assert np.abs(difference).max() < 32


def test_readme_counts_what_is_wrong_in_it() -> None:
    right, read = ("".join(lines).replace(" ", "") for lines in (written(), SHOWN))
    same = sum(block.size for block in SequenceMatcher(None, right, read, autojunk=False).get_matching_blocks())
    assert f"Wrong is {max(len(right), len(read)) - same} of its {len(right)} characters" in README
