"""HTTP connections with deadlines, since uvicorn's own wait for ever for the rest of a request."""

from __future__ import annotations

import asyncio
import socket
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgedigits.serve.limits import LIMITS, LINGER_S, Limits
from edgedigits.serve.lingering import LingeringTransport
from edgedigits.serve.middleware import HEADERS, head_too_large
from edgedigits.serve.problems import MEDIA_TYPE, problem_bytes
from edgedigits.serve.seats import Seat, Seats, household

_CROWDED = "too many connections; try again in a moment"
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_PROBE_S, _LOOK_S = 0.05, 1.0  # between looks for a client that has ended its side, first and later
_LINGERING = 64  # refused connections that may go on sending for a moment, beyond the limit


class Connection(H11Protocol):
    """One connection, which is closed when a request's head or body comes, or a response is read, too slowly.

    A client that has finished sending gets its answer, and one that still sends gets to read why it is refused.
    """

    limits: ClassVar[Limits] = LIMITS
    seats: ClassVar[Seats] = Seats(LIMITS.connections)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take uvicorn's own arguments."""
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._awaited: str | None = None
        self._is_half_closed = self._is_refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse the connection if there are too many and none of another address can give way."""
        self._lingering = LingeringTransport(transport, self.loop)
        super().connection_made(self._lingering)  # type: ignore[arg-type]
        host = self.client[0] if self.client else None
        self._seat = Seat(household(host), self.loop.time(), self._may_give_way, self._give_way)
        if self.seats.take(self._seat):
            self._set_deadline(self.limits.header_s)
        else:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, _CROWDED)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadlines."""
        self._clear_deadline()
        self.seats.leave(self._seat)
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Set the deadline of a head or body that is incomplete; further bytes do not extend it."""
        if self._lingering.is_lingering:
            self._lingering.discard(len(data))
            return
        super().data_received(data)
        self._note_sending()
        if self._is_sending_on() or self.transport.is_closing():
            return
        awaited = "head" if self._is_idle() else "body" if self.cycle.more_body else None
        if awaited is None:
            self._clear_deadline()
        elif awaited != self._awaited:
            self._set_deadline(self.limits.header_s if awaited == "head" else self.limits.body_s)
        self._awaited = awaited

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Keep the connection of a client that has sent a whole request and waits for its answer."""
        if self._lingering.is_lingering or self._is_idle() or self.cycle.more_body:
            return None
        self._is_half_closed = True
        self._look_for_client(_PROBE_S)
        return True

    def shutdown(self) -> None:
        """Close the connection, after the present response; a request whose head is incomplete is refused in words."""
        if self._is_idle() and self._awaited == "head" and self.conn.trailing_data[0]:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the service is ending; send it again in a moment")
        elif not self.transport.is_closing():
            super().shutdown()

    def on_response_complete(self) -> None:
        """Let a client that was refused early go on sending for a moment, so that it reads the response."""
        self._note_sending()
        super().on_response_complete()
        if self._is_half_closed and self._is_idle():
            self.transport.close()
        if self._is_sending_on() and not self.transport.is_closing():
            self._set_deadline(LINGER_S)

    def pause_writing(self) -> None:
        """Set a deadline for a client that does not read."""
        super().pause_writing()
        self._stalled = self.loop.call_later(self.limits.stalled_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the deadline of a client that reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def send_400_response(self, msg: str) -> None:
        """Refuse bytes that are no HTTP with a problem document in place of uvicorn's text."""
        if len(self.conn.trailing_data[0]) > self.limits.head_bytes:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, head_too_large(self.limits))
            return
        self._refuse(HTTPStatus.BAD_REQUEST, msg.removesuffix("."))

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_sending_on(self) -> bool:
        """Return whether the client still sends a body after the response to it."""
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    def _note_sending(self) -> None:
        self._lingering.is_client_sending = self._is_refused or self.conn.their_state in {h11.SEND_BODY, h11.ERROR}

    def _look_for_client(self, seconds: float) -> None:
        """Find out whether a client that has ended its side has gone altogether: then its place is free.

        A response that says "go on" (RFC 9110, section 15.2.1) is passed over by a client, and refused by the system of
        one that has gone; that shows in the socket alone, since nothing more is read from it.
        """
        if self._is_idle() or self.transport.is_closing():
            return
        if seconds == _PROBE_S and not self.cycle.response_started and self.scope["http_version"] != "1.0":
            self.transport.write(_GO_ON)
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self.loop.call_later(seconds, self._look_for_client, min(2 * seconds, _LOOK_S))

    def _may_give_way(self) -> bool:
        return self._is_idle() or bool(self.cycle.more_body)

    def _give_way(self) -> None:
        self._lingering.may_linger = False
        if self._is_idle() and not self.transport.is_closing():
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, _CROWDED)
        self.transport.abort()

    def _set_deadline(self, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self._too_late)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self.transport.is_closing():
            return
        if self._awaited == "head" and self._is_idle():
            self._lingering.most_s = LINGER_S
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the request's head did not arrive in time")
        elif self._awaited == "body" and not self._is_idle() and not self.cycle.response_started:
            # The application sees this as a disconnect of the client.
            late = f"the picture did not arrive within {self.limits.body_s:g} seconds; send it again"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, late)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Send an error without the application, and close the connection."""
        self._is_refused = True
        self._lingering.may_linger &= len(self.connections) <= self.limits.connections + _LINGERING
        self._note_sending()
        body = problem_bytes(status, detail)
        head = [
            (b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"), *HEADERS,
        ]  # fmt: skip
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            head.append((b"retry-after", b"1"))
        response = h11.Response(status_code=status, headers=head, reason=status.phrase.encode())
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
