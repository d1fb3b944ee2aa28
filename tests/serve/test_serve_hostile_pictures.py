"""Pictures that would take minutes or gigabytes: refused in words, while everybody else is answered as ever."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import slow_pictures
from attacks_pictures import zeros
from PIL import Image
from running import PATIENCE_S, Running, png_of, wait_until

from edgedigits.serve.decoders import is_small
from edgedigits.serve.limits import LIMITS

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes in /proc"),
]

IMPATIENT = Path(__file__).parent / "impatient_service.py"
POST = b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
ALL_FORMATS = ("--formats", "bmp,gif,ppm,tiff")
PEAK_MB = 360  # the systemd unit allows 400, of which bodies that wait may take 40


def children(running: Running) -> list[int]:
    found = []
    for task in Path(f"/proc/{running.process.pid}/task").iterdir():
        with suppress(OSError):  # a thread that has just ended
            found += [int(word) for word in (task / "children").read_text().split()]
    return found


def megabytes(running: Running) -> float:
    """The memory of a service and its processes; of what they share, each has its part."""
    total = 0.0
    for process in (running.process.pid, *children(running)):
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:  # it has just ended
            continue
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1000
    return total


def settled(running: Running) -> float:
    """Its memory once its processes have started and nothing changes any more."""
    seen = [0.0]

    def is_still() -> bool:
        time.sleep(0.3)
        seen.append(megabytes(running))
        return len(children(running)) == LIMITS.decoders and abs(seen[-1] - seen[-2]) < 1

    wait_until(is_still)
    return seen[-1]


@contextmanager
def most_megabytes(running: Running) -> Iterator[list[float]]:
    """Look every few milliseconds how much memory it has, and keep the most."""
    most, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.005):
            most[0] = max(most[0], megabytes(running))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield most
    finally:
        done.set()
        watching.join()


@pytest.fixture
def impatient(start):
    return lambda *options, **limits: start(
        *options, program=(str(IMPATIENT),), EDGEDIGITS_TEST_LIMITS=json.dumps(limits)
    )


@pytest.mark.parametrize("make", [slow_pictures.comments, slow_pictures.empty_scans, slow_pictures.strips])
def test_a_picture_that_takes_minutes_is_refused_and_nobody_else_waits_for_it(impatient, drawn, make) -> None:
    running, data = impatient(*ALL_FORMATS, decode_s=3), make()
    assert running.post("/v1/classify", drawn[3]).status == 200
    answers = []
    late = threading.Thread(target=lambda: answers.append(running.post("/v1/classify", data)))
    late.start()
    slowest, count = 0.0, 0
    while late.is_alive():
        begun = time.monotonic()
        assert running.post("/v1/classify", drawn[3]).json()["digit"] == 3
        slowest, count = max(slowest, time.monotonic() - begun), count + 1
    assert answers[0].status == 422
    assert "3 seconds" in answers[0].json()["detail"] or "memory" in answers[0].json()["detail"]
    assert slowest < 2
    assert count > 3


def test_the_end_does_not_wait_for_a_picture_that_takes_minutes(impatient) -> None:
    running, data = impatient(decode_s=1000, drain_s=4), slow_pictures.empty_scans()
    with socket.create_connection(running.address, PATIENCE_S) as channel:
        channel.sendall(POST % len(data) + data)
        wait_until(lambda: processor_s(running) > 0.5)
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        found = b""
        while chunk := channel.recv(65536):
            found += chunk
    assert found.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 1" in found.lower()
    assert running.ended() == 0
    assert time.monotonic() - begun < 30
    assert "Traceback" not in running.said


def processor_s(running: Running) -> float:
    """The processor's time of the busiest process that decodes."""
    stats = [Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split() for child in children(running)]
    return max(int(stat[11]) for stat in stats) / os.sysconf("SC_CLK_TCK")


def test_a_process_that_dies_is_replaced_and_its_picture_refused_in_words(impatient, drawn) -> None:
    running, data = impatient(decode_s=1000), slow_pictures.empty_scans()
    answers = []
    asking = threading.Thread(target=lambda: answers.append(running.post("/v1/classify", data)))
    asking.start()
    wait_until(lambda: processor_s(running) > 0.5)
    busiest = max(children(running), key=lambda child: Path(f"/proc/{child}/stat").read_text().split()[13].zfill(9))
    os.kill(busiest, signal.SIGSEGV)
    asking.join(PATIENCE_S)
    assert answers[0].status == 422
    assert "SIGSEGV" in answers[0].json()["detail"]
    assert [running.post("/v1/classify", drawn[4]).json()["digit"] for _ in range(4)] == [4] * 4
    assert len(children(running)) == LIMITS.decoders


def test_while_others_wait_a_second_slow_picture_is_put_off(impatient, drawn) -> None:
    running, data = impatient(decode_s=20, patience_s=0.3), slow_pictures.empty_scans()
    answers: list[int] = []
    slow = [threading.Thread(target=lambda: answers.append(running.post("/v1/classify", data).status)) for _ in "12"]
    for thread in slow:
        thread.start()
    wait_until(lambda: processor_s(running) > 0.2)
    time.sleep(0.5)  # both are being decoded now
    begun = time.monotonic()
    assert running.post("/v1/classify", drawn[5]).json()["digit"] == 5
    assert time.monotonic() - begun < 10
    for thread in slow:
        thread.join(PATIENCE_S)
    assert sorted(answers) == [422, 503]


def cut_png(side: int = 4500) -> bytes:
    """A PNG of noise that ends too early, when all of its pixels have their memory."""
    rows = np.random.default_rng(0).integers(0, 256, (8, 3 * side), np.uint8)
    whole = png_of(np.tile(rows.reshape(8, side, 3), (side // 8, 1, 1)))
    return whole[:60_000]


def test_refused_pictures_do_not_stay_in_memory(impatient) -> None:
    running, data = impatient(decode_s=60), cut_png()
    for _ in range(2):
        assert "cut short" in running.post("/v1/classify", data).json()["detail"]
    before = settled(running)
    for _ in range(25):
        assert running.post("/v1/classify", data).status == 422
    assert settled(running) - before < 40


def test_refused_small_pictures_do_not_stay_in_memory_either(start) -> None:
    running, data = start(), png_of(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8))[:3000]
    assert is_small(data)
    for _ in range(20):
        assert running.post("/v1/classify", data).status == 422
    before = settled(running)
    for _ in range(300):
        running.post("/v1/classify", data)
    assert settled(running) - before < 5


def encoded(mode: str, size: tuple[int, int], kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6
    return exif


LARGE = {
    "grey PNG": lambda: zeros((5000, 5000)),
    "colour PNG": lambda: encoded("RGB", (5000, 5000), "PNG"),
    "transparent PNG": lambda: encoded("RGBA", (5000, 5000), "PNG"),
    "turned PNG": lambda: encoded("RGB", (4600, 4600), "PNG", exif=turned()),
    "deep PNG": lambda: encoded("I;16", (5000, 5000), "PNG"),
    "progressive JPEG": lambda: encoded("RGB", (4700, 4300), "JPEG", progressive=True, subsampling=0, quality=50),
    "WebP": lambda: encoded("RGBA", (2700, 2700), "WEBP", lossless=True),
    "float TIFF": lambda: encoded("F", (4300, 4300), "TIFF", compression="tiff_lzw"),
    "long grey PNG": lambda: zeros((1000, 25_000)),
}


@cache
def large_pictures() -> dict[str, bytes]:
    return {name: make() for name, make in LARGE.items()}


@pytest.mark.parametrize("path", ["/v1/classify", "/v1/read"])
def test_the_largest_pictures_of_all_kinds_are_answered_within_the_unit_s_memory(impatient, path) -> None:
    running = impatient(*ALL_FORMATS, decode_s=60)
    for name, data in large_pictures().items():
        with most_megabytes(running) as most:
            answer = running.post(path, data)
        assert (name, answer.status) == (name, 200), answer.body
        assert most[0] < PEAK_MB, name


def plain_webp(side: int) -> bytes:
    """A WebP of one colour, which has as few bytes whatever its size."""
    data = bytearray(encoded("RGBA", (16, 16), "WEBP", lossless=True))
    at = data.index(b"VP8L") + 9
    bits = int.from_bytes(data[at : at + 4], "little") & ~0xFFF_FFFF | (side - 1) | (side - 1) << 14
    data[at : at + 4] = bits.to_bytes(4, "little")
    return bytes(data)


def tile(side: int) -> bytes:
    """A TIFF of 64x64 pixels in one tile of this side, compressed by deflate, of which only four bytes are there."""
    tags = [(256, 4, 64), (257, 4, 64), (258, 3, 8), (259, 3, 8), (262, 3, 1), (277, 3, 1), (322, 4, side),
            (323, 4, side), (324, 4, 8), (325, 4, 4)]  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 12) + b"\x78\x9c\3\0" + struct.pack("<H", len(tags)) + entries + bytes(4)


def test_files_of_a_few_bytes_that_claim_gigabytes_take_none(start) -> None:
    running = start(*ALL_FORMATS)
    before = settled(running)
    with most_megabytes(running) as most:
        for data in (plain_webp(8000), plain_webp(4000), b"P6 99999 99999 255\n", zeros((5001, 5000)), tile(46_336)):
            assert running.post("/v1/classify", data).status == 422
    assert most[0] - before < 60


def test_formats_are_those_of_telephones_and_browsers_unless_others_are_named(start, service) -> None:
    tiff, gif = encoded("L", (100, 100), "TIFF"), encoded("L", (100, 100), "GIF")
    for data in (tiff, gif):
        answer = service.post("/v1/classify", data)
        assert answer.status == 422
        assert "expected an image (JPEG, PNG, WEBP)" in answer.json()["detail"]
    named = start("--formats", "Tiff")
    assert named.post("/v1/classify", tiff).status == 200
    assert named.post("/v1/classify", gif).status == 422


def test_formats_that_there_are_not_are_told(command, refused) -> None:
    refused(command("serve", "--port", 0, "--formats", "tiff,heic"), 2, "--formats: expected some of", "found HEIC")


def test_what_libraries_write_about_a_picture_stays_out_of_the_log(start) -> None:
    data = bytearray(encoded("L", (200, 200), "TIFF", compression="tiff_lzw"))
    data[20:120] = bytes(100)
    code = "import sys, io; from PIL import Image; Image.open(io.BytesIO(sys.stdin.buffer.read())).load()"
    told = subprocess.run([sys.executable, "-c", code], input=bytes(data), capture_output=True, check=False)
    assert b"LZW" in told.stderr  # the library does write
    running = start(*ALL_FORMATS)
    assert running.post("/v1/classify", bytes(data)).status == 422
    assert running.end() == 0
    assert running.said == running.opening


def test_small_is_what_can_take_neither_time_nor_memory() -> None:
    assert is_small(png_of(np.zeros((64, 64), np.uint8)))
    assert is_small(encoded("RGB", (64, 64), "JPEG"))
    assert not is_small(png_of(np.zeros((64, 65), np.uint8)))
    assert not is_small(encoded("RGB", (65, 64), "JPEG"))
    assert not is_small(png_of(np.zeros((28, 28), np.uint8)) + bytes(16_384))
    assert not is_small(plain_webp(64))
    assert not is_small(b"")


def test_a_killed_service_takes_its_processes_along(start) -> None:
    running = start()
    settled(running)
    left = children(running)
    running.end(signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in left))
