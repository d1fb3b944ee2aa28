"""What a device's verb can do on a workstation only: parts that live in the exporter's package, found by name.

The runtime never imports the exporter; like the table of verbs, this names its modules as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from edgedigits.extras import require_extra


def load_exporter_plugin(what: str, module: str, extra: str | None = None, needs: Sequence[str] = ()) -> Any:
    """The exporter's ``module``, for ``what`` (an option, as messages name it).

    Raises
    ------
    ExtraMissingError: packages of ``extra`` that it needs are not installed.

    """
    if extra is not None:
        require_extra(what, extra, needs)
    return import_module(f"edgedigits_export.{module}")
