"""A real Chromium at the page, and an audit of it."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_visit import PHONE, Visit, expect
from PIL import Image

pytest_plugins = ["browser"]
AXE = "4.14.1"
AXE_SHA256 = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"

Visiting = Callable[..., Visit]


@pytest.fixture
def visiting(chromium: Any, start: Any) -> Iterator[Visiting]:
    """Visit a page, in a browser with these options; every page is left before any service that a test starts ends."""
    visits: list[Visit] = []

    def begin(url: str, **options: Any) -> Visit:
        desk = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"}
        context = chromium.new_context(**{**desk, **options})
        context.set_default_timeout(20_000)
        visits.append(Visit(context, url))
        return visits[-1]

    expect.set_options(timeout=20_000)
    yield begin
    for visit in visits:
        visit.leave()


@pytest.fixture
def visit(visiting: Visiting, service: Any) -> Visit:
    """At a desk, with a mouse."""
    return visiting(service.url)


@pytest.fixture
def phone(visiting: Visiting, service: Any) -> Visit:
    """On a phone."""
    return visiting(service.url, **PHONE)


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, which brings axe-core: apt install npm")
    folder = tmp_path_factory.mktemp("axe")
    command = [npm, "pack", "--silent", "--prefer-offline", f"axe-core@{AXE}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode and "CI" not in os.environ:
        pytest.skip(f"npm cannot fetch axe-core {AXE} here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    with tarfile.open(folder / f"axe-core-{AXE}.tgz") as archive:
        source = archive.extractfile("package/axe.min.js").read()
    assert hashlib.sha256(source).hexdigest() == AXE_SHA256
    return source.decode()


@pytest.fixture
def audit(axe: str) -> Callable[[Visit], None]:
    """Assert that axe-core finds nothing against a page as it is now, and nothing that it cannot decide on colours."""

    def told(entries: list[dict[str, Any]]) -> list[str]:
        return [f"{entry['id']}: {entry['help']}: {node['html']}" for entry in entries for node in entry["nodes"]]

    def check(visit: Visit) -> None:
        visit.page.evaluate(axe)
        found = visit.page.evaluate("axe.run()")
        assert found["passes"]
        assert not told(found["violations"])
        doubts = told([entry for entry in found["incomplete"] if entry["id"] == "color-contrast"])
        # Letters over a picture have a rim of paper around them, of which axe knows nothing.
        assert not [text for text in doubts if "<text" not in text]

    return check


@pytest.fixture
def picture_of(tmp_path: Path) -> Callable[[Visit, str], Path]:
    """Take a picture of a page for the README: into the folder that EDGEDIGITS_SCREENSHOTS names, else nowhere."""

    def take(visit: Visit, name: str) -> Path:
        folder = Path(os.environ.get("EDGEDIGITS_SCREENSHOTS", tmp_path))
        shot = Image.open(io.BytesIO(visit.page.screenshot(animations="disabled")))
        file = folder / name
        # 48 colours do for an ink, a paper and an accent, and for their edges.
        shot.convert("RGB").quantize(48, dither=Image.Dither.NONE).save(file, optimize=True)
        return file

    return take
