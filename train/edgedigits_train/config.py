"""The configuration of a training run, with a default for every value.

This module imports nothing heavy, because the command reads it before it knows whether TensorFlow will be needed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from edgedigits.errors import UsageError

OPTIMIZERS = ("adam", "adamw", "sgd")
SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Everything that decides a run's weights, besides the machine and the versions of the software.

    Attributes
    ----------
    model: the architecture, a name in `MODELS`.
    preset: the name in `PRESETS` from which the defaults came.
    data: ``mnist``, a folder with one sub-folder for each label, or an .npz file.
    size: the height and width to which a folder's pictures are resized, as ``64x64``; None chooses by the pictures.
    learning_rate: the learning rate; where the schedule changes it, its highest value.
    schedule: ``cosine`` (a short warm-up, then half a cosine down to zero) or ``constant``.
    augment: whether each epoch rotates, scales, shears and shifts every image a little, differently each time.
    elastic: the strength of the elastic deformation that ``augment`` adds: the standard deviation of a pixel's own
        displacement, as a share of the image's size; 0 turns it off.
    paper: whether the run also trains on synthetic photographs of digits, as the device's pipeline hands them to the
        network, and on images that are not digits.
    paper_share: the share of the images added by ``paper`` that one epoch shows; each epoch draws another part.
    label_smoothing: the share of the true class's probability that is spread evenly over all classes.
    ema: the momentum of the exponential moving average of the weights, which the finished model has; 0 turns it off.
    teacher: a .keras file whose outputs the model learns in place of the labels, or None.
    temperature: the temperature that softens the teacher's outputs; 1 without a teacher.
    quantize: the precision on whose grid the network of ``from_model`` is trained, or None.
    from_model: a .keras file whose network and weights the run starts from, or None. ``model`` is then its name.
    threads: the number of threads of one operation; another number adds in another order and gives other weights.

    """

    model: str
    preset: str
    data: str
    size: str | None
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    schedule: str
    augment: bool
    elastic: float
    paper: bool
    paper_share: float
    label_smoothing: float
    ema: float
    teacher: str | None
    temperature: float
    quantize: str | None
    from_model: str | None
    seed: int
    threads: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain JSON values."""
        return asdict(self)

    def require_same(self, given: Mapping[str, Any]) -> None:
        """Refuse options that differ from this configuration; ``given`` maps the fields the user named to values.

        Raises
        ------
        UsageError: at least one value differs; the message names every one that does.

        """
        own = self.to_dict()
        others = [f"{_told(name, own[name])} (asked: {value})" for name, value in given.items() if own[name] != value]
        if others:
            raise UsageError(
                f"--resume: the run was started with {', '.join(others)}; leave these options out, or start a new run"
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """The defaults of one architecture; the fields mean what they mean in `TrainConfig`."""

    epochs: int
    batch_size: int = 256
    optimizer: str = "adam"
    schedule: str = "cosine"
    augment: bool = True
    elastic: float = 0.0
    paper: bool = False
    paper_share: float = 1.0
    label_smoothing: float = 0.0
    ema: float = 0.0
    learning_rate: float | None = None  # None takes the optimizer's of `LEARNING_RATES`


# The locator draws its examples itself: what an epoch shows is described in locator/examples.py.
_LOCATOR = Recipe(epochs=1, batch_size=16, optimizer="adamw", learning_rate=3e-3, augment=False, ema=0.999)
# "quick" takes two minutes on two cores. "best" trains for as long as more epochs help. models/README.md tells how the
# values were chosen. The quick recipe of "mlp" is the textbook's plain stochastic gradient descent.
PRESETS: Mapping[str, Mapping[str, Recipe]] = {
    "quick": {
        "nano": Recipe(epochs=20, batch_size=128, ema=0.995),
        "tiny": Recipe(epochs=20, batch_size=128, ema=0.995),
        "small": Recipe(epochs=9, ema=0.99),  # with 7 epochs two of four seeds stayed below 99.4 % (validation)
        "base": Recipe(epochs=4),
        "mlp": Recipe(epochs=10, batch_size=32, optimizer="sgd", schedule="constant", augment=False),
        "lenet5": Recipe(epochs=12, batch_size=128),
        "locator": replace(_LOCATOR, epochs=5),  # ten minutes, with half of the accuracy's distance to "best"
    },
    "best": {
        "nano": Recipe(epochs=100, elastic=0.01, ema=0.998),
        "tiny": Recipe(epochs=80, elastic=0.015, ema=0.998, paper=True, paper_share=0.33),
        "small": Recipe(epochs=90, elastic=0.03, ema=0.998, paper=True, paper_share=0.33),
        "base": Recipe(epochs=100, optimizer="adamw", elastic=0.035, paper=True, paper_share=0.33, ema=0.998),
        "mlp": Recipe(epochs=40, ema=0.998),
        "lenet5": Recipe(epochs=40),
        "locator": replace(_LOCATOR, epochs=45),
    },
}
# Training on the grid of an int8 file starts from a trained network. Its learning rate is a share of each channel's
# greatest weight, of which a step of the grid is 1/127.
QUANTIZED: Mapping[str, Recipe] = {
    "quick": Recipe(epochs=5, batch_size=128, learning_rate=2e-3),
    "best": Recipe(epochs=20, batch_size=128, learning_rate=2e-3),
}
QUANTIZED_PRECISIONS = ("int8",)
LEARNING_RATES: Mapping[str, float] = {"adam": 6e-3, "adamw": 6e-3, "sgd": 0.1}
# At this temperature the teacher's second and third best classes count, too. 1 to 2 did equally well: models/README.md.
TEMPERATURE = 2.0
MODELS = tuple(PRESETS["quick"])
LOCATOR = "locator"
# Sides of pictures in pixels: smaller ones show nothing, larger ones make nets that no board is for.
SIDES = 8, 512
# What few images need: so many steps in all, from batches that are not too small for batch normalisation and of which
# an epoch has some. The average of the weights looks back over a tenth of the steps, or it would still have the first.
_STEPS, _LEAST_BATCH, _BATCHES, _AVERAGED = 500, 16, 20, 10
# The options that the locator's training does not obey.
_NOT_FOR_LOCATOR = ("size", "augment", "elastic", "paper", "paper_share", "label_smoothing", "teacher", "temperature")
# What a run with --from takes from the model's file.
_OF_SOURCE = ("model", "size")
DEFAULT_MODEL, DEFAULT_PRESET = "small", "quick"
# Options whose field has another name, because theirs is a word of Python.
_OPTIONS = {"from_model": "--from"}


def option(name: str) -> str:
    """Return the command-line option of a field."""
    return _OPTIONS.get(name, "--" + name.replace("_", "-"))


def _told(name: str, value: Any) -> str:
    return f"no {option(name)}" if value is None else f"{option(name)} {value}"


def parse_size(text: str) -> str:
    """Return ``64`` or ``48x64`` as height and width, ``64x64`` or ``48x64``.

    Raises
    ------
    UsageError: it is no such size, or a side is outside its range.

    """
    sides = text.split("x") * (1 if "x" in text else 2)
    if len(sides) != 2 or not all(side.isdecimal() and SIDES[0] <= int(side) <= SIDES[1] for side in sides):
        raise UsageError(f"--size: expected {SIDES[0]} to {SIDES[1]} pixels, as in 64 or 48x64, found {text}")
    return "x".join(str(int(side)) for side in sides)


def resolve(given: Mapping[str, Any], images: int | None = None) -> TrainConfig:
    """Return a complete configuration: the values in ``given``, by field name, and defaults for all others.

    ``images`` is how many images of somebody's own there are to train on; None for MNIST, for which recipes are made.

    Raises
    ------
    UsageError: a name is unknown, or a number is outside its range.

    """
    preset = _one_of("preset", given.get("preset", DEFAULT_PRESET), tuple(PRESETS))
    data = given.get("data", "mnist")
    if quantized := _is_quantized(given):
        model, chosen = given["model"], QUANTIZED[preset]
    else:
        model = _one_of("model", given.get("model", DEFAULT_MODEL), MODELS)
        chosen = PRESETS[preset][model]
    recipe = asdict(chosen)
    # By default only MNIST is extended: a recipe cannot know whether somebody's own images are digits.
    recipe["paper"] &= data == "mnist"
    if model == LOCATOR and (useless := [option(name) for name in _NOT_FOR_LOCATOR if name in given]):
        raise UsageError(f"{useless[0]}: is not for the locator, which draws its own examples; leave it out")
    if images is not None and model != LOCATOR:
        recipe.update(_fit_recipe(recipe, given, images))
    own_rate = recipe.pop("learning_rate")
    wanted = {name: given.get(name, value) for name, value in recipe.items()}
    rate = own_rate or LEARNING_RATES[_one_of("optimizer", wanted["optimizer"], OPTIMIZERS)]
    config = TrainConfig(
        model=model,
        preset=preset,
        data=data,
        size=given.get("size"),
        **wanted,
        learning_rate=given.get("learning_rate", rate),
        teacher=given.get("teacher"),
        temperature=given.get("temperature", TEMPERATURE if given.get("teacher") and not quantized else 1.0),
        quantize=given.get("quantize"),
        from_model=given.get("from_model"),
        seed=given.get("seed", 0),
        threads=given.get("threads", _usable_cores()),
    )
    _one_of("schedule", config.schedule, SCHEDULES)
    _check_ranges(config)
    return config


def _is_quantized(given: Mapping[str, Any]) -> bool:
    """Return whether a run is to train on the grid of a file, for which it needs both options."""
    named = [name for name in ("quantize", "from_model") if given.get(name) is not None]
    if not named:
        return False
    if len(named) == 1:
        raise UsageError(f"{option(named[0])}: expected --quantize int8 and --from MODEL.keras together; add the other")
    _one_of("quantize", given["quantize"], QUANTIZED_PRECISIONS)
    if given.get("temperature", 1.0) != 1.0:
        raise UsageError("--temperature: is not for --quantize, whose ranges it would change afterwards; leave it out")
    return True


def refuse_options_of_source(given: Mapping[str, Any]) -> None:
    """Refuse options of the user that the model of ``--from`` decides.

    Raises
    ------
    UsageError: there is one.

    """
    _is_quantized(given)
    if useless := [option(name) for name in _OF_SOURCE if name in given]:
        raise UsageError(f"{useless[0]}: is decided by the model that --from names; leave it out")


def _fit_recipe(recipe: Mapping[str, Any], given: Mapping[str, Any], images: int) -> dict[str, Any]:
    """Return defaults that give few images enough steps, and an average of no more weights than a short run has."""
    batch = min(recipe["batch_size"], max(_LEAST_BATCH, images // _BATCHES))
    batches = math.ceil(images / max(1, given.get("batch_size", batch)))
    epochs = max(recipe["epochs"], math.ceil(_STEPS / batches))
    steps = batches * max(1, given.get("epochs", epochs))
    ema = min(recipe["ema"], max(0.0, round(1 - _AVERAGED / steps, 3)))
    return {"batch_size": batch, "epochs": epochs, "ema": ema}


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise UsageError(f"{option(name)}: expected {', '.join(known)}, found {value}")
    return value


def _check_ranges(config: TrainConfig) -> None:
    for name in ("epochs", "batch_size", "threads"):
        if getattr(config, name) < 1:
            raise UsageError(f"{option(name)}: expected at least 1, found {getattr(config, name)}")
    # numpy and Keras both accept unsigned seeds of 32 bits.
    if not 0 <= config.seed < 2**32:
        raise UsageError(f"--seed: expected 0 to {2**32 - 1}, found {config.seed}")
    for name in ("learning_rate", "temperature"):
        if not 0 < getattr(config, name) < float("inf"):
            raise UsageError(f"{option(name)}: expected a number above 0, found {getattr(config, name):g}")
    if not 0 < config.paper_share <= 1:
        raise UsageError(f"--paper-share: expected more than 0 and at most 1, found {config.paper_share:g}")
    for name in ("elastic", "label_smoothing", "ema"):
        if not 0 <= getattr(config, name) < 1:
            raise UsageError(f"{option(name)}: expected at least 0 and less than 1, found {getattr(config, name):g}")


def _usable_cores() -> int:
    """Return how many cores this process may use; in a container they are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
