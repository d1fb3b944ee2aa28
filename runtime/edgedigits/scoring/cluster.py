"""Scoring on a Ray cluster: Ray Data hands the shards to actors, which load the model once each."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgedigits.errors import EdgeDigitsError, ModelRejectedError
from edgedigits.records import from_plain
from edgedigits.scoring.job import Job
from edgedigits.scoring.pool import Progress
from edgedigits.scoring.scorer import Scorer
from edgedigits.scoring.shards import Shard

HERE = "local"
# More blocks than this cost Ray more than they are worth.
_BLOCKS = 1_000
_SECONDS = 5.0


def score_on_ray(
    job: Job, output: Path, shards: Sequence[Shard], address: str, workers: int | None, progress: Progress
) -> None:
    """Score all shards on the cluster at ``address``, or on one that is started here (``local``).

    Each actor has one processor. Without ``workers`` there are as many as the cluster has processors.

    Raises
    ------
    EdgeDigitsError: what an actor raised, or the cluster cannot be reached.

    """
    ray = _connected(address)
    try:
        count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        rows = ray.data.from_items([asdict(shard) for shard in shards], override_num_blocks=min(len(shards), _BLOCKS))
        scored = rows.map(
            _Actor, fn_constructor_args=(asdict(job), str(output)), concurrency=min(count, len(shards)), num_cpus=1,
            max_restarts=-1, max_task_retries=-1,
        )  # fmt: skip
        for row in scored.iter_rows():
            if row["error"]:
                raise ModelRejectedError(row["error"])
            progress(row["count"], 1)
    finally:
        ray.shutdown()


class _Actor:
    """What Ray calls with one shard after the other."""

    def __init__(self, job: dict[str, Any], output: str) -> None:
        self._job, self._output = from_plain(Job, job, "job"), Path(output)
        self._scorer: Scorer | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        counts: list[int] = []
        try:
            # Here and not at the start, where Ray would start it again and again.
            self._scorer = self._scorer or Scorer(self._job, self._output)
            self._scorer.score(from_plain(Shard, row, "shard"), counts.append)
        except EdgeDigitsError as error:
            return {"count": 0, "error": str(error)}
        return {"count": sum(counts), "error": None}


def _require_answer(address: str) -> None:
    """Refuse an address at which nobody listens; Ray would ask it again and again for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        try:
            socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
        except OSError as error:
            raise ModelRejectedError(f"--ray {address}: no Ray cluster answers ({error.strerror or error})") from error


def _connected(address: str) -> Any:
    """Start Ray, or connect to a cluster, as quietly as it can be."""
    _require_answer(address)
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        ray.init(
            address=None if address == HERE else address, include_dashboard=False if address == HERE else None,
            log_to_driver=False, logging_level=logging.ERROR,
        )  # fmt: skip
    except (ConnectionError, ValueError) as error:
        raise ModelRejectedError(
            f"--ray {address}: no Ray cluster answers ({str(error).splitlines()[0]}); does it want a token? "
            "Then RAY_AUTH_MODE has to be the same here"
        ) from error
    ray.data.DataContext.get_current().enable_progress_bars = False
    return ray
