"""What is trained, how: the configuration of a run with a default for everything.

Light on purpose: the command reads it before it knows whether TensorFlow will be needed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from edgedigits.errors import UsageError

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides a run's weights, besides the machine and the versions.

    Attributes
    ----------
    model: a name of `MODELS`.
    data: ``mnist``, a folder with one sub-folder a label, or an .npz.
    learning_rate: the highest one, where the schedule changes it.
    schedule: ``cosine`` (a short warm-up, then half a cosine down to zero) or ``constant``.
    augment: turn, scale, shear and shift every image a little, anew each epoch.
    paper: learn, too, what the device's pipeline makes of photographed digits, and what is no digit.
    threads: of one operation; sums come out in another order with another number.

    """

    model: str
    data: str
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    augment: bool
    paper: bool
    seed: int
    threads: int

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    def refuse_other(self, given: Mapping[str, Any]) -> None:
        """Say what in ``given`` (name to value, options left out being absent) is not this configuration.

        Raises
        ------
        UsageError: a value differs; every one that does is named.

        """
        own = self.to_dict()
        wrong = [f"{option(name)} {own[name]} (asked: {value})" for name, value in given.items() if own[name] != value]
        if wrong:
            raise UsageError(
                f"--resume: the run was started with {', '.join(wrong)}; leave these options out, or start a new run"
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """The defaults of one architecture."""

    epochs: int
    batch_size: int
    optimizer: str
    schedule: str
    augment: bool
    paper: bool = False


# mlp: the textbook's plain stochastic gradient descent. cnn: what fits into four minutes on two cores, picked by
# validation accuracy from a handful of single runs. lenet5: the same, taken over without a measurement of its own.
MODELS: Mapping[str, Recipe] = {
    "mlp": Recipe(epochs=10, batch_size=32, optimizer="sgd", schedule="constant", augment=False),
    "lenet5": Recipe(epochs=12, batch_size=128, optimizer="adam", schedule="cosine", augment=True),
    "cnn": Recipe(epochs=12, batch_size=128, optimizer="adam", schedule="cosine", augment=True),
}
LEARNING_RATES: Mapping[str, float] = {"adam": 6e-3, "adamw": 6e-3, "sgd": 0.1}
DEFAULT_MODEL = "cnn"


def option(name: str) -> str:
    """A field's name as it is written on the command line."""
    return "--" + name.replace("_", "-")


def resolve(given: Mapping[str, Any]) -> TrainConfig:
    """Fill what the user left out; ``given`` maps field names to values.

    Raises
    ------
    UsageError: a name, or a number, that no run can use.

    """
    model = _one_of("model", given.get("model", DEFAULT_MODEL), tuple(MODELS))
    recipe, data = MODELS[model], given.get("data", "mnist")
    optimizer = _one_of("optimizer", given.get("optimizer", recipe.optimizer), OPTIMIZERS)
    config = TrainConfig(
        model=model,
        data=data,
        epochs=given.get("epochs", recipe.epochs),
        batch_size=given.get("batch_size", recipe.batch_size),
        optimizer=optimizer,
        learning_rate=given.get("learning_rate", LEARNING_RATES[optimizer]),
        schedule=_one_of("schedule", given.get("schedule", recipe.schedule), SCHEDULES),
        augment=given.get("augment", recipe.augment),
        # A recipe cannot know whether somebody's own images are digits.
        paper=given.get("paper", recipe.paper and data == "mnist"),
        seed=given.get("seed", 0),
        threads=given.get("threads", _usable_cores()),
    )
    _refuse_impossible(config)
    return config


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"{option(name)}: expected {', '.join(known)}, found {value}")
    return value


def _refuse_impossible(config: TrainConfig) -> None:
    for name in ("epochs", "batch_size", "threads"):
        if getattr(config, name) < 1:
            raise UsageError(f"{option(name)}: expected at least 1, found {getattr(config, name)}")
    # numpy and Keras both take seeds of 32 bits without a sign.
    if not 0 <= config.seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, found {config.seed}")
    if not 0 < config.learning_rate < float("inf"):
        raise UsageError(f"--learning-rate: expected a number above 0, found {config.learning_rate:g}")


def _usable_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
