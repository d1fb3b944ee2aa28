from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from edgedigits.errors import OutputError
from edgedigits.files import cache_folder, folder_atomic, refuse_existing, write_atomic, write_cache
from edgedigits.scratch import ScratchFolder
from edgedigits.temporary_files import remove_left_over

OLD, NEW = b"old" * 1000, b"new" * 1000


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_the_cache_is_where_the_user_or_the_system_says(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("EDGEDIGITS_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache_folder() == tmp_path / ".cache" / "edgedigits"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "edgedigits"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "edgedigits"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "edgedigits"
    monkeypatch.setenv("EDGEDIGITS_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


def test_a_result_that_would_replace_something_is_refused(tmp_path):
    refuse_existing(tmp_path / "a", overwrite=False)
    (tmp_path / "a").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("a", "dangling"):
        with pytest.raises(OutputError) as caught:
            refuse_existing(tmp_path / name, overwrite=False)
        assert str(caught.value) == f"{tmp_path / name}: exists already; choose another path or add --overwrite"
        refuse_existing(tmp_path / name, overwrite=True)


def test_a_file_is_written_in_folders_that_are_made_and_nothing_else_is_left(tmp_path):
    write_atomic(tmp_path / "a" / "b" / "file", OLD)
    write_atomic(tmp_path / "a" / "b" / "file", NEW)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == NEW
    assert names(tmp_path / "a" / "b") == ["file"]


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_files_and_folders_have_the_mode_that_any_program_would_give(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_atomic(tmp_path / "file", NEW)
        with folder_atomic(tmp_path / "folder", overwrite=False):
            pass
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~mask


def test_readers_see_the_old_file_or_the_new_one_whole(tmp_path):
    file = tmp_path / "file"
    write_atomic(file, OLD)
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(file.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for round_ in range(50):
        write_atomic(file, (OLD, NEW)[round_ % 2])
    done.set()
    reader.join()
    assert seen <= {OLD, NEW}


def test_a_place_that_takes_no_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    for place, reason in (("file/below", "File exists"), ("folder", "Is a directory")):
        with pytest.raises(OutputError) as caught:
            write_atomic(tmp_path / place, NEW)
        assert str(caught.value) == f"{tmp_path / place}: cannot be written ({reason})"
    assert names(tmp_path) == ["file", "folder"]


def test_a_folder_appears_whole_and_nothing_else_is_left(tmp_path):
    with folder_atomic(tmp_path / "deep" / "out", overwrite=False) as work:
        assert work.parent == tmp_path / "deep"
        (work / "sub").mkdir()
        (work / "sub" / "file").write_bytes(NEW)
        assert not (tmp_path / "deep" / "out").exists()
    assert (tmp_path / "deep" / "out" / "sub" / "file").read_bytes() == NEW
    assert names(tmp_path / "deep") == ["out"]


class Broken(Exception):
    pass


def make_and_fail(place, *, overwrite):
    with folder_atomic(place, overwrite=overwrite) as work:
        (work / "file").write_bytes(NEW)
        raise Broken


def test_a_folder_whose_making_fails_never_was(tmp_path):
    with pytest.raises(Broken):
        make_and_fail(tmp_path / "out", overwrite=False)
    assert names(tmp_path) == []


def test_a_folder_that_is_there_is_refused_before_the_work_and_left_alone(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(OLD)
    with pytest.raises(OutputError, match="exists already"), folder_atomic(tmp_path / "out", overwrite=False):
        pytest.fail("the work has begun")
    assert names(tmp_path) == ["out"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_was_there_is_replaced_when_asked_for(tmp_path, kind):
    place, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_bytes(OLD)
    if kind == "folder":
        place.mkdir()
        (place / "old").write_bytes(OLD)
    elif kind == "file":
        place.write_bytes(OLD)
    else:
        place.symlink_to(elsewhere)
    with folder_atomic(place, overwrite=True) as work:
        (work / "new").write_bytes(NEW)
    assert names(place) == ["new"]
    assert not place.is_symlink()
    assert names(tmp_path) == ["elsewhere", "out"]
    assert (elsewhere / "kept").read_bytes() == OLD


def test_what_was_there_stays_when_its_replacement_fails(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_bytes(OLD)
    with pytest.raises(Broken):
        make_and_fail(tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "file").read_bytes() == OLD
    assert names(tmp_path) == ["out"]


def test_a_folder_where_none_can_be_is_told(tmp_path):
    (tmp_path / "file").touch()
    with (
        pytest.raises(OutputError, match=r"below: cannot be written \(File exists\)"),
        folder_atomic(tmp_path / "file" / "below", overwrite=False),
    ):
        pytest.fail("the work has begun")


KILLED = """
import os, signal, sys
from pathlib import Path
from edgedigits.files import folder_atomic, write_atomic
place = Path(sys.argv[1])
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[2] == "file":
    os.fsync = die  # the bytes are out, the name is not yet given
    write_atomic(place, b"new" * 1000)
else:
    with folder_atomic(place, overwrite=True) as work:
        (work / "file").write_bytes(b"new" * 1000)
        die()
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_kill_in_the_middle_leaves_the_old_one_whole(tmp_path, kind):
    place = tmp_path / "out"
    if kind == "folder":
        place.mkdir()
    file = place / "file" if kind == "folder" else place
    file.write_bytes(OLD)
    done = subprocess.run([sys.executable, "-c", KILLED, place, kind], check=False)
    assert done.returncode == -signal.SIGKILL
    assert file.read_bytes() == OLD
    # What is left over is hidden and stands in nobody's way.
    assert [name for name in names(tmp_path) if not name.startswith(".")] == ["out"]
    write_atomic(file, NEW)
    assert file.read_bytes() == NEW


FULL = """
import resource, signal, sys
from pathlib import Path
from edgedigits.errors import OutputError
from edgedigits.files import folder_atomic, write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))  # as if the disk had this much left
place = Path(sys.argv[1])
try:
    if sys.argv[2] == "file":
        write_atomic(place, b"new" * 1000)
    else:
        with folder_atomic(place, overwrite=True) as work:
            (work / "small").write_bytes(b"new")
            (work / "file").write_bytes(b"new" * 1000)
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs resource limits")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_full_disk_is_told_and_leaves_the_old_one_whole(tmp_path, kind):
    place = tmp_path / "out"
    if kind == "folder":
        place.mkdir()
    file = place / "file" if kind == "folder" else place
    file.write_bytes(OLD)
    done = subprocess.run([sys.executable, "-c", FULL, place, kind], check=True, capture_output=True, text=True)
    assert done.stdout == f"{place}: cannot be written (File too large)\n"
    assert file.read_bytes() == OLD
    assert names(tmp_path) == ["out"]


def test_a_real_disk_that_is_full_is_told_too(tmp_path):
    small = Path(tmp_path / "disk")
    small.mkdir()
    mounted = os.name != "nt" and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("no permission to mount a small disk")
    try:
        write_atomic(small / "file", OLD)
        with pytest.raises(OutputError, match=r"file: cannot be written \(No space left on device\)"):
            write_atomic(small / "file", bytes(100_000))
        assert (small / "file").read_bytes() == OLD
        assert names(small) == ["file"]
    finally:
        subprocess.run(["umount", small], check=True)


LEAVE = """
import os, signal, sys
from pathlib import Path
from edgedigits.temporary_files import temporary_sibling
with temporary_sibling(Path(sys.argv[1]), folder=sys.argv[2] == "folder") as place:
    print(place.name, flush=True)
    if sys.argv[3] == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def start(place, kind, ending):
    return subprocess.Popen(
        [sys.executable, "-c", LEAVE, place, kind, ending], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.skipif(os.name == "nt", reason="no locks")
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_removed_and_what_another_still_writes_is_not(tmp_path, kind):
    with start(tmp_path / "out.bin", kind, "dies") as dead:
        left = dead.stdout.readline().strip()
    with start(tmp_path / "out.bin", kind, "lives") as alive:
        used = alive.stdout.readline().strip()
        (tmp_path / ".own.backup.part").touch()  # of the user's, and named nearly so
        assert left not in names(tmp_path)
        remove_left_over.cache_clear()
        write_atomic(tmp_path / "more", NEW)
        assert names(tmp_path) == sorted([used, ".own.backup.part", "more"])
        alive.communicate("")
    assert names(tmp_path) == [".own.backup.part", "more"]


def test_a_link_that_somebody_planted_is_not_written_through(tmp_path):
    (tmp_path / "victim").write_bytes(OLD)
    for name in ("out", ".out.part", ".out.aaaaaaaa.part"):
        (tmp_path / name).symlink_to("victim")
    write_atomic(tmp_path / "out", NEW)
    assert (tmp_path / "victim").read_bytes() == OLD
    assert not (tmp_path / "out").is_symlink()
    assert (tmp_path / "out").read_bytes() == NEW


def test_a_cache_that_takes_nothing_fails_nobody(tmp_path):
    (tmp_path / "file").touch()
    write_cache(tmp_path / "file" / "below", NEW)


def test_a_scratch_folder_is_removed_at_its_end_or_by_the_next_run(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / ".edgedigits.abcd1234.part"
    left.mkdir()
    (left / "model").touch()
    with ScratchFolder() as folder:
        assert names(tmp_path) == [Path(folder).name]
        (Path(folder) / "file").touch()
    assert names(tmp_path) == []
    forgotten = ScratchFolder()
    assert names(tmp_path) == [Path(forgotten.name).name]
    del forgotten
    assert names(tmp_path) == []
