"""The connections that may be open at once, and which of them gives way to a new one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class Seat:
    """The seat of one connection.

    Attributes
    ----------
    address: the client's address; of IPv6 the network that one household has.
    opened: when the connection was opened.
    may_give_way: returns whether no complete request of it waits for its answer.
    give_way: closes the connection.

    """

    address: str | None
    opened: float
    may_give_way: Callable[[], bool]
    give_way: Callable[[], None]


class Seats:
    """A limited number of seats. When all are taken, the address that has the most gives way to one that has fewer."""

    def __init__(self, most: int) -> None:
        """``most`` connections may be open."""
        self._most = most
        self._taken: set[Seat] = set()

    def take(self, seat: Seat) -> bool:
        """Take a seat, or return False: all are taken, and none is free for this address."""
        if len(self._taken) >= self._most and not self._displace(seat.address):
            return False
        self._taken.add(seat)
        return True

    def leave(self, seat: Seat) -> None:
        """Free a seat; one that was never taken is passed over."""
        self._taken.discard(seat)

    def _displace(self, address: str | None) -> bool:
        counts = Counter(seat.address for seat in self._taken)
        greediest, most = counts.most_common(1)[0]
        idle = [seat for seat in self._taken if seat.address == greediest and seat.may_give_way()]
        if most <= counts[address] + 1 or not idle:
            return False
        oldest = min(idle, key=lambda seat: seat.opened)
        self._taken.discard(oldest)
        oldest.give_way()
        return True


def household(host: str | None) -> str | None:
    """Return what connections are counted by: an address, or the first half of an IPv6 address."""
    return host if host is None or ":" not in host else ":".join(host.split(":")[:4])
