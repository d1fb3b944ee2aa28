"""What one would write who has no `edgedigits score`: a loop, or Ray Data's `map_batches`, from pictures to Parquet.

    python -m benchmarks.scoring.by_hand loop|ray WORKERS INPUT OUTPUT

They keep answer, confidence and refusal of each picture, or of ready arrays the answer and its confidence. Nothing of
them goes on when it is killed.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from edgedigits.classifier import DigitClassifier

BATCH, ROWS = 4_096, 100_000
Batch = dict[str, Any]


class Classify:
    """Classifies a batch: rows of an array by their numbers, or files by their paths."""

    def __init__(self, source: str) -> None:
        self._classifier = DigitClassifier()
        self._array = np.load(source, mmap_mode="r") if source.endswith(".npy") else None

    def __call__(self, batch: Batch) -> Batch:
        """Return the columns of the result for those of the input."""
        if self._array is not None:
            ids = batch["id"]
            probabilities = self._classifier.classify_batch(np.array(self._array[ids[0] : ids[-1] + 1]))
            return {"source": ids, "digit": probabilities.argmax(axis=1), "confidence": probabilities.max(axis=1)}
        found = [self._classifier.classify(path) for path in batch["path"]]
        return {
            "source": list(batch["path"]),
            "digit": [one.digit for one in found],
            "confidence": [one.confidence for one in found],
            "rejected": [one.rejected or "" for one in found],
        }


def loop(source: str, output: Path) -> None:
    """Classify in one process."""
    classify = Classify(source)
    if source.endswith(".npy"):
        count = len(np.load(source, mmap_mode="r"))
        batches: Any = ({"id": np.arange(at, min(at + BATCH, count))} for at in range(0, count, BATCH))
    else:
        paths = paths_of(source)
        batches = ({"path": paths[at : at + BATCH]} for at in range(0, len(paths), BATCH))
    writer = None
    for batch in batches:
        table = pa.table(classify(batch))
        writer = writer or parquet.ParquetWriter(output / "all.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def on_ray(source: str, output: Path, workers: int) -> None:
    """Classify in actors of Ray Data."""
    import ray
    import ray.data

    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Actors may have all processors there are, and then the tasks that make and write rows would wait for ever.
    cpus = workers + 1
    ray.init(num_cpus=cpus, log_to_driver=False, include_dashboard=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    if source.endswith(".npy"):
        count = len(np.load(source, mmap_mode="r"))
        rows = ray.data.range(count, override_num_blocks=max(workers, count // ROWS))
    else:
        paths = paths_of(source)
        rows = ray.data.from_items(
            [{"path": path} for path in paths], override_num_blocks=max(workers, len(paths) // 1_000)
        )
    size = BATCH if source.endswith(".npy") else 256
    scored = rows.map_batches(
        Classify, fn_constructor_args=(source,), concurrency=workers, num_cpus=1, batch_size=size, batch_format="numpy"
    )
    scored.write_parquet(str(output))


def paths_of(folder: str) -> list[str]:
    """Return the paths of all files of a folder, in order."""
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))]


if __name__ == "__main__":
    _, how, count_, source_, output_ = sys.argv
    Path(output_).mkdir()
    if how == "loop":
        loop(source_, Path(output_))
    else:
        on_ray(source_, Path(output_), int(count_))
