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
    preset: a name of `PRESETS`, where the defaults came from.
    data: ``mnist``, a folder with one sub-folder a label, or an .npz.
    learning_rate: the highest one, where the schedule changes it.
    schedule: ``cosine`` (a short warm-up, then half a cosine down to zero) or ``constant``.
    augment: turn, scale, shear and shift every image a little, anew each epoch.
    bend: with ``augment``, how far pixels wander on their own, as a share of the image's size; 0 for not at all.
    paper: learn, too, what the device's pipeline makes of photographed digits, and what is no digit.
    paper_share: of what ``paper`` adds, how much an epoch shows, each time another part.
    label_smoothing: of the right answer's probability, what is shared out among all.
    average: momentum of the weights' running average, which is what comes out; 0 for none.
    teacher: a .keras file whose answers are learned in place of the labels, or None.
    temperature: by which the teacher's answers are softened; 1 without a teacher.
    threads: of one operation; sums come out in another order with another number.

    """

    model: str
    preset: str
    data: str
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    augment: bool
    bend: float
    paper: bool
    paper_share: float
    label_smoothing: float
    average: float
    teacher: str | None
    temperature: float
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
    """The defaults of one architecture; fields as in `TrainConfig`."""

    epochs: int
    batch_size: int = 256
    optimizer: str = "adam"
    schedule: str = "cosine"
    augment: bool = True
    bend: float = 0.0
    paper: bool = False
    paper_share: float = 1.0
    label_smoothing: float = 0.0
    average: float = 0.0


# quick: two minutes on two cores. best: as long as it pays; see models/README.md for what these were chosen by.
# mlp, quick: the textbook's plain stochastic gradient descent.
PRESETS: Mapping[str, Mapping[str, Recipe]] = {
    "quick": {
        "nano": Recipe(epochs=20, batch_size=128, average=0.995),
        "tiny": Recipe(epochs=20, batch_size=128, average=0.995),
        "small": Recipe(epochs=9, average=0.99),  # 7: two of four seeds were below 99.4 % of validation
        "base": Recipe(epochs=4),
        "mlp": Recipe(epochs=10, batch_size=32, optimizer="sgd", schedule="constant", augment=False),
        "lenet5": Recipe(epochs=12, batch_size=128),
    },
    "best": {
        "nano": Recipe(epochs=100, bend=0.01, average=0.998),
        "tiny": Recipe(epochs=80, bend=0.015, average=0.998, paper=True, paper_share=0.33),
        "small": Recipe(epochs=90, bend=0.03, average=0.998, paper=True, paper_share=0.33),
        "base": Recipe(epochs=100, optimizer="adamw", bend=0.035, paper=True, paper_share=0.33, average=0.998),
        "mlp": Recipe(epochs=40, average=0.998),
        "lenet5": Recipe(epochs=40),
    },
}
LEARNING_RATES: Mapping[str, float] = {"adam": 6e-3, "adamw": 6e-3, "sgd": 0.1}
# Softens a teacher's answers until the second and the third best are heard, too; 1 to 2 are alike: models/README.md.
TEMPERATURE = 2.0
MODELS = tuple(PRESETS["quick"])
DEFAULT_MODEL, DEFAULT_PRESET = "small", "quick"


def option(name: str) -> str:
    """A field's name as it is written on the command line."""
    return "--" + name.replace("_", "-")


def resolve(given: Mapping[str, Any]) -> TrainConfig:
    """Fill what the user left out; ``given`` maps field names to values.

    Raises
    ------
    UsageError: a name, or a number, that no run can use.

    """
    model = _one_of("model", given.get("model", DEFAULT_MODEL), MODELS)
    preset = _one_of("preset", given.get("preset", DEFAULT_PRESET), tuple(PRESETS))
    data = given.get("data", "mnist")
    recipe = asdict(PRESETS[preset][model])
    # A recipe cannot know whether somebody's own images are digits.
    recipe["paper"] &= data == "mnist"
    wanted = {name: given.get(name, value) for name, value in recipe.items()}
    config = TrainConfig(
        model=model,
        preset=preset,
        data=data,
        **wanted,
        learning_rate=given.get("learning_rate", LEARNING_RATES[_one_of("optimizer", wanted["optimizer"], OPTIMIZERS)]),
        teacher=given.get("teacher"),
        temperature=given.get("temperature", TEMPERATURE if given.get("teacher") else 1.0),
        seed=given.get("seed", 0),
        threads=given.get("threads", _usable_cores()),
    )
    _one_of("schedule", config.schedule, SCHEDULES)
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
    for name in ("learning_rate", "temperature"):
        if not 0 < getattr(config, name) < float("inf"):
            raise UsageError(f"{option(name)}: expected a number above 0, found {getattr(config, name):g}")
    if not 0 < config.paper_share <= 1:
        raise UsageError(f"--paper-share: expected more than 0 and at most 1, found {config.paper_share:g}")
    for name in ("bend", "label_smoothing", "average"):
        if not 0 <= getattr(config, name) < 1:
            raise UsageError(f"{option(name)}: expected at least 0 and less than 1, found {getattr(config, name):g}")


def _usable_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
