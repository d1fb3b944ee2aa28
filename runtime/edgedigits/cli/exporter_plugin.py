"""The exporter's parts of the runtime's commands, which run on a host and are found by name.

The runtime never imports the exporter; like the table of commands, this names its modules as text.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from edgedigits.extras import require_extra


def load_exporter_plugin(what: str, module: str, extra: str | None = None) -> Any:
    """Import the exporter's ``module``, which does ``what`` (an option, as messages name it).

    Raises
    ------
    ExtraMissingError: packages of ``extra`` are not installed.

    """
    if extra is not None:
        require_extra(what, extra)
    return import_module(f"edgedigits_export.{module}")
