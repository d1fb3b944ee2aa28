"""Hostile requests below and around HTTP: garbage, wrong lengths, odd paths and hosts, malformed forms.

Each is a sequence of steps: bytes to send, seconds to wait, END of sending, or to HANG_UP.
"""

from __future__ import annotations

import random
from collections.abc import Callable

END, HANG_UP = "end", "hang up"
Step = bytes | float | str
Attack = Callable[[random.Random, bytes], list[Step]]
CLASSIFY = b"POST /v1/classify HTTP/1.1\r\nHost: localhost\r\n"
BOUNDARY = "frontier"
FORM = f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n".encode()
STARTS = (b"", b"\x16\x03\x01\x02\x00\x01", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW", "G\x01T", "post")
PATHS = (
    "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd", "/..%5c..%5cwindows/win.ini",
    "/\x00", "/%00", "/app.js%00.html", "//etc/passwd", "/v1/classify/", "/v1//classify", "/%ff%fe", "/%", "/%zz",
    "http://example.com/", "*", "", "/?" + "a=b&" * 200, "/v1/classify?fed=maybe", "/v1/classify?fed=%00",
    "/" + "a" * 5000, "/;/etc/passwd", "/v1/model/../../../etc/passwd", "/.env", "/openapi.json/..", "/ü",
)  # fmt: skip
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


def garbage(dice: random.Random, _: bytes) -> list[Step]:
    """Send bytes that are no HTTP."""
    return [dice.choice(STARTS) + dice.randbytes(dice.randrange(1, 2000))]


def cut_head(dice: random.Random, picture: bytes) -> list[Step]:
    """Send a head that ends early."""
    head = whole(picture)[: dice.randrange(1, len(CLASSIFY) + 20)]
    return [head, END]


def cut_body(dice: random.Random, picture: bytes) -> list[Step]:
    """Send a body that ends early."""
    return [whole(picture)[: -dice.randrange(1, len(picture))], END]


def lengths(dice: random.Random, picture: bytes) -> list[Step]:
    """Send a Content-Length that is wrong, no number, or far too large."""
    return [CLASSIFY + f"Content-Length: {dice.choice(LENGTHS)}\r\n\r\n".encode() + picture]


def conflicts(dice: random.Random, picture: bytes) -> list[Step]:
    """Send two lengths, or a length and chunks: what smuggles requests past a proxy."""
    lines = [
        f"Content-Length: {len(picture)}", "Content-Length: 3", "Transfer-Encoding: chunked",
        "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Transfer-Encoding : chunked",
    ]  # fmt: skip
    return [CLASSIFY + "\r\n".join(dice.sample(lines, 2)).encode() + b"\r\n\r\n" + picture]


def chunks(dice: random.Random, _: bytes) -> list[Step]:
    """Send chunks with malformed sizes."""
    return [CLASSIFY + b"Transfer-Encoding: chunked\r\n\r\n" + dice.choice(CHUNKS)]


def long_head(dice: random.Random, _: bytes) -> list[Step]:
    """Send more head than anybody needs."""
    lines = [b"X-%d: %s\r\n" % (number, b"y" * dice.randrange(200)) for number in range(dice.randrange(50, 2000))]
    one = b"Cookie: " + b"c" * dice.randrange(10_000, 300_000) + b"\r\n"
    return [b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + dice.choice([b"".join(lines), one]) + b"\r\n"]


def methods(dice: random.Random, _: bytes) -> list[Step]:
    """Use a method that is not served there."""
    path = dice.choice(["/v1/classify", "/v1/read", "/", "/metrics", "/v1/model", "/nowhere"])
    return [f"{dice.choice(METHODS)} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n".encode()]


def paths(dice: random.Random, _: bytes) -> list[Step]:
    """Ask for paths out of the page's folder."""
    return [f"GET {dice.choice(PATHS)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()]


def hosts(dice: random.Random, _: bytes) -> list[Step]:
    """Send the Host header of somebody else."""
    version = dice.choice(["1.1", "1.0"])
    return [f"GET /v1/model HTTP/{version}\r\nHost: {dice.choice(HOSTS)}\r\n\r\n".encode()]


def pipelined(dice: random.Random, picture: bytes) -> list[Step]:
    """Send good and bad requests before the last one was answered."""
    some = [whole(picture), b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x00\r\n\r\n", whole(b"no picture")]
    return [b"".join(dice.choices(some, k=dice.randrange(2, 20)))]


def forms(dice: random.Random, picture: bytes) -> list[Step]:
    """Send multipart that is cut, has no boundary, no file, many files, or many parts."""
    one = part(picture)
    bodies: list[tuple[bytes, bytes]] = [
        (b"Content-Type: multipart/form-data\r\n", one + end()), (FORM, one), (FORM, end()), (FORM, 2 * one + end()),
        (FORM, 5000 * part(b"x", None) + end()), (FORM, one[: dice.randrange(len(one))]), (FORM, dice.randbytes(500)),
        (FORM.replace(BOUNDARY.encode(), b"\xff" * 300), one + end()), (FORM, part(b"x", "a" * 100_000) + end()),
        (FORM, part(picture, '../../etc/passwd"\x00') + end()), (FORM, b"\r\n" * 5000 + one + end()), (FORM, b""),
    ]  # fmt: skip
    kind, body = dice.choice(bodies)
    return [CLASSIFY + kind + f"Content-Length: {len(body)}\r\n\r\n".encode() + body]


def gone(dice: random.Random, picture: bytes) -> list[Step]:
    """Hang up before, while and after sending, without reading."""
    asked = whole(picture)
    return [asked[: dice.randrange(len(asked) + 1)], dice.choice([0.0, 0.001, 0.01]), HANG_UP]


def slow(dice: random.Random, picture: bytes) -> list[Step]:
    """Send a little at a time and then no more."""
    asked = whole(picture)
    at = sorted(dice.sample(range(1, len(asked)), 3))
    pieces = [asked[: at[0]], asked[at[0] : at[1]], asked[at[1] : at[2]]]
    return [step for piece in pieces for step in (piece, 0.5)]


HTTP: list[Attack] = [
    garbage, cut_head, cut_body, lengths, conflicts, chunks, long_head, methods, paths, hosts, pipelined, forms, gone,
]  # fmt: skip


def whole(body: bytes) -> bytes:
    """Return a request as it should be."""
    return CLASSIFY + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def part(body: bytes, file: str | None = "x.png") -> bytes:
    """Return one part of a form."""
    name = f'; filename="{file}"' if file is not None else ""
    return f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"{name}\r\n\r\n'.encode() + body + b"\r\n"


def end() -> bytes:
    """Return the end of a form."""
    return f"--{BOUNDARY}--\r\n".encode()
