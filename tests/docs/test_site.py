"""The site: what `make docs` builds is whole, works without a network, and a strict build fails on what is broken."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from sharing import MadeOnce

import edgedigits
from benchmarks.publish.site.repository import OUTSIDE, Repository
from edgedigits import errors
from edgedigits.cli.commands import COMMANDS
from edgedigits.cli.main import command_parser

pytest_plugins = ["browser"]
pytestmark = pytest.mark.slow  # the site takes six seconds to build
ROOT = Path(__file__).parents[2]
# What makes a browser fetch something by itself.
FETCHING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "video": "src"}


def build(root: Path, site: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GITHUB_")}
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", site], cwd=root, check=False, text=True,
        capture_output=True, env=environment | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


class Elements(HTMLParser):
    """The elements of a page, and the names that links can lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.names = {attributes.get("id") for _, attributes in self.all}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))


@pytest.fixture(scope="session")
def site(made_once: MadeOnce) -> Path:
    def fill(folder: Path) -> None:
        done = build(ROOT, folder)
        assert done.returncode == 0, done.stderr

    return made_once("site", fill)


@pytest.fixture(scope="session")
def elements(site: Path) -> dict[Path, Elements]:
    return {page: Elements(page.read_text()) for page in site.rglob("*.html")}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of all that the site is made of, to be broken."""
    root = tmp_path / "repository"
    root.mkdir()
    for name in ("docs", "mkdocs.yml", *(path for path in OUTSIDE if "/" not in path)):
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, root / name)
    for name in ("runtime", "benchmarks", "models", "examples", "LICENSE"):
        (root / name).symlink_to(ROOT / name)
    return root


def add(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


def test_the_site_has_every_page(site: Path) -> None:
    listed = re.findall(r"[\w/.-]+\.md$", (ROOT / "mkdocs.yml").read_text().partition("\nnav:")[2], re.MULTILINE)
    there = {str(page.relative_to(site)) for page in site.rglob("*.html")}
    assert {
        re.sub(r"(README|index)\.md$|\.md$", lambda end: "index.html" if end[1] else ".html", page) for page in listed
    } <= there
    assert len(listed) == len(set(listed))


def test_a_strict_build_fails_and_names_all_that_is_broken(copy: Path) -> None:
    add(copy / "docs" / "camera.md", "\n[gone](gone.md) [anchor](serve.md#gone) [here](/serve.md)\n")
    add(copy / "README.md", "\n![gone](docs/gone.png)\n")
    add(copy / "mkdocs.yml", "      - project/gone.md\n")
    (copy / "docs" / "stray.md").write_text("# Stray\n")
    done = build(copy, copy / "site")
    assert done.returncode == 1
    warnings = "\n".join(line for line in done.stderr.splitlines() if line.startswith(("WARNING", "  - ")))
    for told in (
        "docs/camera.md: a link leads to gone.md", "docs/camera.md: a link leads to /serve.md",
        "does not contain an anchor '#gone'", "README.md: a link leads to docs/gone.png",
        "'project/gone.md'", "- stray.md",
    ):  # fmt: skip
        assert told in warnings


def test_nothing_is_fetched_from_another_host(site: Path, elements: dict[Path, Elements]) -> None:
    for page, found in elements.items():
        fetched = [attributes.get(FETCHING[tag]) or "" for tag, attributes in found.all if tag in FETCHING]
        assert not [address for address in fetched if re.match(r"(https?:)?//", address)], page
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text()), sheet


def test_links_inside_the_site_lead_somewhere(site: Path, elements: dict[Path, Elements]) -> None:
    for page, found in elements.items():
        if page.name in {"404.html", "readings.html"}:  # the first has absolute addresses, the second is a picture
            continue
        for tag, attributes in found.all:
            address = attributes.get("href" if tag == "a" else FETCHING.get(tag, "")) or ""
            if not address or re.match(r"[a-z]+:", address):
                continue
            path, _, anchor = unquote(address).partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page}: {address}"
            assert not anchor or target not in elements or anchor in elements[target].names, f"{page}: {address}"


def test_the_search_finds_words_of_all_parts(site: Path) -> None:
    found = json.loads((site / "search" / "search_index.json").read_text())["docs"]
    pages = {document["location"].partition("#")[0] for document in found}
    assert {"index.html", "tutorial/2-neuron.html", "reference/commands.html", "reference/python.html"} <= pages


def test_the_search_works_from_a_file_system(site: Path, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 1400, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "camera.html").as_uri())
    page.locator(".md-search__input").click()
    page.keyboard.type("temperature")
    page.locator(".md-search-result__link", has_text="by which scores are divided").click()
    assert page.url.endswith("reference/glossary.html?h=temperature#temperature")
    assert not [address for address in asked if not address.startswith("file:")]
    page.close()


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_on_its_page(name: str, site: Path) -> None:
    page = (site / "reference" / "commands.html").read_text()
    for parser in parsers(command_parser(name)):
        words = parser.prog.removeprefix("edgedigits ")
        section = re.search(rf'<h[34] id="{words.replace(" ", "-")}">.*?(?=<h[234] id|\Z)', page, re.DOTALL)
        assert section, words
        codes = re.findall(r"<code>(.*?)</code>", section[0])
        told = {code.split()[0] for code in codes if code.split()}
        assert {word for action in parser._actions for word in action.option_strings} - {"-h", "--help"} <= told


def test_every_field_of_the_manifest_is_on_its_page(site: Path) -> None:
    def paths(schema: dict[str, Any], prefix: str = "") -> Iterator[str]:
        for one in (schema, *schema.get("anyOf", ())):
            for name, inner in one.get("properties", {}).items():
                yield f"{prefix}{name}"
                yield from paths(inner, f"{prefix}{name}.")
            if isinstance(one.get("items"), dict):
                yield from paths(one["items"], f"{prefix.removesuffix('.')}[].")
            if isinstance(one.get("additionalProperties"), dict):
                yield from paths(one["additionalProperties"], f"{prefix}NAME.")

    schema = json.loads((ROOT / "runtime" / "edgedigits" / "manifest.schema.json").read_text())
    told = set(re.findall(r"<tr>\s*<td><code>(.*?)</code>", (site / "reference" / "manifest.html").read_text()))
    assert set(paths(schema)) == told


def test_all_that_the_package_exports_is_on_the_page_of_python(site: Path, elements: dict[Path, Elements]) -> None:
    names = elements[site / "reference" / "python.html"].names
    assert {f"edgedigits.{name}" for name in edgedigits.__all__} <= names


def test_sections_of_docstrings_become_tables(site: Path) -> None:
    page = (site / "reference" / "python.html").read_text()
    assert "-----" not in page
    assert "``" not in page
    assert re.search(r"<code>max_pixels</code>.*?the size above which a picture is refused", page, re.DOTALL)


def test_every_exit_code_and_every_metric_is_on_its_page(site: Path) -> None:
    codes = (site / "reference" / "exit-codes.html").read_text()
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert all(f"<code>{kind.__name__}</code>" in codes for kind in kinds)
    metrics = (site / "reference" / "metrics.html").read_text()
    for name in ("requests_total", "rejections_total", "stage_seconds", "temperature_celsius", "throttling"):
        assert f"<code>edgedigits_{name}</code>" in metrics


def test_links_to_files_that_the_site_lacks_lead_to_the_published_repository_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text, words = "see [the code](../mkdocs.yml), `[code](gone.md)`", ("fleet.md", "docs/fleet.md")
    for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    assert Repository(ROOT).with_links(text, *words) == "see the code, `[code](gone.md)`"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "some/one")
    found = Repository(ROOT).with_links(text, *words)
    assert found == "see [the code](https://github.example/some/one/blob/main/mkdocs.yml), `[code](gone.md)`"


def test_links_are_right_from_wherever_the_site_has_a_page() -> None:
    def moved(text: str, origin: str) -> str:
        repository = Repository(ROOT)
        return repository.with_links(text, repository.page(origin) or "", origin)

    assert moved("[a](docs/serve.md#passwords)", "README.md") == "[a](serve.md#passwords)"
    assert moved("[![a](docs/pareto.svg)](docs/serve.md)", "README.md") == "[![a](pareto.svg)](serve.md)"
    assert moved('<img src="docs/pareto.svg" width="9">', "README.md") == '<img src="pareto.svg" width="9">'
    assert moved("[a](../README.md)", "models/README.md") == "[a](../index.md)"
    assert moved("[a](../../examples/README.md)", "docs/tutorial/README.md") == "[a](../examples.md)"
    assert moved("[a](button_lcd.py)", "examples/README.md") == "[a](examples.md#button_lcdpy)"
    assert moved("[a](#b) [c](https://d.example)", "README.md") == "[a](#b) [c](https://d.example)"
