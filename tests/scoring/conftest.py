"""Archives of real digits in every form."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from scored import Expected, decoded, loop, png

from edgedigits.datasets import Dataset

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed: the extra [scale] is not there")
parquet = pytest.importorskip("pyarrow.parquet")

ROW_GROUP = 10


@pytest.fixture(scope="session")
def pictures(digits: Dataset) -> list[bytes]:
    """PNG files: 60 digits, of which one is noise, one in a corner and one half white, and one that is no picture."""
    images = digits.images[:60, ..., 0].copy()
    images[7] = np.random.default_rng(7).integers(0, 256, (28, 28))
    images[11] = np.roll(images[11], (-7, -7), (0, 1))
    images[13, :, :14] = 255
    return [png(image) for image in images] + [b"no picture"]


@pytest.fixture(scope="session")
def labels(digits: Dataset) -> list[int]:
    return [*digits.labels[:60].tolist(), 0]


@pytest.fixture(scope="session")
def archives(
    pictures: list[bytes], labels: list[int], digits: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same pictures as a folder of labels, a tar, a Parquet file, and as an array without the broken one."""
    place = tmp_path_factory.mktemp("archives")
    for number, (data, label) in enumerate(zip(pictures, labels, strict=True)):
        file = place / "folders" / str(label) / f"{number:03}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    with tarfile.open(place / "digits.tar", "w") as tar:
        for number, (data, label) in enumerate(zip(pictures, labels, strict=True)):
            for name, content in ((f"{number:03}.png", data), (f"{number:03}.cls", str(label).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    table = pa.table({"image": [{"bytes": data, "path": "x"} for data in pictures], "label": labels})
    parquet.write_table(table, place / "digits.parquet", row_group_size=ROW_GROUP)
    arrays = np.concatenate(
        [digits.images[:40, ..., 0], np.roll(digits.images[40:50, ..., 0], 6, 1), decoded(pictures)]
    )
    np.save(place / "digits.npy", arrays)
    np.save(place / "digits.labels.npy", np.concatenate([digits.labels[:50], labels[:-1]]))
    return place


@pytest.fixture(scope="session")
def expected(pictures: list[bytes]) -> Expected:
    return list(loop(pictures))
