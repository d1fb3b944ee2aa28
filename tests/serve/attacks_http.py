"""Hostile requests below and around HTTP: garbage, wrong lengths, odd paths and hosts, malformed forms.

Each is a sequence of steps: bytes to send, seconds to wait, END of sending, or to HANG_UP.
"""

from __future__ import annotations

import random
from collections.abc import Callable

END, HANG_UP = "end", "hang up"
Step = bytes | float | str
# From dice and a good picture to steps.
Attack = Callable[[random.Random, bytes], list[Step]]
CLASSIFY = b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n"
BOUNDARY = "frontier"
FORM = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n".encode()
FORM_END = f"--{BOUNDARY}--\r\n".encode()
STARTS = (b"", b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW", "G\x01T", "post")
PATHS = (
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/..%5c..%5cwindows/win.ini",
    "/\x00", "/%00", "/app.js%00.html", "//etc/passwd", "/v1/classify/", "/v1//classify", "/%ff%fe", "/%", "/%zz",
    "http://example.com/", "*", "", "/?" + "a=b&" * 200, "/v1/classify?model_input=maybe",
    "/v1/classify?model_input=%00", "/" + "a" * 5000, "/;/etc/passwd", "/v1/model/../../../etc/passwd",
    "/.env", "/openapi.json/..", "/ü",
)  # fmt: skip
SERVED = ("/v1/classify", "/v1/read", "/", "/metrics", "/v1/model", "/nowhere")
HOSTS = (
    "evil.example", "", "localhost:99999", "127.0.0.1.evil.example", "[::1", "a" * 3000, "localhost\x00", "💥", "1",
)  # fmt: skip
LENGTHS = (
    "-1", "1e3", "0x10", "99999999999999999999", "5000001", "4999999999", "abc", "", "+5", "5, 5", "5, 6", "5\r\n 6",
    "٣",
)  # fmt: skip
CHUNKS = (
    b"-1\r\n\r\n", b"xyz\r\n", b"ffffffffffffffffffff\r\n", b"5\r\nab\r\n", b"5;" + b"x" * 9000 + b"\r\n", b"\r\n",
    b"5\r\nabcdeXX0\r\n\r\n", b"0\r\nTrailer: " + b"t" * 9000, b"0\r\n\r\n", b"5\nabcde\n0\n\n",
)  # fmt: skip
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


def whole(body: bytes, head: bytes = CLASSIFY) -> bytes:
    """Return a request with the length of its body."""
    return head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def _conflicts(dice: random.Random, picture: bytes) -> list[Step]:
    """Send two lengths, or a length and chunks: what smuggles requests past a proxy."""
    lines = [
        f"Content-Length: {len(picture)}", "Content-Length: 3", "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Transfer-Encoding : chunked",
    ]  # fmt: skip
    return [CLASSIFY + "\r\n".join(dice.sample(lines, 2)).encode() + b"\r\n\r\n" + picture]


def _long_head(dice: random.Random, _: bytes) -> list[Step]:
    lines = [b"X-%d: %s\r\n" % (number, b"y" * dice.randrange(200)) for number in range(dice.randrange(50, 2000))]
    one = b"Cookie: " + b"c" * dice.randrange(10_000, 300_000) + b"\r\n"
    return [HEALTH + dice.choice([b"".join(lines), one]) + b"\r\n"]


def _forms(dice: random.Random, picture: bytes) -> list[Step]:
    """Send multipart that is cut, has no boundary, no file, many files, or many parts."""
    one = _part(picture)
    bodies: list[tuple[bytes, bytes]] = [
        (b"Content-Type: multipart/form-data\r\n", one + FORM_END), (FORM, one), (FORM, FORM_END),
        (FORM, 2 * one + FORM_END), (FORM, 5000 * _part(b"x", None) + FORM_END),
        (FORM, one[: dice.randrange(len(one))]), (FORM, dice.randbytes(500)),
        (FORM.replace(BOUNDARY.encode(), b"\xff" * 300), one + FORM_END),
        (FORM, _part(b"x", "a" * 100_000) + FORM_END), (FORM, _part(picture, '../../etc/passwd"\x00') + FORM_END),
        (FORM, b"\r\n" * 5000 + one + FORM_END), (FORM, b""),
    ]  # fmt: skip
    kind, body = dice.choice(bodies)
    return [whole(body, CLASSIFY + kind)]


def _part(body: bytes, file: str | None = "x.png") -> bytes:
    name = f'; filename="{file}"' if file is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"{name}\r\n\r\n'.encode() + body + b"\r\n"


def _methods(dice: random.Random, _: bytes) -> list[Step]:
    path = dice.choice(SERVED)
    return [whole(b"", f"{dice.choice(METHODS)} {path} HTTP/1.1\r\nHost: localhost\r\n".encode())]


def _pipelined(dice: random.Random, picture: bytes) -> list[Step]:
    some = [whole(picture), HEALTH + b"\r\n", b"\x00\r\n\r\n", whole(b"no picture")]
    return [b"".join(dice.choices(some, k=dice.randrange(2, 20)))]


def slow(dice: random.Random, picture: bytes) -> list[Step]:
    """Send a little at a time and then no more."""
    request = whole(picture)
    first, second, third = sorted(dice.sample(range(1, len(request)), 3))
    pieces = [request[:first], request[first:second], request[second:third]]
    return [step for piece in pieces for step in (piece, 0.5)]


HTTP: dict[str, Attack] = {
    "garbage": lambda dice, _: [dice.choice(STARTS) + dice.randbytes(dice.randrange(1, 2000))],
    "cut_head": lambda dice, picture: [whole(picture)[: dice.randrange(1, len(CLASSIFY) + 20)], END],
    "cut_body": lambda dice, picture: [whole(picture)[: -dice.randrange(1, len(picture))], END],
    "lengths": lambda dice, picture: [
        CLASSIFY + f"Content-Length: {dice.choice(LENGTHS)}\r\n\r\n".encode() + picture
    ],
    "conflicts": _conflicts,
    "chunks": lambda dice, _: [CLASSIFY + b"Transfer-Encoding: chunked\r\n\r\n" + dice.choice(CHUNKS)],
    "long_head": _long_head,
    "methods": _methods,
    # Ways out of the page's folder, Host headers of somebody else.
    "paths": lambda dice, _: [f"GET {dice.choice(PATHS)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()],
    "hosts": lambda dice, _: [
        f"GET /v1/model HTTP/{dice.choice(['1.1', '1.0'])}\r\nHost: {dice.choice(HOSTS)}\r\n\r\n".encode()
    ],
    "pipelined": _pipelined,
    "forms": _forms,
    "gone": lambda dice, picture: [
        whole(picture)[: dice.randrange(len(whole(picture)) + 1)], dice.choice([0.0, 0.001, 0.01]), HANG_UP
    ],
}  # fmt: skip
