"""Scoring on Ray: the same rows, on one machine and on a cluster of which a node, an actor or the driver is killed.

`make score` runs those of a cluster (``--cluster``): they start Ray's nodes on this machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from scored import Expected, assert_rows, rows_of, start_scoring

pytest.importorskip("ray", reason="ray is not installed: the extra [scale] is not there")

pytestmark = pytest.mark.slow

COPIES = 6
# Ray takes 127.0.0.1 for the address that others know this machine by.
HEAD, SECOND = "127.0.0.2", "127.0.0.3"
# Nodes want a token of everybody unless this says otherwise.
DISABLED = {"RAY_AUTH_MODE": "disabled"}
OPEN = os.environ | DISABLED


@pytest.fixture
def many(archives: Path, tmp_path: Path) -> Path:
    """A folder with 6 Parquet files of 7 parts each."""
    copies = tmp_path / "many"
    copies.mkdir()
    for number in range(COPIES):
        (copies / f"{number:02}.parquet").symlink_to(archives / "digits.parquet")
    return copies


def test_ray_here_gives_the_rows_of_a_loop(archives: Path, expected: Expected, tmp_path: Path) -> None:
    process = start_scoring(archives / "digits.parquet", "-o", tmp_path / "out", "--ray", "local", "--workers", 1)
    said, log = process.communicate()
    assert process.returncode == 0, log
    assert_rows(rows_of(tmp_path / "out"), expected)
    assert f"{len(expected)} images, 1 of them unreadable" in said
    assert "Traceback" not in log


def test_no_cluster_is_told_in_a_line(archives: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
        process = start_scoring(archives / "digits.tar", "-o", tmp_path / "out", "--ray", address)
        _, log = process.communicate()
    assert process.returncode == 3
    assert f"--ray {address}: no Ray cluster answers" in log
    assert "Traceback" not in log


class Node:
    """A node of a cluster on this machine: `ray start --block`, which ends with its processes."""

    def __init__(self, *words: str) -> None:
        command = [str(Path(sys.executable).with_name("ray")), "start", *words, "--num-cpus", "1", "--block"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=OPEN
        )

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut does."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


@pytest.fixture
def cluster() -> Iterator[tuple[str, Node]]:
    """Give the address of two nodes with one processor each, and the second of them."""
    short = tempfile.mkdtemp(prefix="ray-")  # the names of sockets have 107 characters at most
    with socket.socket() as free:
        free.bind((HEAD, 0))
        port = free.getsockname()[1]
    address = f"{HEAD}:{port}"
    common = ("--node-ip-address", HEAD, "--temp-dir", short)
    head = Node("--head", "--port", str(port), "--include-dashboard", "false", *common)
    _wait_for(address, 1)
    second = Node("--address", address, "--node-ip-address", SECOND)
    _wait_for(address, 2)
    yield address, second
    second.kill()
    head.kill()
    shutil.rmtree(short, ignore_errors=True)


def _wait_for(address: str, nodes: int) -> None:
    """Wait until a cluster has so many nodes, asked in a process that leaves no trace in this one."""
    program = (
        "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False); "
        "sys.exit(sum(node['Alive'] for node in ray.nodes()) < int(sys.argv[2]))"
    )
    for _ in range(30):
        asked = subprocess.run(
            [sys.executable, "-c", program, address, str(nodes)], capture_output=True, check=False, env=OPEN
        )
        if asked.returncode == 0:
            return
        time.sleep(1)
    pytest.fail(f"{nodes} nodes did not come: {asked.stderr.decode()[-500:]}")


def _wait_for_files(output: Path, count: int, process: subprocess.Popen[str]) -> None:
    while len(list(output.glob("*.parquet"))) < count and process.poll() is None:
        time.sleep(0.02)


@pytest.mark.cluster
def test_a_node_that_dies_takes_no_row_along(
    cluster: tuple[str, Node], many: Path, expected: Expected, tmp_path: Path
) -> None:
    address, second = cluster
    process = start_scoring(many, "-o", tmp_path / "out", "--ray", address, "--workers", 2, environment=DISABLED)
    _wait_for_files(tmp_path / "out", 3, process)
    second.kill()
    _, log = process.communicate()
    assert process.returncode == 0, log
    assert_rows(rows_of(tmp_path / "out"), expected * COPIES)
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.cluster
def test_an_actor_and_the_driver_that_are_killed_go_on(
    cluster: tuple[str, Node], many: Path, expected: Expected, tmp_path: Path
) -> None:
    address, _ = cluster
    words = (many, "-o", tmp_path / "out", "--ray", address, "--workers", 2)
    process = start_scoring(*words, environment=DISABLED)
    _wait_for_files(tmp_path / "out", 2, process)
    actors = [
        entry
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if b"ray::" in _read(entry) and b"_Actor" in _read(entry)
    ]
    assert actors
    os.kill(int(actors[0].parent.name), signal.SIGKILL)
    _wait_for_files(tmp_path / "out", 6, process)
    process.kill()
    process.communicate()
    done = {file: file.stat().st_mtime_ns for file in (tmp_path / "out").glob("*.parquet")}
    assert 0 < len(done) < 7 * COPIES
    process = start_scoring(*words, environment=DISABLED)
    _, log = process.communicate()
    assert process.returncode == 0, log
    assert {file: file.stat().st_mtime_ns for file in done} == done
    assert_rows(rows_of(tmp_path / "out"), expected * COPIES)
    assert not list((tmp_path / "out").glob(".*"))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
