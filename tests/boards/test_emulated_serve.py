"""The service on a really emulated Pi: run where its folders are in the cache, or EDGEDIGITS_PI=1 allows to fetch."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from edgedigits_export.emulation.boards import BOARDS, SERVICE, SYSTEMS
from edgedigits_export.emulation.cache import boards_cache
from edgedigits_export.emulation.python_environment import PythonEnvironment
from edgedigits_export.emulation.qemu import _cached_folders, emulated_board

ROOT = Path(__file__).parents[2]
SYSTEM = SYSTEMS["bookworm-arm64"]
LITERT = {"litert": SYSTEM.engines["litert"]}
THERE = all((boards_cache() / folder.name).is_dir() for folder in _cached_folders(SYSTEM, LITERT, service=True))

pytestmark = pytest.mark.skipif(not (ROOT / "benchmarks").is_dir(), reason="the wheel alone has no benchmarks")
needs_board = pytest.mark.skipif(
    not THERE and not os.environ.get("EDGEDIGITS_PI"),
    reason="no emulated Pi with the service's packages in the cache: make pi, or EDGEDIGITS_PI=1",
)


@pytest.fixture
def serve_on_board():
    from benchmarks.boards.pi_serve import serve_on_board  # not there where the wheel is alone

    return serve_on_board


@pytest.fixture(scope="module")
def place():
    with emulated_board(BOARDS["pi4"], SYSTEM, LITERT, lambda _: None, service=True) as found:
        yield found


# An emulated processor imports what the service needs, twenty times as slowly as a real one.
@pytest.mark.qemu
@needs_board
def test_the_service_on_a_pi_4_proves_itself_reads_a_digit_sent_from_here_and_ends(
    serve_on_board, place, digits, tmp_path
):
    picture = tmp_path / "digit.png"
    Image.fromarray(255 - digits.images[0, ..., 0]).resize((112, 112)).save(picture)
    found = serve_on_board(place, picture)
    assert found == {"proved": 47, "digit": int(digits.labels[0]), "counted": True, "exit_code": 0}


@pytest.mark.qemu
@needs_board
def test_a_service_that_does_not_start_there_is_told_in_its_own_words(serve_on_board, place, tmp_path):
    with pytest.raises(OSError, match=r"serve does not start: edgedigits: .*nothing-there"):
        serve_on_board(place, tmp_path / "digit.png", "--bundle", "nothing-there")


@pytest.mark.slow
def test_a_picture_that_is_refused_there_is_told(serve_on_board, tmp_path):
    here = PythonEnvironment(Path(sys.executable), os.environ, tmp_path)  # as good as a board's for that
    (tmp_path / "digit.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match="serve: HTTP Error 422"):
        serve_on_board(here, tmp_path / "digit.png")


def test_the_boards_get_the_releases_that_development_has():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split()[0].split("==") for line in lines if not line.startswith("#"))
    different = {name: pins[name] for name, release in SERVICE.items() if pins.get(name, release) != release}
    assert different == {}, "export/edgedigits_export/emulation/boards.py: SERVICE"
