"""Receiving the picture of a request, which is the body itself or the one file of a multipart form."""

from __future__ import annotations

import re
from http import HTTPStatus

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from edgedigits.serve.limits import MEGABYTE, Limits
from edgedigits.serve.memory_budget import Reservation
from edgedigits.serve.problems import Problem

_FIELDS = "application/x-www-form-urlencoded"  # so curl calls every body, pictures too
_PARTS = 100  # a form of one file has few others
_HEAD = 1024  # bytes in which a field of text shows


async def receive_body(request: Request, reservation: Reservation, limits: Limits) -> bytes:
    """Receive the whole body; refuse it as soon as it is known to be too large.

    Raises
    ------
    Problem: 413, the body is too large, or 503, the memory budget is used up.
    ClientDisconnect: the client has gone, or was slower than the connection's deadline.

    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body_bytes:
        raise _too_large(limits)
    chunks: list[bytes] = []
    async for chunk in request.stream():
        if reservation.held + len(chunk) > limits.body_bytes:
            raise _too_large(limits)
        reservation.take(len(chunk))
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def is_form(content_type: str | None) -> bool:
    """Return whether a body of this content type is a form that may hold a file."""
    return (content_type or "").lower().startswith("multipart/form-data")


def picture_of(body: bytes, content_type: str | None) -> bytes:
    """Return the picture in a body: the one file of a form, or else the whole body, whatever its content type.

    Raises
    ------
    Problem: 400, the form is damaged, does not hold exactly one file, or is one of text.

    """
    kind = (content_type or "").lower()
    if kind.startswith(_FIELDS):
        _refuse_text(body)
    if content_type is None or not is_form(content_type):
        return body
    _, options = parse_options_header(content_type)
    files = _Files()
    try:
        parser = MultipartParser(
            options.get(b"boundary", b""),
            {
                "on_part_begin": files.begin,
                "on_header_field": files.name,
                "on_header_value": files.value,
                "on_header_end": files.end_header,
                "on_part_data": files.data,
                "on_end": files.end,
            },
        )
        parser.write(body)
    except FormParserError as error:
        raise _bad_form(f"a damaged one ({error})") from error
    if not files.ended:
        raise _bad_form("one that is cut short")
    if len(files.found) != 1:
        raise _bad_form(f"{len(files.found)} files")
    return bytes(files.found[0])


def _refuse_text(body: bytes) -> None:
    """Refuse fields of text, and a picture out of which `curl --data` took zeros and line ends as if it were text."""
    head = body[:_HEAD]
    if head.isascii() and re.match(rb"[\w.%\[\]-]+=", head):
        found = "a urlencoded form"
    elif b"\0" not in body and b"\n" not in body and not body.isascii() and not body.startswith(b"P"):
        # Every picture has zeros, but for those of PPM.
        found = "them without zeros and line ends, as curl --data sends them"
    else:
        return
    raise Problem(HTTPStatus.BAD_REQUEST, f"expected the picture's bytes, found {found}; use curl --data-binary @FILE")


class _Files:
    """The parts of a form that are files: their disposition has a file name (RFC 7578, section 4.2)."""

    def __init__(self) -> None:
        self.found: list[bytearray] = []
        self.ended = False
        self._parts = 0
        self._header: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._is_file = False

    def begin(self) -> None:
        self._is_file = False
        self._parts += 1
        if self._parts > _PARTS:
            raise FormParserError(f"more than {_PARTS} parts")

    def name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition" and b"filename" in parse_options_header(bytes(value))[1]:
            self._is_file = True
            self.found.append(bytearray())
        self._header = bytearray(), bytearray()

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.found[-1] += data[start:end]

    def end(self) -> None:
        self.ended = True


def _too_large(limits: Limits) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"expected a picture of at most {limits.body_bytes / MEGABYTE:g} MB, found more; make it smaller first",
    )


def _bad_form(found: str) -> Problem:
    return Problem(HTTPStatus.BAD_REQUEST, f"multipart/form-data: expected a form with one file, found {found}")
