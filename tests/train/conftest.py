"""A hundred real training digits, as data of their own, and the synthetic images that go with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edgedigits.datasets import Splits, load_splits
from edgedigits.images.decode import read_pixels
from edgedigits_train.scenes.pool import Pool, make_pool

DIGITS = Path(__file__).parents[1] / "data" / "digits.npz"


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module", autouse=True)
def own_cache(cache: Path) -> Iterator[None]:
    """What runs keep for others must neither come from elsewhere nor stay; tests elsewhere have the user's cache."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EDGEDIGITS_CACHE", str(cache))
        yield


@pytest.fixture(scope="session")
def splits() -> Splits:
    """80 + 10 + 10 real digits."""
    return load_splits(str(DIGITS), read_pixels)


@pytest.fixture(scope="session")
def pool(splits: Splits) -> Pool:
    """What `--paper` draws from the training digits."""
    return make_pool(splits.train, seed=0, side=0, processes=1)
