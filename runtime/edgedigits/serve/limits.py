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
    pixels: the size of one picture.
    decoded_bytes: the memory that decoding one picture may take, all copies counted.
    ordinary_bytes: of several pictures that are decoded at once, only one may take more than this.
    decoders: the number of processes that decode pictures.
    decode_s: the time that decoding one picture may take; then its process is killed.
    patience_s: the time that it may take while others wait and another picture takes long, too.
    queue_length: the number of requests that wait for their turn or have it; the service refuses more with 503.
    connections: the number of open connections; a process may open 1,024 files.
    head_bytes: the size of a request's line and headers.
    header_s: the time for a request's line and headers, from its first byte or the start of the connection.
    body_s: the time for a request's body: 5 MB at 170 kB a second.
    idle_s: the time that a connection without a request stays open.
    stalled_s: the time that a client may leave a response unread.
    drain_s: the time to finish requests once the service is told to end.
    stuck_s: the time that one picture may take before the service reports that it is not ready.

    """

    body_bytes: int = 5 * MEGABYTE
    held_bytes: int = 40 * MEGABYTE
    pixels: int = 25_000_000
    decoded_bytes: int = 130 * MEGABYTE
    ordinary_bytes: int = 24 * MEGABYTE
    decoders: int = 2
    decode_s: float = 8.0
    patience_s: float = 1.0
    queue_length: int = 64
    connections: int = 256
    head_bytes: int = 16_384
    header_s: float = 10.0
    body_s: float = 30.0
    idle_s: float = 30.0
    stalled_s: float = 20.0
    drain_s: float = 10.0
    stuck_s: float = 30.0


LIMITS = Limits()
# A client may go on sending after an early refusal, so that it reads the response: with pauses of at most so many
# seconds, for so many in all, and so many bytes.
LINGER_S, LINGER_MOST_S, LINGER_BYTES = 2.0, 20.0, 50 * MEGABYTE
# A picture of at most so many bytes and pixels on each side is decoded in the service's own process.
SMALL_BYTES, SMALL_SIDE = 16_384, 64
