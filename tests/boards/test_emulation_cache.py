from __future__ import annotations

import threading

import pytest

from edgedigits.errors import OutputError, TargetError
from edgedigits_export.emulation.cache import CachedFolder, boards_cache, ensure_cached


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEDIGITS_CACHE", str(tmp_path / "cache"))


def writing(name, told=None):
    def fill(folder):
        if told is not None:
            told.append(name)
        (folder / "content").write_text(name)

    return CachedFolder(name, fill, 3, 10)


def test_folders_are_filled_once_and_their_sizes_told_before():
    told = []
    folders = [writing("a", told), writing("b", told)]
    paths = ensure_cached(folders, told.append)
    assert [path.joinpath("content").read_text() for path in paths] == ["a", "b"]
    assert told[0] == f"set-up, once: about 6 MB to download, 20 MB in {boards_cache()}"
    assert [line for line in told if line in {"a", "b"}] == ["a", "b"]
    told.clear()
    assert ensure_cached(folders, told.append) == paths
    assert told == []


def test_only_missing_folders_are_made_and_told():
    ensure_cached([writing("a")], lambda _: None)
    told = []
    ensure_cached([writing("a"), writing("b")], told.append)
    assert told == [f"set-up, once: about 3 MB to download, 10 MB in {boards_cache()}", "[1/1] b: 3 MB"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, TargetError("no network"), SystemExit])
def test_an_interrupted_set_up_is_not_taken_for_complete(end):
    def fill(folder):
        (folder / "half").touch()
        raise end

    with pytest.raises(end if isinstance(end, type) else type(end)):
        ensure_cached([writing("a"), CachedFolder("b", fill, 1, 1)], lambda _: None)
    assert {entry.name for entry in boards_cache().iterdir()} == {".lock", "a"}
    (_, path) = ensure_cached([writing("a"), writing("b")], lambda _: None)
    assert {entry.name for entry in path.iterdir()} == {"content"}


def test_what_a_killed_set_up_left_behind_goes_at_the_next():
    left = boards_cache() / ".unfinished-x"
    left.mkdir(parents=True)
    (left / "half").touch()
    ensure_cached([writing("a")], lambda _: None)
    assert {entry.name for entry in boards_cache().iterdir()} == {".lock", "a"}


def test_the_second_of_two_set_ups_waits_and_finds_everything_there():
    second_waits, begun, filled, told = threading.Event(), threading.Event(), [], []

    def fill(folder):
        filled.append(folder)
        begun.set()
        assert second_waits.wait(60)

    first = threading.Thread(target=ensure_cached, args=([CachedFolder("a", fill, 1, 1)], lambda _: None))
    first.start()
    assert begun.wait(60)

    def tell(line):
        told.append(line)
        second_waits.set()

    ensure_cached([CachedFolder("a", fill, 1, 1)], tell)
    first.join()
    assert len(filled) == 1
    assert told == ["waiting for another set-up to finish"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot be written .*EDGEDIGITS_CACHE"):
        ensure_cached([writing("a")], lambda _: None)
