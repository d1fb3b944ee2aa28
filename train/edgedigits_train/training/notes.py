"""Lines about a training that is likely to disappoint, told before it starts."""

from __future__ import annotations

from edgedigits_train.config import DEFAULT_MODEL, TrainConfig
from edgedigits_train.data.epochs import count_batches
from edgedigits_train.data.training_set import TrainingSet

# With fewer steps the weights are still nearly those that they were drawn as.
_FEWEST_STEPS = 50
# `small` has 75,000 for MNIST and 200,000 for 64 x 64 pixels.
_MOST_PARAMETERS = 1_000_000


def training_notes(config: TrainConfig, training_set: TrainingSet, parameters: int) -> list[str]:
    """Return a line each for too few steps, and for a network of more than a million ``parameters``."""
    notes = []
    images = training_set.epoch_size(config.paper_share)
    steps = config.epochs * count_batches(images, config.batch_size)
    if steps < _FEWEST_STEPS:
        notes.append(
            f"note: {images:,} images in batches of {config.batch_size} make {steps} steps in {config.epochs} epochs, "
            "too few to learn from; take more --epochs or a smaller --batch-size"
        )
    if parameters > _MOST_PARAMETERS and not config.from_model:
        height, width = training_set.size
        other = "" if config.model == DEFAULT_MODEL else f" or --model {DEFAULT_MODEL}"
        notes.append(
            f"note: {config.model} has {parameters:,} parameters for {height}x{width} pixels, which need many images "
            f"and {parameters / 1e6:.1f} MB in int8; take a smaller --size{other}"
        )
    return notes
