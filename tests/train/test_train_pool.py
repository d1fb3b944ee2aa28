"""The pool: the same for any number of processes, labels kept, outliers of every kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgedigits.datasets import Dataset, Splits
from edgedigits.errors import UsageError
from edgedigits.files import cache_folder
from edgedigits.images.convention import follows_mnist
from edgedigits_train.synthetic import pool as pool_module
from edgedigits_train.synthetic import pool_cache
from edgedigits_train.synthetic.outliers import SHARES, draw_outlier
from edgedigits_train.synthetic.paper import STYLES, scan_8, scan_32
from edgedigits_train.synthetic.patterns import PATTERNS, random_pattern
from edgedigits_train.synthetic.pool import AMOUNTS, OUTLIER, PARTS, Maker, Pool, make_pool, require_mnist_digits


def same(one: Pool, other: Pool) -> bool:
    pairs = ((one.images, other.images), (one.labels, other.labels), (one.parts, other.parts))
    return all(np.array_equal(left, right) for left, right in pairs)


@pytest.mark.slow
def test_pool_does_not_depend_on_the_number_of_processes(
    splits: Splits, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "_CHUNK", 20)
    assert same(make_pool(splits.train, seed=0, side=0, processes=2), pool)


def test_seed_and_side_make_other_pools(splits: Splits) -> None:
    own, again, *others = (
        make_pool(splits.test, seed=seed, side=side, processes=1) for seed, side in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert same(own, again)
    assert not any(same(own, other) for other in others)


@pytest.mark.slow
def test_parts_have_their_amounts_and_labels(splits: Splits, pool: Pool) -> None:
    assert pool.images.shape == (len(pool), 28, 28, 1)
    assert pool.images.dtype == np.uint8
    assert (pool.images.max(axis=(1, 2, 3)) > 0).all()
    for name, count in pool.counts().items():
        wanted = max(1, round(AMOUNTS[name] * len(splits.train)))
        assert 0.8 * wanted <= count <= wanted, name
    outliers = pool.parts == PARTS.index("outliers")
    assert (pool.labels[outliers] == OUTLIER).all()
    assert (pool.labels[~outliers] >= 0).all()
    assert set(pool.labels[pool.parts == PARTS.index("forms")].tolist()) <= {1, 4, 7, 9}


@pytest.mark.slow
def test_handwritten_digits_keep_their_label_and_their_look(splits: Splits, pool: Pool) -> None:
    data = splits.train
    chosen = np.flatnonzero(pool.parts == PARTS.index("handwritten"))
    assert len(chosen) == len(data)  # none was refused, so that they stand in the data's order
    np.testing.assert_array_equal(pool.labels[chosen], data.labels)
    flat = pool.images[chosen].reshape(len(chosen), -1).astype(float)
    own = data.images.reshape(len(data), -1).astype(float)
    flat, own = (values / np.linalg.norm(values, axis=1, keepdims=True) for values in (flat, own))
    nearest = data.labels[(flat @ own.T).argmax(axis=1)]
    assert (nearest == data.labels).mean() > 0.6  # by chance: 0.1
    assert not np.array_equal(pool.images[chosen], data.images)


def test_printed_digits_are_all_ten(splits: Splits) -> None:
    maker = Maker(splits.train, 0, 0)
    labels = {maker.draw("printed", 0, np.random.default_rng(seed))[0] for seed in range(80)}
    assert labels == set(range(10))


@pytest.mark.parametrize("kind", [kind for kind, _ in SHARES])
def test_every_kind_of_outlier_gets_through_the_pipeline_at_times(
    splits: Splits, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgedigits_train.synthetic.pool.SHARES", ((kind, 1.0),))
    made = [Maker(splits.train, 0, 0).make(PARTS.index("outliers"), number) for number in range(8)]
    kept = [result for result in made if result is not None]
    assert len(kept) >= 4
    assert {label for _, label in kept} == {OUTLIER}
    assert len({image.tobytes() for image, _ in kept}) == len(kept)


def test_arrays_keep_their_pixels_and_joined_digits_are_one_thing(splits: Splits) -> None:
    pick = Maker(splits.train, 0, 0).pick
    picture = draw_outlier("array", pick, np.random.default_rng(0))
    assert picture.mnist
    assert picture.grey.shape == (28, 28)
    for seed in range(10):
        joined = draw_outlier("joined", pick, np.random.default_rng(seed)).ink
        assert joined is not None
        assert joined.width > 20


def test_at_most_half_of_the_outliers_are_letters() -> None:
    assert sum(share for _, share in SHARES) == pytest.approx(1)
    assert dict(SHARES)["letter"] <= 0.5


def test_patterns_are_seeded_pictures_of_every_kind() -> None:
    for draw in PATTERNS:
        for size in (28, 61):
            levels = draw(size, np.random.default_rng(1))
            assert levels.shape == (size, size)
            assert np.isfinite(levels).all()
            np.testing.assert_array_equal(levels, draw(size, np.random.default_rng(1)))
    made = [random_pattern(28, np.random.default_rng(seed)) for seed in range(60)]
    assert len({grey.tobytes() for grey in made}) > 50
    assert 0.2 < np.mean([follows_mnist(grey.tobytes()) for grey in made]) < 0.95


def test_styles_give_the_sizes_they_imitate(splits: Splits) -> None:
    ink = Maker(splits.train, 0, 0).pick(5, np.random.default_rng(0))
    assert sum(share for share, _ in STYLES) == pytest.approx(1)
    assert scan_8(ink, np.random.default_rng(0)).shape == (8, 8)
    binary = scan_32(ink, np.random.default_rng(0))
    assert binary.shape == (32, 32)
    assert set(np.unique(binary).tolist()) == {0, 255}
    for _, style in STYLES:
        grey = style(ink, np.random.default_rng(3))
        assert grey.dtype == np.uint8
        assert int(grey.max()) - int(grey.min()) > 25


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
    assert {"normalise.py", "ink.py", "handwriting.py", "pool.py"} <= {path.name for path in sources}
