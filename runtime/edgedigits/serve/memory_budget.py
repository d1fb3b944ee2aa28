"""How much memory requests hold that are being received or wait for their turn."""

from __future__ import annotations

from edgedigits.serve.problems import busy


class Store:
    """How many bytes all requests together hold."""

    def __init__(self, limit: int) -> None:
        """``limit`` is that of all together."""
        self._limit = limit
        self.held = 0

    def shelf(self) -> Shelf:
        """One request's part."""
        return Shelf(self)

    def take(self, count: int) -> None:
        """Account for bytes.

        Raises
        ------
        Problem: 503, there is no room for them now.

        """
        if self.held + count > self._limit:
            raise busy("too many pictures are being received just now; send it again in a moment")
        self.held += count


class Shelf:
    """The bytes of one request, given back at the end."""

    __slots__ = ("_store", "held")

    def __init__(self, store: Store) -> None:
        """Nothing yet."""
        self._store = store
        self.held = 0

    def take(self, count: int) -> None:
        """As `Store.take`."""
        self._store.take(count)
        self.held += count

    def __enter__(self) -> Shelf:
        """The shelf itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the room back."""
        self._store.held -= self.held
