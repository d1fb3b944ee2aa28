"""What measures the service: it runs against the real one, and notices a service that goes wrong."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

import pytest

HERE = Path(__file__).parent
SERVE = HERE.parents[1] / "benchmarks" / "serve"
PARTS = ("throughput", "memory", "hostile")
pytestmark = [
    pytest.mark.skipif(not SERVE.is_dir(), reason="the wheel alone has no benchmarks"),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes in /proc"),
    pytest.mark.skipif(find_spec("uvicorn") is None, reason="the extra serve is not installed here"),
]


@pytest.fixture
def own(monkeypatch):
    """A module of benchmarks/serve; other benchmarks have modules of the same names."""
    monkeypatch.syspath_prepend(str(SERVE))
    names = {file.stem for file in SERVE.glob("*.py")}
    others = {name: sys.modules.pop(name) for name in names & sys.modules.keys()}
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(others)


@pytest.fixture
def stub():
    return lambda way: [sys.executable, str(HERE / "stub_server.py"), way]


def test_the_smallest_run_measures_the_real_service_and_finds_nothing_wrong(tmp_path):
    output = tmp_path / "serve.json"
    command = [sys.executable, SERVE / "run.py", "--smallest", "-o", output]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert output.exists(), done.stderr
    told = json.loads(output.read_text())
    for part in PARTS:  # so few requests do not tell whether memory stays
        assert [line for line in told[part]["failed"] if "memory grew" not in line] == [], done.stdout
        assert told[part]["of"]["versions"]["edgedigits"]
    assert [(row["picture"], row["connections"]) for row in told["throughput"]["rows"]] == [
        (picture, connections) for picture in ("28×28", "drawing") for connections in (1, 8, 64)
    ]  # fmt: skip
    assert all(row["ratio"] > 0 and row["client_busy"] < 0.9 for row in told["throughput"]["rows"])
    assert sum(told["hostile"]["statuses"].values()) >= told["hostile"]["count"]
    assert done.stdout.count("Bundle `") == len(PARTS), "a table each"


def test_a_part_that_is_not_asked_for_stays_as_it_was(tmp_path):
    output = tmp_path / "serve.json"
    output.write_text('{"schema": 1, "hostile": "as before"}')
    command = [sys.executable, SERVE / "run.py", "--smallest", "--only", "memory", "-o", output]
    subprocess.run(command, check=False, capture_output=True)
    told = json.loads(output.read_text())
    assert told["hostile"] == "as before"
    assert [row["requests"] for row in told["memory"]["rows"]] == [40, 80]


def test_both_sides_give_the_same_answer(own):
    pictures, servers = own("pictures"), own("servers")
    told = []
    for command in (servers.ours(sys.executable), servers.theirs(sys.executable)):
        with servers.started(command) as server:
            url = f"http://127.0.0.1:{server.port}/v1/classify"
            with urlopen(Request(url, pictures.encoded(pictures.drawing()))) as answer:
                told.append(json.load(answer))
    for one in told:
        del one["timing_ms"]
    assert told[0] == told[1]
    assert (told[0]["digit"], told[0]["rejected"]) == (7, None)


@pytest.mark.parametrize(
    ("way", "failure"),
    [
        ("500", "was answered: 500"),
        ("wrong", 'a good digit was answered: HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n{"digit": 8'),
        ("memory", "resident memory grew by"),
        ("descriptors", "descriptors at the end"),
        ("threads", "threads at the end"),
        ("crash", "the service died after 0 rounds"),
        ("exit", "the service ended with 1 instead of 0"),
        ("traceback", "tracebacks; the first: Traceback (most recent call last):\n  a bug"),
        ("silent", "was answered: hung"),
    ],
)
def test_what_goes_wrong_under_hostile_requests_is_noticed(own, stub, monkeypatch, way, failure):
    monkeypatch.setattr(own("sending"), "QUIET_S", 0.1)
    monkeypatch.setattr(own("sending"), "PATIENCE_S", 1.0)
    monkeypatch.setattr(own("siege"), "SETTLE_TIMES", 2)
    found = own("hostile").hostile(stub(way), 150, 3)
    assert failure in "\n".join(found["failed"])
    assert found["failures"] >= 1
    of = {"machine": {"board": "b", "cores": 2, "python": "3"}, "versions": {}, "bundle": "", "load_average": 0.0}
    assert own("table").hostile_table({"hostile": found | {"of": of}})


def test_a_service_that_bears_it_passes(own, stub, monkeypatch):
    monkeypatch.setattr(own("sending"), "QUIET_S", 0.1)
    monkeypatch.setattr(own("sending"), "PATIENCE_S", 10.0)
    found = own("hostile").hostile(stub("well"), 100, 2)
    assert found["failed"] == []
    assert (found["exit_code"], len(found["rounds"])) == (0, 3)


def test_attacks_are_the_same_for_a_number_and_of_every_kind(own):
    hostile, http = own("hostile"), own("attacks_http")
    assert hostile.attack(5) == hostile.attack(5) != hostile.attack(6)
    names = {hostile.attack(number)[0] for number in range(3000)}
    assert names == {attack.__name__ for attack in hostile.ATTACKS}
    for number in range(200):
        for step in hostile.attack(number)[1]:
            assert isinstance(step, bytes | float) or step in {http.END, http.HANG_UP}


def test_bombs_are_small_and_as_large_as_they_say(own):
    pictures = own("attacks_pictures")
    assert len(pictures.zeros(pictures.BEYOND)) < 50_000
    assert len(pictures.text_bomb()) < 200_000
    limits = importlib.import_module("edgedigits.serve.limits")
    below, beyond = (wide * high for wide, high in (pictures.BELOW, pictures.BEYOND))
    assert below <= limits.LIMITS.pixels < beyond


@pytest.mark.parametrize(("way", "failure"), [("memory", "resident memory grew by"), ("wrong", "times HTTP/1.1 200")])
def test_what_goes_wrong_over_many_requests_is_noticed(own, stub, way, failure):
    assert failure in "\n".join(own("memory").memory(stub(way), [40, 80])["failed"])


def test_a_service_that_is_slower_or_wrong_is_told(own, stub, monkeypatch):
    monkeypatch.setattr(own("throughput"), "WARM", 8)
    found = own("throughput").throughput({"ours": stub("slow"), "theirs": stub("well")}, 1, 0.1)
    assert median(row["ratio"] for row in found["rows"]) < found["goal"]
    assert found["failed"] == []
    found = own("throughput").throughput({"ours": stub("well"), "theirs": stub("wrong")}, 1, 0.05)
    assert len(found["failed"]) == len(found["rows"])


def test_a_service_that_hangs_up_ends_the_measurement(own, stub, tmp_path):
    asking, servers = own("asking"), own("servers")
    lie = b"POST /v1/classify HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"
    with servers.started(stub("crash")) as server:
        with pytest.raises(SystemExit, match=r"(?s)load\.py: exit code 1\n.*(hung up|Error)"):
            asking.ask(server.port, [asking.kept(tmp_path, "x", lie, "7")], 2, count=200)
        assert server.end() == 3


def test_a_server_that_does_not_begin_is_told_in_its_own_words(own):
    servers = own("servers")
    command = [sys.executable, "-c", "raise SystemExit('no port for you')"]
    with pytest.raises(SystemExit, match="no server\nno port for you"), servers.started(command):
        pass
