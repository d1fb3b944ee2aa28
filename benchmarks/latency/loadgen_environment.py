"""An environment with mlcommons-loadgen and this project in it, in the cache: the project does not depend on it."""

from __future__ import annotations

import sys
from pathlib import Path

from edgedigits.files import cache_folder

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "benchmarks"))
from venvs import project_venv  # noqa: E402

LOADGEN = "mlcommons-loadgen==6.0.17"


def python_with_loadgen() -> Path:
    """Its Python; the environment is made when it is not there."""
    return Path(project_venv(cache_folder() / "loadgen", LOADGEN))
