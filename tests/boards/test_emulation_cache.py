from __future__ import annotations

import threading

import pytest

from edgedigits.errors import OutputError, TargetError
from edgedigits_export.emulation.cache import Part, boards_cache, provide


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGEDIGITS_CACHE", str(tmp_path / "cache"))


def writing(name, told=None):
    def fill(folder):
        if told is not None:
            told.append(name)
        (folder / "content").write_text(name)

    return Part(name, fill, 3, 10)


def test_parts_are_filled_once_and_their_sizes_told_before():
    told = []
    parts = [writing("a", told), writing("b", told)]
    places = provide(parts, told.append)
    assert [place.joinpath("content").read_text() for place in places] == ["a", "b"]
    assert told[0] == f"set-up, once: about 6 MB to download, 20 MB in {boards_cache()}"
    assert [line for line in told if line in {"a", "b"}] == ["a", "b"]
    told.clear()
    assert provide(parts, told.append) == places
    assert told == []


def test_only_what_is_missing_is_made_and_told():
    provide([writing("a")], lambda _: None)
    told = []
    provide([writing("a"), writing("b")], told.append)
    assert told == [f"set-up, once: about 3 MB to download, 10 MB in {boards_cache()}", "[1/1] b: 3 MB"]


@pytest.mark.parametrize("end", [KeyboardInterrupt, TargetError("no network"), SystemExit])
def test_an_interrupted_set_up_is_not_taken_for_whole(end):
    def fill(folder):
        (folder / "half").touch()
        raise end

    with pytest.raises(end if isinstance(end, type) else type(end)):
        provide([writing("a"), Part("b", fill, 1, 1)], lambda _: None)
    assert {entry.name for entry in boards_cache().iterdir()} == {".lock", "a"}
    (_, place) = provide([writing("a"), writing("b")], lambda _: None)
    assert {entry.name for entry in place.iterdir()} == {"content"}


def test_what_a_killed_set_up_left_behind_goes_at_the_next():
    left = boards_cache() / ".unfinished-x"
    left.mkdir(parents=True)
    (left / "half").touch()
    provide([writing("a")], lambda _: None)
    assert {entry.name for entry in boards_cache().iterdir()} == {".lock", "a"}


def test_of_two_set_ups_at_once_the_second_waits_and_finds_all_there():
    second_waits, begun, filled, told = threading.Event(), threading.Event(), [], []

    def fill(folder):
        filled.append(folder)
        begun.set()
        assert second_waits.wait(60)

    first = threading.Thread(target=provide, args=([Part("a", fill, 1, 1)], lambda _: None))
    first.start()
    assert begun.wait(60)

    def tell(line):
        told.append(line)
        second_waits.set()

    provide([Part("a", fill, 1, 1)], tell)
    first.join()
    assert len(filled) == 1
    assert told == ["waiting for another set-up to finish"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OutputError, match=r"cannot be written .*EDGEDIGITS_CACHE"):
        provide([writing("a")], lambda _: None)
