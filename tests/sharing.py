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

    Nobody may write into such a folder: `changed` tells the names of those that are no longer as they were made.
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
        return [
            name for name in sorted(self.used)
            if _files(self.root / name) != json.loads((self.root / f"{name}.json").read_text())
        ]  # fmt: skip


def _files(folder: Path) -> dict[str, list[int]]:
    files = {path: path.stat() for path in sorted(folder.rglob("*")) if path.is_file()}
    return {str(path.relative_to(folder)): [stat.st_size, stat.st_mtime_ns] for path, stat in files.items()}
