"""What measures the service: it runs against the real one, and notices a service that goes wrong."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

import pytest

from benchmarks.harness.benchmark import read_result
from benchmarks.serving import (
    attack_client,
    attacks_http,
    attacks_pictures,
    hostile,
    load_client,
    memory,
    payloads,
    serve,
    serve_table,
    servers,
    throughput,
)
from edgedigits.serve.limits import LIMITS

HERE = Path(__file__).parent
PARTS = ("throughput", "memory", "hostile")
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes in /proc"),
    pytest.mark.skipif(find_spec("uvicorn") is None, reason="the extra serve is not installed here"),
]


@pytest.fixture
def stub():
    return lambda way: [sys.executable, str(HERE / "stub_server.py"), way]


def test_the_smallest_run_measures_the_real_service_and_finds_nothing_wrong(tmp_path, capsys):
    output = tmp_path / "serve.json"
    serve.BENCHMARK.main(["--smallest", "-o", str(output)])
    printed = capsys.readouterr().out
    told = json.loads(output.read_text())
    for part in PARTS:  # so few requests do not tell whether memory stays
        assert [line for line in told[part]["failed"] if "memory grew" not in line] == [], printed
        assert told[part]["of"]["versions"]["edgedigits"]
    assert [(row["picture"], row["connections"]) for row in told["throughput"]["rows"]] == [
        (picture, connections) for picture in ("28×28", "drawing") for connections in (1, 8, 64)
    ]  # fmt: skip
    assert all(row["ratio"] > 0 and row["client_busy"] < 0.9 for row in told["throughput"]["rows"])
    assert sum(told["hostile"]["statuses"].values()) >= told["hostile"]["count"]
    assert printed.count("Bundle `") == len(PARTS), "a table each"


def test_a_part_that_is_not_asked_for_stays_as_it_was(tmp_path):
    output = tmp_path / "serve.json"
    before = read_result("serve")["hostile"]
    output.write_text(json.dumps({"schema": 1, "hostile": before}))
    serve.BENCHMARK.main(["--smallest", "--only", "memory", "-o", str(output)])
    told = json.loads(output.read_text())
    assert told["hostile"] == before
    assert [row["requests"] for row in told["memory"]["rows"]] == [40, 80]


def test_both_sides_give_the_same_answer():
    told = []
    for command in (servers.ours(sys.executable), servers.theirs(sys.executable)):
        with servers.started(command) as server:
            url = f"http://127.0.0.1:{server.port}/v1/classify"
            with urlopen(Request(url, payloads.encoded(payloads.drawing()))) as answer:
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
def test_what_goes_wrong_under_hostile_requests_is_noticed(stub, monkeypatch, way, failure):
    monkeypatch.setattr(attack_client, "QUIET_S", 0.1)
    monkeypatch.setattr(attack_client, "PATIENCE_S", 1.0)
    monkeypatch.setattr(hostile, "SETTLE_TIMES", 2)
    found = hostile.hostile(stub(way), 150, 3)
    assert failure in "\n".join(found["failed"])
    assert found["failures"] >= 1
    of = {"machine": {"board": "b", "cores": 2, "python": "3"}, "versions": {}, "bundle": "", "load_average": 0.0}
    assert serve_table.hostile_table({"hostile": found | {"of": of}})


def test_a_service_that_bears_it_passes(stub, monkeypatch):
    monkeypatch.setattr(attack_client, "QUIET_S", 0.1)
    monkeypatch.setattr(attack_client, "PATIENCE_S", 10.0)
    found = hostile.hostile(stub("well"), 100, 2)
    assert found["failed"] == []
    assert (found["exit_code"], len(found["rounds"])) == (0, 3)


def test_attacks_are_the_same_for_a_number_and_of_every_kind():
    assert hostile.attack(5) == hostile.attack(5) != hostile.attack(6)
    names = {hostile.attack(number)[0] for number in range(3000)}
    assert names == hostile.ATTACKS.keys()
    for number in range(200):
        for step in hostile.attack(number)[1]:
            assert isinstance(step, bytes | float) or step in {attacks_http.END, attacks_http.HANG_UP}


def test_bombs_are_small_and_as_large_as_they_say():
    assert len(attacks_pictures.zeros(attacks_pictures.BEYOND)) < 50_000
    assert len(attacks_pictures.text_bomb()) < 200_000
    below, beyond = (wide * high for wide, high in (attacks_pictures.BELOW, attacks_pictures.BEYOND))
    assert below <= LIMITS.pixels < beyond


@pytest.mark.parametrize(("way", "failure"), [("memory", "resident memory grew by"), ("wrong", "times HTTP/1.1 200")])
def test_what_goes_wrong_over_many_requests_is_noticed(stub, way, failure):
    assert failure in "\n".join(memory.memory(stub(way), [40, 80])["failed"])


def test_a_service_that_is_slower_or_wrong_is_told(stub, monkeypatch):
    monkeypatch.setattr(throughput, "WARM", 8)
    found = throughput.throughput({"ours": stub("slow"), "theirs": stub("well")}, 1, 0.1)
    assert median(row["ratio"] for row in found["rows"]) < found["goal"]
    assert found["failed"] == []
    found = throughput.throughput({"ours": stub("well"), "theirs": stub("wrong")}, 1, 0.05)
    assert len(found["failed"]) == len(found["rows"])


def test_a_service_that_hangs_up_ends_the_measurement(stub, tmp_path):
    lie = b"POST /v1/classify HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"
    with servers.started(stub("crash")) as server:
        with pytest.raises(SystemExit, match=r"(?s)load_client: exit code 1\n.*(hung up|Error)"):
            load_client.run_load(server.port, [load_client.saved(tmp_path, "x", lie, "7")], 2, count=200)
        assert server.end() == 3


def test_a_server_that_does_not_begin_is_told_in_its_own_words():
    command = [sys.executable, "-c", "raise SystemExit('no port for you')"]
    with pytest.raises(SystemExit, match="no server\nno port for you"), servers.started(command):
        pass
