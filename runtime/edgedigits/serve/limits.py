"""The limits of what clients may use of the machine."""

from __future__ import annotations

from typing import NamedTuple

MEGABYTE = 1_000_000


class Limits(NamedTuple):
    """Limits of sizes, counts and times.

    Attributes
    ----------
    body_bytes: the size of one request's body; phones' photographs are smaller, or the page makes them smaller.
    held_bytes: the size of all bodies together that are being received or wait for their turn.
    pixels: the size of one picture; 25 million pixels take 170 MB decoded, which a 512 MB board has.
    queue_length: the number of requests that wait for their turn or have it; the service refuses more with 503.
    connections: the number of open connections; a process may open 1,024 files.
    header_s: the time for a request's line and headers, from its first byte or the start of the connection.
    body_s: the time for a request's body: 5 MB at 170 kB a second.
    idle_s: the time that a connection without a request stays open.
    stalled_s: the time that a client may leave a response unread.
    drain_s: the time to finish requests once the service is told to end.
    stuck_s: the time that one picture may take before the service reports that it is not ready.

    """

    body_bytes: int = 5 * MEGABYTE
    held_bytes: int = 64 * MEGABYTE
    pixels: int = 25_000_000
    queue_length: int = 64
    connections: int = 256
    header_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 30.0
    stalled_s: float = 20.0
    drain_s: float = 10.0
    stuck_s: float = 30.0


LIMITS = Limits()
# The time in seconds that a client may go on sending after an early refusal, so that it reads the response.
LINGER_S = 2.0
