"""Writers that are killed, or whose system calls fail, at every call of the write path: nothing is lost or half there.

``strace`` injects the kills and the errors. A kill comes before a call is done, so that the one before the next call is
the one after it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter

import pytest

from edgedigits.files import recover

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

OLD, NEW = b"old" * 1000, b"new" * 1000
BEGIN = "/edgedigits-begins"
# Everything that changes the disk, or is the reason why something is changed.
CALLS = (
    "openat", "mkdir", "write", "fsync", "chmod", "rename", "renameat2", "unlink", "unlinkat", "rmdir", "flock",
    "getdents64",
)  # fmt: skip
# A run is a folder of files that are written one by one; a bundle is a folder; results and caches are files.
KINDS = "result", "cache", "bundle", "bundle where names cannot be exchanged"
SCRIPT = """
import os, sys
from pathlib import Path
from edgedigits import files
from edgedigits.errors import OutputError
place, kind, new = Path(sys.argv[1]), sys.argv[2], b"new" * 1000
import ctypes, shutil, tempfile
files.write_atomic(place.parent.parent / "warm-up", b"")  # imports, and the search for what others left
if kind.endswith("exchanged"):
    files._exchange = lambda *_: False
try:
    os.open("/edgedigits-begins", os.O_RDONLY)
except OSError:
    pass
try:
    if kind == "result":
        files.write_atomic(place, new)
    elif kind == "cache":
        files.write_cache(place, new)
    else:
        with files.folder_atomic(place, overwrite=True) as work:
            (work / "file").write_bytes(new)
except OutputError as error:
    print(error)
    sys.exit(2)
"""


def traced(place, kind, *options):
    command = ["strace", "-f", "-qq", "-o", place.parent.parent / "trace", *options, sys.executable, "-c", SCRIPT]
    return subprocess.run([*command, place, kind], capture_output=True, text=True, check=False)


def put_old(place, kind):
    shutil.rmtree(place.parent, ignore_errors=True)
    place.parent.mkdir()
    if kind.startswith("bundle"):
        place.mkdir()
        (place / "file").write_bytes(OLD)
    else:
        place.write_bytes(OLD)


def calls_of(place, kind):
    """Return every system call of the write path as its name and how many of that name came before it."""
    put_old(place, kind)
    done = traced(place, kind, "-e", f"trace={','.join(CALLS)}")
    assert done.returncode == 0, done.stderr
    lines = (place.parent.parent / "trace").read_text().splitlines()
    begin = next(at for at, line in enumerate(lines) if BEGIN in line)
    counts, found = Counter(), []
    for at, line in enumerate(lines):
        name = re.match(r"(?:\d+ +)?(\w+)\(", line)
        if name:
            counts[name[1]] += 1
            if at > begin:
                found.append((name[1], counts[name[1]]))
    return found


def content(place):
    file = place / "file" if place.is_dir() else place
    return file.read_bytes() if file.exists() else None


@pytest.fixture
def place(tmp_path):
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder" / "out"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_call_leaves_the_old_or_the_new_one(place, kind):
    calls = calls_of(place, kind)
    assert {"fsync", "renameat2" if kind == "bundle" else "rename"} <= {name for name, _ in calls}
    for name, count in calls:
        put_old(place, kind)
        done = traced(place, kind, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={count}")
        assert done.returncode in {-9, 137}, (name, count, done)
        if kind.endswith("exchanged"):
            recover(place)  # as the next start does
        assert content(place) in {OLD, NEW}, (name, count, os.listdir(place.parent))
        # The next run of the same kind leaves nothing but its own.
        assert traced(place, kind, "-e", "trace=none").returncode == 0
        assert (content(place), os.listdir(place.parent)) == (NEW, ["out"]), (name, count)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("error", ["ENOSPC", "EIO"])
def test_an_error_at_any_call_is_told_and_leaves_the_old_or_the_new_one(place, kind, error):
    for name, count in calls_of(place, kind):
        put_old(place, kind)
        done = traced(place, kind, "-e", f"trace={name}", "-e", f"inject={name}:error={error}:when={count}")
        assert done.returncode in {0, 2}, (name, count, done.stderr)
        assert "Traceback" not in done.stderr
        assert content(place) in {OLD, NEW}, (name, count)  # the new one, where only its folder could not be flushed
        if kind == "cache":
            assert done.returncode == 0
        elif done.returncode == 0:
            assert content(place) == NEW
