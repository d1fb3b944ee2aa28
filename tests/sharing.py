"""What several tests need and is slow to make: made once a run, by whichever of its processes asks first."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock


@dataclass
class MadeOnce:
    """Call it with a name and a function that fills a folder; every process of the run gets the same folder.

    Nobody may write into such a folder: `changed` tells what is no longer as it was made.
    """

    root: Path
    used: set[str] = field(default_factory=set)

    def __call__(self, name: str, fill: Callable[[Path], object]) -> Path:
        folder, seal = self.root / name, self.root / f"{name}.json"
        with FileLock(f"{folder}.lock"):
            if not seal.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed half-way
                folder.mkdir()
                fill(folder)
                seal.write_text(json.dumps(_files(folder)))
        self.used.add(name)
        return folder

    def changed(self) -> list[str]:
        """Return the files that somebody wrote or deleted since."""
        found: list[str] = []
        for name in sorted(self.used):
            made, now = json.loads((self.root / f"{name}.json").read_text()), _files(self.root / name)
            found += [f"{name}/{file}" for file in sorted(made.keys() | now.keys()) if made.get(file) != now.get(file)]
        return found


def _files(folder: Path) -> dict[str, list[int]]:
    files = {path: path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {str(path.relative_to(folder)): [stat.st_size, stat.st_mtime_ns] for path, stat in files.items()}
