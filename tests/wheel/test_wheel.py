"""The built wheel as a board gets it: small, complete, and right in a clean environment with each engine in turn."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgedigits.datasets import Dataset, load_mnist
from edgedigits.engines import ENGINES
from edgedigits.errors import DatasetError
from edgedigits.extras import requirements_of

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def test_digits() -> Dataset:
    """A hundred of MNIST's test digits, drawn by seed."""
    try:
        whole = load_mnist()[1]
    except DatasetError as error:
        pytest.skip(f"MNIST cannot be had here: {error}")
    return whole.take(np.sort(np.random.default_rng(2026).choice(len(whole), 100, replace=False)))


def test_it_stays_small_and_holds_code_contract_models_and_licences_alone(wheel: Path) -> None:
    assert wheel.stat().st_size <= 1_500_000
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0].split("-")[0] for name in names} == {
        "edgedigits", "edgedigits_train", "edgedigits_export",
    }  # fmt: skip
    for package in ("edgedigits", "edgedigits_train", "edgedigits_export"):
        assert f"{package}/py.typed" in names
    assert "edgedigits/manifest.schema.json" in names
    assert {name.split("/")[2] for name in names if name.endswith("/manifest.json")} == {"locator", "small", "tiny"}
    assert sum(name.endswith(("licenses/LICENSE", "bundles/NOTICE.md")) for name in names) >= 2
    assert not [name for name in names if name.endswith("reference.npz")]
    page = (".html", ".js", ".css", ".svg")
    assert {name for name in names if name.endswith(page)} == {
        f"edgedigits/serve/page/{file.name}" for file in (ROOT / "runtime/edgedigits/serve/page").iterdir()
    }
    allowed = (".py", ".typed", ".json", ".toml", ".npz", ".tflite", ".onnx", ".j2", ".md", "hashes.txt", *page)
    assert not [
        name
        for name in names
        if not name.endswith((*allowed, "LICENSE", "METADATA", "WHEEL", "RECORD", "entry_points.txt"))
    ]


# Half of the time goes by while pip installs an engine with all that it needs, as on a board.
@pytest.mark.parametrize("engine", ENGINES)
def test_it_reads_a_hundred_test_digits_with_each_engine_extra(
    wheel: Path, test_digits: Dataset, engine: str, tmp_path: Path
) -> None:
    extra = ENGINES[engine].extra
    if engine == "tflite-runtime" and sys.version_info >= (3, 12):
        pytest.skip("tflite-runtime has no wheel for this Python")
    assert requirements_of(extra)
    venv.create(tmp_path / "venv")
    # This environment's pip fills the other, which spares making one there.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", tmp_path / "venv" / "bin" / "python"]
    install = [*pip, "install", "-q", "--no-compile", "-c", ROOT / "constraints.txt", f"{wheel}[{extra}]"]
    subprocess.run(install, check=True, capture_output=True)
    files = []
    for number, image in enumerate(test_digits.images):
        files.append(f"{number}.png")
        Image.fromarray(image[..., 0]).save(tmp_path / files[-1])
    command = [tmp_path / "venv" / "bin" / "edgedigits", "classify", "--engine", engine, "--json", *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {answer["engine"]["name"] for answer in answers} == {engine}
    right = sum(answer["digit"] == label for answer, label in zip(answers, test_digits.labels, strict=True))
    assert right >= 98
    installed = subprocess.run([*pip, "list"], capture_output=True, text=True, check=True).stdout
    assert not {"tensorflow", "keras", "matplotlib", "scipy"} & {line.split()[0] for line in installed.splitlines()}
