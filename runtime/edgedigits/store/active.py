"""Where a board keeps its bundles, and which one is active.

The store is a folder: ``bundles/ID`` are bundles, ``activations/N`` is a link to one of them beside the choice that was
made with it, and ``active`` is a link to one activation's bundle. That one link decides, so a switch is one rename.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

from edgedigits.errors import BundleError

ACTIVE = "active"
ACTIVATIONS, BUNDLES, RECORD = "activations", "bundles", "activation.json"


class Activation(NamedTuple):
    """What `activate` switched to.

    Attributes
    ----------
    number: the name of its folder below ``activations``.
    previous: the activation before it, to which `rollback` returns; None for the first one.
    variant, engine: what runs where a command names none.
    at: when, in seconds since 1970.
    report: what the gates said.

    """

    number: str
    bundle: str
    previous: str | None
    variant: str | None
    engine: str
    at: float
    report: dict[str, Any]


def store_folder() -> Path:
    """Return the folder in ``EDGEDIGITS_STORE``, or else the one in this user's data."""
    if chosen := os.environ.get("EDGEDIGITS_STORE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "edgedigits"


def read_active(store: Path) -> Activation | None:
    """Return the activation that the link ``active`` names; None where nothing has been activated.

    Raises
    ------
    BundleError: the link leads to something that this program did not write.

    """
    try:
        target = Path(os.readlink(store / ACTIVE))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BundleError(f"{store / ACTIVE}: expected a link that activate made, found none ({error})") from error
    return read_activation(store, target.parts[1] if len(target.parts) > 1 else str(target))


def read_activation(store: Path, number: str) -> Activation:
    """Return one activation by its number.

    Raises
    ------
    BundleError: its record is missing or broken.

    """
    file = store / ACTIVATIONS / number / RECORD
    try:
        return Activation(number, **json.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise BundleError(
            f"{file}: expected the record of an activation, found {error}; activate a bundle again"
        ) from error


def active_bundle(variant: str | None = None, engine: str = "auto") -> tuple[Path, str | None, str]:
    """Return the folder of the active bundle of this user's store, and what to run of it in which engine.

    That is what was activated, unless ``variant`` or ``engine`` say otherwise. The folder is not the link itself, so
    that what is read of it stays of one bundle while somebody switches.

    Raises
    ------
    BundleError: nothing is active.

    """
    store = store_folder()
    found = read_active(store)
    if found is None:
        raise BundleError(
            f"{ACTIVE}: expected a bundle that was activated in {store}, found none; edgedigits bundle install and "
            "activate one, or name the store in EDGEDIGITS_STORE"
        )
    if engine == "auto" and variant in {None, found.variant}:
        engine = found.engine
    return store / BUNDLES / found.bundle, variant or (found.variant if engine == found.engine else None), engine
