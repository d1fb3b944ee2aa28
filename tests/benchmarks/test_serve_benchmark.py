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
    load_client,
    memory,
    payloads,
    serve,
    servers,
    throughput,
)

HERE = Path(__file__).parent
PARTS = ("throughput", "memory")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes in /proc"),
    pytest.mark.skipif(find_spec("uvicorn") is None, reason="the extra serve is not installed here"),
]


@pytest.fixture
def stub():
    return lambda way: [sys.executable, str(HERE / "stub_server.py"), way]


def test_a_part_that_is_not_asked_for_stays_as_it_was(tmp_path):
    output = tmp_path / "serve.json"
    before = read_result("serve")["throughput"]
    output.write_text(json.dumps({"schema": 1, "throughput": before}))
    serve.BENCHMARK.main(["--smallest", "--only", "memory", "-o", str(output)])
    told = json.loads(output.read_text())
    assert told["throughput"] == before
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
