"""What a client may take of the machine, all in one place."""

from __future__ import annotations

from typing import NamedTuple

MEGABYTE = 1_000_000


class Limits(NamedTuple):
    """How much, how many, how long.

    Attributes
    ----------
    body_bytes: of one request; phones' photographs are smaller, or made smaller by the page.
    stored_bytes: of all requests that are being received or wait for their turn.
    pixels: of one picture; 25 million, decoded, take 170 MB, and a 512 MB board has them.
    places: requests that wait for their turn or have it; more are told to come again.
    connections: open at a time; a process may open 1,024 files.
    header_s: for a request's line and headers to come, from the first byte or the connection's beginning.
    body_s: for its body; 5 MB at 170 kB a second.
    idle_s: that a connection without a request stays open.
    stalled_s: that a client may leave an answer unread.
    drain_s: for what was begun, once the service is told to end.
    stuck_s: in one picture, after which the service calls itself not ready.

    """

    body_bytes: int = 5 * MEGABYTE
    stored_bytes: int = 64 * MEGABYTE
    pixels: int = 25_000_000
    places: int = 64
    connections: int = 256
    header_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 30.0
    stalled_s: float = 20.0
    drain_s: float = 10.0
    stuck_s: float = 30.0


LIMITS = Limits()
# What a client that is refused before it has sent everything may still send, so that it reads the answer: seconds.
LINGER_S = 2.0
