"""Scoring shards: a classifier that is loaded and verified once, and one file of the result for each shard."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from edgedigits.classifier import DigitClassifier
from edgedigits.errors import EdgeDigitsError, ModelRejectedError
from edgedigits.quiet import quiet_descriptor
from edgedigits.scoring.job import Job, result_of
from edgedigits.scoring.journal import Journal
from edgedigits.scoring.ready import classify_ready, takes_batches
from edgedigits.scoring.rows import Result, Rows
from edgedigits.scoring.samples import Sample, labels_beside, samples_of
from edgedigits.scoring.shards import Shard, open_array

# How many pictures have been scored since the last call.
Tell = Callable[[int], object]

_BATCH = 4_096
# Predictions that wait to become rows: one by one, what that computes would have left the processor's cache each time.
_WAITING = 16
_SECOND = 1.0


class Scorer:
    """Scores shards for a job, in one process."""

    def __init__(self, job: Job, output: Path) -> None:
        """Load the job's model.

        Raises
        ------
        EdgeDigitsError: it cannot be used on this machine.
        ModelRejectedError: this machine has another model of that name, or another release of the engine.

        """
        self._job, self._output = job, output
        with quiet_descriptor(2):
            self._classifier = DigitClassifier(job.bundle, variant=job.variant, engine=job.engine)
        here = self._classifier.model_id.bundle or self._classifier.model_id.sha256
        if (here, *self._classifier.engine_id) != (job.id, job.engine, job.release):
            raise ModelRejectedError(
                f"expected {job.id[:12]} in {job.engine} {job.release}, as the job began with, found {here[:12]} in "
                f"{' '.join(self._classifier.engine_id)} on this machine; install the same on all machines"
            )

    def score(self, shard: Shard, tell: Tell) -> None:
        """Write the file of a shard, unless it is there.

        Raises
        ------
        OutputError: it cannot be written.

        """
        path = result_of(self._output, self._job, shard)
        if path.exists():
            return
        rows = Rows(self._job)
        if shard.kind == "array" and self._job.task == "classify" and self._takes_batches(shard):
            self._score_array(shard, rows, tell)
        else:
            self._score_samples(shard, rows, tell)
        rows.write(path)

    def _score_samples(self, shard: Shard, rows: Rows, tell: Tell) -> None:
        told, since = 0, time.monotonic()
        waiting: list[tuple[str, str | None, Result]] = []
        with Journal(self._output, shard.name) as journal:
            for number, sample in enumerate(samples_of(shard)):
                died = journal.begin(number)
                result = died if died and not isinstance(sample.picture, EdgeDigitsError) else self._result(sample)
                waiting.append((sample.source, self._expected(sample, shard), result))
                if len(waiting) == _WAITING:
                    rows.add(waiting)
                    waiting.clear()
                if time.monotonic() - since > _SECOND:
                    tell(len(rows) - told)
                    told, since = len(rows), time.monotonic()
        rows.add(waiting)
        tell(len(rows) - told)

    def _result(self, sample: Sample) -> Result:
        if isinstance(sample.picture, EdgeDigitsError):
            return sample.picture
        try:
            if self._job.task == "read":
                return self._classifier.read(sample.picture)
            return self._classifier.classify(sample.picture, mnist=self._job.mnist)
        except EdgeDigitsError as error:
            return error

    def _expected(self, sample: Sample, shard: Shard) -> str | None:
        return sample.label if shard.kind != "files" or self._job.labelled else None

    def _takes_batches(self, shard: Shard) -> bool:
        return takes_batches(self._classifier, open_array(shard.path).shape[1:])

    def _score_array(self, shard: Shard, rows: Rows, tell: Tell) -> None:
        pictures, labels = open_array(shard.path), labels_beside(shard)
        for first in range(shard.first, shard.last, _BATCH):
            part = slice(first, min(first + _BATCH, shard.last))
            answers = classify_ready(self._classifier, np.array(pictures[part]), mnist=self._job.mnist)
            rows.extend(
                source=[f"{shard.path}#{row}" for row in range(part.start, part.stop)],
                expected=None if labels is None else [str(label) for label in labels[part].tolist()],
                label=answers.labels,
                confidence=answers.confidences,
                rejected=answers.rejected,
            )
            tell(part.stop - part.start)
