"""Which model file a classifier runs in which engine, and whether that is the one that was meant."""

from __future__ import annotations

from pathlib import Path

from edgedigits.bundle import Bundle
from edgedigits.engines import ENGINES, choose_engine
from edgedigits.errors import BundleError, ModelRejectedError, UsageError
from edgedigits.model import Model, is_model_file, lone_model, model_of_bundle
from edgedigits.store.active import ACTIVE, active_bundle

_MIN_ID = 12  # characters, as results print them


def choose_model(bundle: str | Path | Bundle | None, variant: str | None, engine: str) -> tuple[Model, str]:
    """Return the model file and the name of the engine that runs it."""
    if isinstance(bundle, str | Path) and is_model_file(bundle):
        if variant is not None:
            raise BundleError(f"{bundle}: expected no variant with a lone model file, found {variant!r}; leave it out")
        model = lone_model(Path(bundle))
        return model, choose_engine(engine, model.format)[0]
    if str(bundle) == ACTIVE and not Path(ACTIVE).exists():
        bundle, variant, engine = active_bundle(variant, engine)
    loaded = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
    engines = choose_engine(engine)
    file = loaded.pick(variant, list(dict.fromkeys(ENGINES[name].format for name in engines)))
    return model_of_bundle(loaded, file), next(name for name in engines if ENGINES[name].format == file.format)


def require_id(model: Model, expect_id: str) -> None:
    """Refuse a model whose bundle has not the id that is expected, of which the first characters are enough."""
    if len(expect_id) < _MIN_ID:
        raise UsageError(f"expect_id: expected at least {_MIN_ID} characters of a bundle's id, found {expect_id!r}")
    if model.bundle is None or not model.bundle.id.startswith(expect_id):
        found = model.bundle.id if model.bundle else "a file without a bundle"
        raise BundleError(f"{model.name}: expected the bundle {expect_id}, found {found}; take the right bundle")


def require_classifier(shape: tuple[int, ...], out: tuple[int, ...]) -> tuple[int, int, int]:
    """Return height, width and channels of the images that a classifier takes, and refuse any other network."""
    if len(shape) == 4 and shape[1:3] == (-1, -1):
        raise ModelRejectedError(
            "expected a classifier, found a network that takes pictures of any size, such as the locator; it works "
            "inside of classify and read, with the bundle of a classifier"
        )
    if len(shape) != 4 or shape[0] not in {1, -1} or min(shape[1:]) < 1 or len(out) != 2:
        raise ModelRejectedError(
            f"expected one image [N, H, W, C] in and class scores [N, classes] out, found {list(shape)} and {list(out)}"
        )
    return shape[1], shape[2], shape[3]
