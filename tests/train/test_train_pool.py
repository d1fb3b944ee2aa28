"""The pool: the same for any number of processes, labels kept, made once and kept in the cache."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.datasets import Dataset, Splits
from edgedigits.errors import UsageError
from edgedigits.files import cache_folder
from edgedigits.images.convention import follows_mnist
from edgedigits_train.scenes import pool as pool_module
from edgedigits_train.scenes import pool_cache
from edgedigits_train.scenes.crops import OUTLIER, PARTS
from edgedigits_train.scenes.pool import AMOUNT, Pool, make_pool, require_mnist_digits
from edgedigits_train.synthetic.patterns import PATTERNS, random_pattern


def same(one: Pool, other: Pool) -> bool:
    pairs = ((one.images, other.images), (one.labels, other.labels), (one.parts, other.parts))
    return all(np.array_equal(left, right) for left, right in pairs)


@pytest.mark.slow
def test_pool_does_not_depend_on_the_number_of_processes(
    splits: Splits, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One chunk is drawn in this process: what other processes draw must be asked for.
    monkeypatch.setattr(pool_module, "AMOUNT", 2 * AMOUNT)
    several = make_pool(splits.train, seed=0, side=0, processes=2)
    assert len(several) > len(pool)
    np.testing.assert_array_equal(several.images[: len(pool)], pool.images)
    assert same(several, make_pool(splits.train, seed=0, side=0, processes=1))


def test_seed_and_side_make_other_pools(splits: Splits) -> None:
    own, again, *others = (
        make_pool(splits.test, seed=seed, side=side, processes=1) for seed, side in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert same(own, again)
    assert not any(same(own, other) for other in others)


def test_parts_have_their_labels_and_all_digits(splits: Splits, pool: Pool) -> None:
    assert pool.images.shape == (len(pool), 28, 28, 1)
    assert pool.images.dtype == np.uint8
    counts = pool.counts()
    assert set(counts) == set(PARTS)
    assert sum(counts.values()) == len(pool) >= AMOUNT * len(splits.train)
    assert min(counts["handwritten"], counts["printed"]) > 0.2 * len(pool)
    outliers = pool.parts == PARTS.index("outliers")
    assert 0.05 < outliers.mean() < 0.3
    assert (pool.labels[outliers] == OUTLIER).all()
    assert set(pool.labels[~outliers].tolist()) == set(range(10))


def test_crops_of_handwriting_look_like_the_digits_of_their_label(splits: Splits, pool: Pool) -> None:
    data = splits.train
    chosen = np.flatnonzero(pool.parts == PARTS.index("handwritten"))
    flat = pool.images[chosen].reshape(len(chosen), -1).astype(float)
    own = data.images.reshape(len(data), -1).astype(float)
    flat, own = (values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1) for values in (flat, own))
    nearest = data.labels[(flat @ own.T).argmax(axis=1)]
    assert (nearest == pool.labels[chosen]).mean() > 0.45  # by chance: 0.1


def test_patterns_are_seeded_pictures_of_every_kind() -> None:
    for draw in PATTERNS:
        for size in (28, 61):
            levels = draw(size, np.random.default_rng(1))
            assert levels.shape == (size, size)
            assert np.isfinite(levels).all()
            np.testing.assert_array_equal(levels, draw(size, np.random.default_rng(1)))
    made = [random_pattern(28, np.random.default_rng(seed)) for seed in range(60)]
    assert len({grey.tobytes() for grey in made}) > 50
    assert 0.1 < np.mean([follows_mnist(grey.tobytes()) for grey in made]) < 0.95


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": tuple("abcdefghij")}, r"found 10 classes \(a, b, c, \.\.\.\) and \[28, 28, 1\]; leave --paper out"),
        ({"images": np.zeros((80, 32, 32, 1), np.uint8)}, r"and \[32, 32, 1\]"),
        ({"labels": np.zeros(80, np.int64)}, "expected images of every digit, found none of 1"),
    ],
)
def test_other_data_is_refused(splits: Splits, change: dict[str, object], message: str) -> None:
    require_mnist_digits(splits.train)
    other: Dataset = replace(splits.train, **change)
    with pytest.raises(UsageError, match=message):
        require_mnist_digits(other)


def test_cached_pool_is_made_once_and_again_when_its_file_is_broken(
    splits: Splits, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def make(data: Dataset, **options: int) -> Pool:
        made.append(len(data))
        return pool

    monkeypatch.setattr(pool_cache, "make_pool", make)
    for _ in range(2):
        assert same(pool_cache.cached_pool(splits.train, seed=9, side=0, processes=1), pool)
    assert len(made) == 1
    (path,) = (cache_folder() / "paper").glob(f"{pool_cache._key(splits.train, 9, 0)}.npz")
    path.write_bytes(path.read_bytes()[:1000])
    assert same(pool_cache.cached_pool(splits.train, seed=9, side=0, processes=1), pool)
    assert len(made) == 2


def test_cached_pool_is_another_for_other_data_seed_side_or_source(
    splits: Splits, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keys = {
        pool_cache._key(data, seed, side) for data in (splits.train, splits.test) for seed in (0, 1) for side in (0, 1)
    }
    source = tmp_path / "changed.py"
    source.write_text("")
    sources = pool_cache._sources()
    monkeypatch.setattr(pool_cache, "_sources", lambda: [*sources, source])
    keys.add(pool_cache._key(splits.train, 0, 0))
    source.write_text("# other")
    keys.add(pool_cache._key(splits.train, 0, 0))
    # An empty source adds nothing to the hash.
    assert len(keys) == 9
    assert {"crop.py", "ink.py", "layouts.py", "pool.py"} <= {path.name for path in sources}
