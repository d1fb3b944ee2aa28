"""What is killed goes on: workers are replaced, a killed scoring is finished by the same command, nothing twice."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from scored import Expected, assert_rows, rows_of, start_scoring

pytestmark = pytest.mark.slow

# Processes that find this in a picture die, as those of a decoder with a fault do.
POISON = """
import os, edgedigits.images.decode as decode
whole = decode.read_picture
def read_picture(source, *more, **options):
    if b"poison" in (source if isinstance(source, bytes) else open(source, "rb").read()):
        os.kill(os.getpid(), 9)
    return whole(source, *more, **options)
decode.read_picture = read_picture
"""


def children(pid: int) -> list[int]:
    """Return the processes that score: those of multiprocessing, not its tracker."""
    entries = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(entry) for entry in entries if b"spawn_main" in Path(f"/proc/{entry}/cmdline").read_bytes()]


def is_running(pid: int) -> bool:
    """Whether there is such a process, and it has not ended; not every system's first process collects orphans."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def many(archives: Path, tmp_path: Path) -> tuple[Path, int]:
    """A folder with 20 Parquet files of 7 parts each."""
    copies = tmp_path / "many"
    copies.mkdir()
    for number in range(20):
        (copies / f"{number:02}.parquet").symlink_to(archives / "digits.parquet")
    return copies, 20


def test_workers_that_are_killed_are_replaced(many: tuple[Path, int], expected: Expected, tmp_path: Path) -> None:
    place, copies = many
    process = start_scoring(place, "-o", tmp_path / "out", "--workers", 2)
    killed, waits = 0, np.random.default_rng(5)
    while process.poll() is None:
        time.sleep(waits.uniform(0.1, 0.6))
        if killed < 3 and any((tmp_path / "out").glob("*.parquet")):
            for child in children(process.pid)[:1]:
                os.kill(child, signal.SIGKILL)
                killed += 1
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert killed >= 1
    assert_rows(rows_of(tmp_path / "out"), expected * copies)
    assert not list((tmp_path / "out").glob(".*"))


def test_a_killed_scoring_goes_on(many: tuple[Path, int], expected: Expected, tmp_path: Path) -> None:
    place, copies = many
    output = tmp_path / "out"
    written: dict[Path, int] = {}
    for _ in range(3):
        process = start_scoring(place, "-o", output, "--workers", 2)
        goal = len(written) + 10
        while len(list(output.glob("*.parquet"))) < goal and process.poll() is None:
            time.sleep(0.02)
        workers = children(process.pid)
        process.kill()
        process.communicate()
        for worker in workers:  # they end when their pipe does, after the part that they are at
            while is_running(worker):
                time.sleep(0.02)
        for file in output.glob("*.parquet"):
            assert written.setdefault(file, file.stat().st_mtime_ns) == file.stat().st_mtime_ns
    assert 0 < len(written) < 7 * copies
    process = start_scoring(place, "-o", output, "--workers", 2)
    assert process.wait() == 0, process.communicate()
    process.communicate()
    assert {file: file.stat().st_mtime_ns for file in written} == written
    assert_rows(rows_of(output), expected * copies)


def test_ctrl_c_says_how_to_go_on(many: tuple[Path, int], expected: Expected, tmp_path: Path) -> None:
    place, copies = many
    process = start_scoring(place, "-o", tmp_path / "out", "--workers", 2)
    while not list((tmp_path / "out").glob("*.parquet")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert f"of {7 * copies} parts are done; the same command goes on" in said
    assert "Traceback" not in said
    process = start_scoring(place, "-o", tmp_path / "out", "--workers", 2)
    process.communicate()
    assert_rows(rows_of(tmp_path / "out"), expected * copies)


def test_a_picture_that_ends_its_process_becomes_an_error(pictures: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(POISON)
    for number, data in enumerate([pictures[0], pictures[1] + b"poison", pictures[2]]):
        file = tmp_path / "in" / f"{number}.png"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(data)
    environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    process = start_scoring(tmp_path / "in", "-o", tmp_path / "out", "--workers", 1, environment=environment)
    _, said = process.communicate()
    assert process.returncode == 0, said
    rows = rows_of(tmp_path / "out")
    assert [row["error"] for row in rows] == [None, "ended 3 processes that tried to read it", None]
    assert [row["label"] is None for row in rows] == [False, True, False]


def test_memory_does_not_grow_with_the_number_of_pictures(pictures: list[bytes], tmp_path: Path) -> None:
    """One part of 100,000 ready arrays, and four."""
    peaks = []
    for count in (100_000, 400_000):
        np.save(tmp_path / f"{count}.npy", np.zeros((count, 28, 28), np.uint8))
        process = start_scoring(tmp_path / f"{count}.npy", "-o", tmp_path / f"out-{count}", "--workers", 1, "--mnist")
        peak = 0
        while process.poll() is None:
            for pid in [process.pid, *children(process.pid)] if process.poll() is None else []:
                try:
                    status = Path(f"/proc/{pid}/status").read_text()
                except OSError:
                    continue
                kilobytes = [int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")]
                peak = max([peak, *kilobytes])
            time.sleep(0.05)
        process.communicate()
        assert process.returncode == 0
        peaks.append(peak)
    assert peaks[1] < 1.3 * peaks[0]
