"""HTTP connections with deadlines, since uvicorn's own wait for ever for the rest of a request."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgedigits.serve.limits import LIMITS, LINGER_S, Limits
from edgedigits.serve.middleware import HEADERS
from edgedigits.serve.problems import MEDIA_TYPE, problem_bytes


class Connection(H11Protocol):
    """One connection, which is closed when a request's head or body comes, or a response is read, too slowly."""

    limits: ClassVar[Limits] = LIMITS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take uvicorn's own arguments."""
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._awaited: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Refuse the connection if there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections; try again in a moment")
        else:
            self._set_deadline(self.limits.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the deadlines."""
        self._clear_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Set the deadline of a head or body that is incomplete; further bytes do not extend it."""
        super().data_received(data)
        if self._is_sending_on():
            return
        awaited = "head" if self._is_idle() else "body" if self.cycle.more_body else None
        if awaited is None:
            self._clear_deadline()
        elif awaited != self._awaited:
            self._set_deadline(self.limits.header_s if awaited == "head" else self.limits.body_s)
        self._awaited = awaited

    def on_response_complete(self) -> None:
        """Let a client that was refused early go on sending for a moment, so that it reads the response."""
        super().on_response_complete()
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
        self._refuse(HTTPStatus.BAD_REQUEST, msg.removesuffix("."))

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _is_sending_on(self) -> bool:
        """Return whether the client still sends a body after the response to it."""
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

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
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "the request's head did not arrive in time")
        elif self._awaited == "body" and not self._is_idle() and not self.cycle.response_started:
            # The application sees this as a disconnect of the client.
            late = f"the picture did not arrive within {self.limits.body_s:g} seconds; send it again"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, late)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Send an error without the application, and close the connection."""
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
