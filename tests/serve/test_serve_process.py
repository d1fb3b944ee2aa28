"""From the start to the end of a service: what it says, how it fails, how it ends, what systemd hears."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from running import PATIENCE_S, Running, wait_until

from edgedigits.serve.addresses import local_addresses
from edgedigits.serve.server import _Watchdog

pytestmark = pytest.mark.slow

IMPATIENT = Path(__file__).parent / "impatient_service.py"
POST = b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


@pytest.fixture
def slow(start):
    """A service that takes half a second for an answer."""
    return lambda **env: start(
        program=(str(IMPATIENT),), EDGEDIGITS_TEST_LIMITS=json.dumps({"slow_s": 0.5, "queue_length": 4}), **env
    )


def test_it_says_where_it_is_and_what_answers(service) -> None:
    assert service.opening.startswith(f"edgedigits serve: {service.url} runs small int8")
    assert "golden inputs" in service.opening
    assert "password" not in service.opening
    assert service.address[0] == "127.0.0.1"


def test_it_says_that_a_whole_network_can_ask(start) -> None:
    opened = start("--host", "0.0.0.0")  # noqa: S104
    assert opened.url.startswith("http://localhost:")
    assert "open to the whole network, without a password" in opened.opening


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::", "localhost"])  # noqa: S104
def test_every_address_that_it_prints_answers(start, host) -> None:
    if ":" in host and not has_ipv6():
        pytest.skip("no IPv6 loopback here")
    opened = start("--host", host)
    opened.end()  # what it has said is complete only then
    urls = re.findall(r"http://\S+", opened.said)
    port = opened.address[1]
    again = start("--host", host, "--port", port)
    for url in urls:
        assert Running(again.process, url, "").get("/healthz").status == 200, url
    assert again.end() == 0
    assert urls[0] == opened.url
    assert (len(urls) == 1) == (host in {"127.0.0.1", "localhost"} or not local_addresses())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux lists its addresses")
def test_all_addresses_of_the_machine_are_found(monkeypatch) -> None:
    """As /proc tells them in its own words; without AF_NETLINK, as in a sandbox, what the name has."""
    found = local_addresses()
    routes = Path("/proc/net/fib_trie").read_text()
    told = {ip_address(one) for one in re.findall(r"\|-- (\S+)\n +/32 host LOCAL", routes)}
    assert {one for one in found if one.version == 4} == {one for one in told if not one.is_loopback}
    rows = [line.split() for line in Path("/proc/net/if_inet6").read_text().splitlines()]
    told = {ip_address(bytes.fromhex(row[0])) for row in rows}
    assert {one for one in found if one.version == 6} == {
        one for one in told if not (one.is_loopback or one.is_link_local)
    }
    monkeypatch.delattr(socket, "AF_NETLINK")
    assert set(local_addresses()) <= set(found)


def has_ipv6() -> bool:
    if not socket.has_ipv6:
        return False
    with socket.socket(socket.AF_INET6) as probe:
        return probe.connect_ex(("::1", 9)) != errno.EADDRNOTAVAIL


def test_it_speaks_ipv6(start) -> None:
    if not has_ipv6():
        pytest.skip("no IPv6 loopback here")
    assert start("--host", "::1").get("/healthz").status == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_what_was_begun_and_then_ends(slow, drawn, number) -> None:
    running = slow()
    with socket.create_connection(running.address, PATIENCE_S) as channel:
        channel.sendall(POST % len(drawn[9]) + drawn[9])
        wait_until(lambda: b'edgedigits_requests_total{path="/healthz"' in ask_health(running))
        running.process.send_signal(number)
        found = b""
        while chunk := channel.recv(65536):
            found += chunk
    assert found.startswith(b"HTTP/1.1 200 ")
    assert b'"digit": 9' in found
    assert running.ended() == (0 if number == signal.SIGTERM else 130)
    assert "Traceback" not in running.said


def ask_health(running) -> bytes:
    running.get("/healthz")
    return running.get("/metrics").body


def test_an_idle_connection_does_not_keep_it(start) -> None:
    running = start()
    with socket.create_connection(running.address, PATIENCE_S) as channel:
        channel.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert channel.recv(100)
        assert running.end() == 0


def test_killed_it_leaves_nothing_behind_and_its_port_is_free_at_once(start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    running = start(HOME=str(home), TMPDIR=str(home), XDG_CACHE_HOME=str(home))
    assert running.get("/healthz").status == 200
    assert running.end(signal.SIGKILL) == -signal.SIGKILL
    assert not list(home.rglob("*"))
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(running.address)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--port", "99999"), 2, "expected an address of this machine and a port"),
        (("--host", "192.0.2.1"), 2, "no address of this machine"),
        (("--host", "no such host"), 2, "expected an address of this machine and a port"),
        (("--bundle", "nothing-of-this-name"), 2, "nothing-of-this-name"),
        (("--camera", "webcam"), 2, "camera:0"),
        (("--engine", "abacus"), 2, "abacus"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(command, refused, words, code, says) -> None:
    refused(command("serve", *words), code, says)


def test_a_port_in_use_is_said_in_one_line(command, refused, service) -> None:
    refused(command("serve", "--port", service.address[1]), 2, "listens there already", "0 for any")


def test_a_pi_camera_without_its_program_is_said_at_once(command, refused, tmp_path) -> None:
    refused(command("serve", "--camera", "camera:0", env={"PATH": str(tmp_path)}), 3, "rpicam-apps-lite")


def test_a_model_that_answers_its_golden_inputs_otherwise_is_not_served(
    command, refused, bundle_copy, rewrite_arrays
) -> None:
    with np.load(bundle_copy / "golden.npz") as golden:
        arrays = {name: golden[name] for name in golden.files}
    for name in [name for name in arrays if arrays[name].dtype == np.float32]:
        arrays[name] = arrays[name].copy()
        arrays[name][-1] = np.roll(arrays[name][-1], 1)  # one that is not asked at load
    rewrite_arrays(bundle_copy, "golden", arrays)
    refused(command("serve", "--port", 0, "--bundle", bundle_copy), 1, "golden inputs", "edgedigits selftest")


def test_without_the_extra_the_pip_line_is_told(tmp_path: Path, refused) -> None:
    code = (
        "import importlib.util as u, sys; real = u.find_spec; "
        "u.find_spec = lambda name, *a: None if name == 'uvicorn' else real(name, *a); "
        "from edgedigits.cli.main import main; raise SystemExit(main(['serve']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    refused(done, 3, "needs uvicorn", "pip install", '"starlette')


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no systemd without Unix sockets")
def test_systemd_hears_when_it_is_ready_alive_and_ending(start, tmp_path: Path) -> None:
    place = f"{os.path.relpath(tmp_path)}/notify"  # a socket's path may have 100 characters
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(place)
        hears.settimeout(PATIENCE_S)
        running = start(NOTIFY_SOCKET=os.path.abspath(place))
        said = {hears.recv(100), hears.recv(100)}
        assert said == {b"READY=1", b"WATCHDOG=1"}
        assert running.end() == 0
        assert hears.recv(100) == b"STOPPING=1"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no systemd without Unix sockets")
def test_the_watchdog_is_silent_while_pictures_do_not_get_their_turn(tmp_path: Path, monkeypatch) -> None:
    place = f"{os.path.relpath(tmp_path)}/notify"
    not_ready: list[str] = []
    watchdog = _Watchdog(SimpleNamespace(why_not_ready=lambda: not_ready[0] if not_ready else None))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as hears:
        hears.bind(place)
        hears.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", place)
        asyncio.run(watchdog())
        assert hears.recv(100) == b"WATCHDOG=1"
        not_ready.append("one picture has taken 31 seconds so far")
        asyncio.run(watchdog())
        with pytest.raises(BlockingIOError):
            hears.recv(100)


def test_a_stuck_picture_makes_it_unready(start, drawn) -> None:
    limits = json.dumps({"slow_s": 1.5, "stuck_s": 0.2})
    running = start(program=(str(IMPATIENT),), EDGEDIGITS_TEST_LIMITS=limits)
    assert running.get("/readyz").status == 200
    with socket.create_connection(running.address, PATIENCE_S) as channel:
        channel.sendall(POST % len(drawn[1]) + drawn[1])
        wait_until(lambda: running.get("/readyz").status == 503)
        assert running.get("/healthz").status == 200
    wait_until(lambda: running.get("/readyz").status == 200)
