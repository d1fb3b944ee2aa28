"""The memory budget of requests that are being received or wait for their turn."""

from __future__ import annotations

from edgedigits.serve.problems import busy


class MemoryBudget:
    """The bytes that all requests together may hold."""

    def __init__(self, limit: int) -> None:
        """Start with nothing held; ``limit`` is in bytes."""
        self._limit = limit
        self.held = 0

    def reserve(self) -> Reservation:
        """Return an empty reservation for one request."""
        return Reservation(self)

    def take(self, count: int) -> None:
        """Add bytes to those that are held.

        Raises
        ------
        Problem: 503, the budget does not allow it now.

        """
        if self.held + count > self._limit:
            raise busy("too many pictures are being received just now; send it again in a moment")
        self.held += count

    def give_back(self, count: int) -> None:
        """Subtract bytes from those that are held."""
        self.held -= count


class Reservation:
    """The bytes that one request holds, given back at the end of a ``with`` block."""

    __slots__ = ("_budget", "held")

    def __init__(self, budget: MemoryBudget) -> None:
        """Start with nothing held."""
        self._budget = budget
        self.held = 0

    def take(self, count: int) -> None:
        """Add bytes to those that the request holds, as `MemoryBudget.take`."""
        self._budget.take(count)
        self.held += count

    def __enter__(self) -> Reservation:
        """Return the reservation itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give all bytes back."""
        self._budget.give_back(self.held)
