"""The first state of a run that trains on the grid of a file: the twin of a trained classifier."""

from __future__ import annotations

import keras
import numpy as np

from edgedigits.datasets import Dataset
from edgedigits.errors import UsageError
from edgedigits.verification.statistics import wilson
from edgedigits_train.config import TrainConfig
from edgedigits_train.data.epochs import count_batches
from edgedigits_train.data.training_set import TrainingSet
from edgedigits_train.quantization.calibration import choose_ranges
from edgedigits_train.quantization.source import OPTION, Source
from edgedigits_train.quantization.twin import build_twin
from edgedigits_train.training.evaluation import predict
from edgedigits_train.training.keras_file import require_fits
from edgedigits_train.training.loop import compile_model

# As many images as export takes by default.
_CALIBRATION = 500


def new_twin(source: Source, config: TrainConfig, training_set: TrainingSet) -> keras.Model:
    """Build and compile the twin of a source, with ranges from training images that ``config.seed`` chooses.

    Raises
    ------
    UsageError: the source takes other images, or has another number of classes.

    """
    require_fits(source.model, training_set, str(config.from_model), OPTION)
    keras.utils.set_random_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    rows = rng.permutation(len(training_set))[:_CALIBRATION]
    ranges = choose_ranges(source.network, source.plan, training_set.images(np.sort(rows)))
    twin = build_twin(source.network, source.plan, ranges)
    compile_model(twin, config, count_batches(training_set.epoch_size(config.paper_share), config.batch_size))
    return twin


def compare_start(source: Source, twin: keras.Model, validation: Dataset) -> str:
    """Return a line with the accuracy of a source in float, and of its twin that is not trained yet.

    Raises
    ------
    UsageError: the source is not better than a guess on these images.

    """
    count = len(validation)
    in_float, on_grid = (
        int((predict(model, validation.images).argmax(axis=1) == validation.labels).sum())
        for model in (source.model, twin)
    )
    if wilson(in_float, count)[0] <= 1 / len(validation.names):
        raise UsageError(
            f"{OPTION}: expected a classifier of these images as raw pixels, found {in_float} of {count} right; "
            "let it begin with a Rescaling layer that scales them as in its training"
        )
    return (
        f"before training: validation {100 * in_float / count:.2f} % in float, {100 * on_grid / count:.2f} % on the "
        "grid of the file"
    )
