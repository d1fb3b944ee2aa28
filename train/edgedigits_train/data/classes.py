"""The classes of somebody's own data: what cannot be trained is refused, what will disappoint is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from edgedigits.errors import DatasetError

_FEWEST = 10  # a tenth of the images is held out twice: of ten, one is left for each
_FEW, _UNBALANCED = 20, 10
_NAMED = 5
# Folders with these names alone are parts of a data set, each with the classes in it.
_PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation"})


def require_classes(counts: Mapping[str, int], source: str) -> None:
    """Refuse classes that cannot be trained; ``counts`` are their images by name, ``source`` names the data.

    Raises
    ------
    DatasetError: there is one class alone, a class has no image, two have the same name but for capital letters, the
        classes are the parts of a data set, or there are fewer than ten images.

    """
    if empty := [name for name, count in counts.items() if not count]:
        raise DatasetError(
            f"{source}: expected images of every class, found none of {_some(empty)}; add some or remove it"
        )
    if len(counts) < 2:
        raise DatasetError(f"{source}: expected at least two classes, found {_some(list(counts))} alone; add another")
    plain = Counter(name.casefold() for name in counts)
    if alike := [name for name in counts if plain[name.casefold()] > 1]:
        raise DatasetError(f"{source}: expected different names, found {_some(alike)}; merge them, or rename one")
    if set(plain) <= _PARTS:
        raise DatasetError(
            f"{source}: expected one folder a class, found {_some(list(counts))}; name one with classes in it, such as "
            f"--data {source}/{next(iter(counts))}"
        )
    if (total := sum(counts.values())) < _FEWEST:
        raise DatasetError(f"{source}: expected at least {_FEWEST} images, found {total}; add more")


def class_notes(counts: Mapping[str, int]) -> list[str]:
    """Return a line for each way in which the classes make a poor training set."""
    notes = []
    least, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if few := [name for name, count in counts.items() if count < _FEW]:
        notes.append(f"note: fewer than {_FEW} images of {_some(few)}: what is learned of so few is little; add more")
    if counts[most] >= _UNBALANCED * counts[least]:
        notes.append(
            f"note: {counts[most]:,} images of {most!r} and {counts[least]:,} of {least!r}: in doubt the network will "
            "say the former; add images of the latter"
        )
    return notes


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
