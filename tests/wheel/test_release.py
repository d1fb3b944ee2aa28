"""A release: its notes, what its workflow calls, and what the index asks of sdist and wheel."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest

from edgedigits import __version__
from edgedigits.cli.commands import COMMANDS

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
NOTES = ROOT / ".ci" / "release_notes.py"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
CHANGELOG = """# Changelog

## 1.3.0 (unreleased)

- new

## 1.2.0 (2026-12-31)

- good
- better

## 1.1.0 (2026-01-01)
"""

notes = runpy.run_path(str(NOTES))["notes"]


def test_notes_are_the_versions_own_part_of_the_changelog() -> None:
    assert notes("v1.2.0", "1.2.0", CHANGELOG) == "- good\n- better\n"


@pytest.mark.parametrize(
    ("tag", "version", "told"),
    [
        ("v1.2.1", "1.2.0", "expected the tag v1.2.0"),
        ("1.2.0", "1.2.0", "expected the tag v1.2.0"),
        ("v1.3.0", "1.3.0", "found '## 1.3.0 (unreleased)'"),
        ("v1.1.0", "1.1.0", "found nothing"),
        ("v1.2", "1.2", "found none"),
    ],
)
def test_no_notes_where_tag_version_and_changelog_do_not_go_together(tag: str, version: str, told: str) -> None:
    with pytest.raises(ValueError, match=re.escape(told)):
        notes(tag, version, CHANGELOG)


def test_this_versions_notes_are_ready_but_for_the_date() -> None:
    dated = (ROOT / "CHANGELOG.md").read_text().replace("(unreleased)", "(2026-12-31)", 1)
    assert notes(f"v{__version__}", __version__, dated).startswith("- ")


def test_the_script_ends_with_one_line_and_2() -> None:
    done = subprocess.run([sys.executable, NOTES, "v0.0.0"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"release_notes: v0.0.0: expected the tag v{__version__}")


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = yaml.safe_load(workflow.read_text())["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def test_workflows_call_steps_that_there_are() -> None:
    table = re.search(r"for step in .*?case \$step in(.*?)esac", (ROOT / ".ci/run").read_text(), re.DOTALL)[1]
    known = set(re.findall(r"[a-z][a-z-]+(?= \||\))", table))
    called = {
        name for workflow in WORKFLOWS for step in steps(workflow)
        for name in re.findall(r"\.ci/run ([a-z-]+)", step.get("run", ""))
    }  # fmt: skip
    for workflow in WORKFLOWS:
        for job in yaml.safe_load(workflow.read_text())["jobs"].values():
            matrix = job.get("strategy", {}).get("matrix", {}).get("step", [])
            called |= {name for name in [job.get("with", {}).get("step"), *matrix] if name and "{" not in name}
    assert {"release", "wheel", "lint", "package"} <= called <= known


def test_what_is_published_was_built_once_and_tested_before() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert [jobs[job]["needs"] for job in ("test", "publish", "announce")] == ["build", "test", "publish"]
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]
    assert [name for name, job in jobs.items() if ".ci/run release" in str(job)] == ["build"]
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    supported = {words.split(" :: ")[-1] for words in classifiers if " 3." in words}
    assert supported <= set(jobs["test"]["strategy"]["matrix"]["python"])
    assert not re.search(r"secrets\.|password", (ROOT / ".github/workflows/release.yml").read_text())


@pytest.mark.parametrize("form", [form for form in FORMS if form.stem != "config"], ids=lambda form: form.stem)
def test_a_form_asks_something_and_names_commands_that_there_are(form: Path) -> None:
    asked = yaml.safe_load(form.read_text())
    assert asked["name"]
    assert asked["description"]
    fields = asked["body"]
    assert len({field["id"] for field in fields}) == len(fields)
    assert all(field["attributes"]["label"] for field in fields)
    assert any(field.get("validations", {}).get("required") for field in fields)
    assert set(re.findall(r"`edgedigits\s+(\w+)", form.read_text())) <= set(COMMANDS)


@pytest.mark.slow
def test_the_index_takes_sdist_and_wheel(distributions: Path) -> None:
    files = sorted(map(str, distributions.iterdir()))
    assert len(files) == 2
    scripts = Path(sysconfig.get_path("scripts"))
    for tool, *words in (
        ("twine", "--no-color", "check", "--strict", *files),
        ("check-wheel-contents", "--config", str(ROOT / "pyproject.toml"), files[0]),
    ):
        if not (scripts / tool).exists():
            pytest.skip(f"{tool} is not installed")
        done = subprocess.run([scripts / tool, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_the_sdist_has_what_tests_and_pages_need(distributions: Path) -> None:
    with tarfile.open(next(distributions.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    for needed in (
        "tests/conftest.py",
        "docs/tutorial/tutorial.ipynb",
        "examples/README.md",
        "CHANGELOG.md",
        "Makefile",
        "mkdocs.yml",
    ):
        assert needed in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("build/", "dist/"))]
