"""README and docs are true: their commands run, their code runs, their figures are the committed results'."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from own_model import EXPORT
from PIL import Image

from edgedigits.cli.commands import COMMANDS
from edgedigits_export.emulation.cache import boards_cache

ROOT = Path(__file__).parents[2]
FASHION = Path("/usr/share/datasets/fashion-mnist")
PAGES = {page.name: page for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]}
LINKED = [*PAGES.values(), *ROOT.glob("docs/*/*.md"), ROOT / "examples" / "README.md", ROOT / "RELEASE.md"]
# Commands that CI itself runs (.ci/run), or that make the environment the others are run in.
ELSEWHERE = ("make ", "python3 -m venv", "pip install ")
# Needs an emulated board, which is fetched once: `make pi` does.
BOARD = "--board"
PICTURE = "picture.jpg"
# The packages that the pages import, and what our commands call these engines.
PACKAGES = {"ai_edge_litert": "litert", "tflite_runtime": "tflite-runtime", "onnxruntime": "onnxruntime"}
# Begins with training of its own, in this order (see below).
WALK = "fashion-mnist.md"
# Takes a minute of training: tests/train runs it with fewer epochs.
LONG = ("edgedigits train",)


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGES[page].read_text(), re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line.split("#")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith((*ELSEWHERE, *LONG))]


def can_emulate() -> bool:
    """Whether the parts of emulated boards are there, or may be fetched."""
    return bool(os.environ.get("EDGEDIGITS_PI")) or (boards_cache() / "debian-trixie-arm64").is_dir()


def quick(command: str) -> str:
    """The same command with less to repeat: one file in one engine, and measurements too short to be believed."""
    if command.startswith("edgedigits bench"):
        # `compare`, which takes what was stored, wants eight processes; nothing takes fewer than five.
        less = f"--engine litert --seconds 0.02 --processes {8 if ' -o ' in command else 5}"
        return f"{command} {less}" if "--variant" in command else f"{command} --variant int8 {less}"
    return f"{command} --variant int8.tflite" if BOARD in command else command


@pytest.fixture
def place(workplace: Path, own_bundle: Path, tmp_path: Path) -> Path:
    """A folder of the test's own with all that is in the workplace, what `EXPORT` makes, and the pages' pictures."""
    for entry in (*workplace.iterdir(), own_bundle, ROOT / "docs"):
        (tmp_path / entry.name).symlink_to(entry)
    return tmp_path


def codes(command: str) -> set[int]:
    """The exit codes that it may end with: whether this machine got slower meanwhile is no matter of documentation."""
    return {0, 1, 4} if command.startswith("edgedigits compare") else {0}


# Pages have up to nine commands, each a process of its own, as a reader starts it; some read 20,100 images, some run on
# an emulated board.
@pytest.mark.parametrize("page", [page for page in PAGES if commands(page) and page != WALK])
def test_every_command_on_the_page_runs(page: str, place: Path, shell: dict[str, str]) -> None:
    emulated = [command for command in commands(page) if BOARD in command and not can_emulate()]
    for command in commands(page):
        if command in (*emulated, EXPORT):
            continue
        done = subprocess.run(
            ["sh", "-ec", quick(command)], cwd=place, env=shell, capture_output=True, text=True, check=False
        )
        assert done.returncode in codes(command), f"{command}\n{done.stdout}\n{done.stderr}"
        assert done.stdout.strip(), f"{command} printed nothing"
    if emulated:
        pytest.skip(f"all ran but these, for which no emulated board is in the cache: {'; '.join(emulated)}")


def test_the_pages_export_as_the_bundle_was_exported_that_other_commands_get() -> None:
    exports = {command for page in PAGES for command in commands(page) if command.startswith("edgedigits export my-")}
    assert exports == {EXPORT}


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python") and page == "README.md"])
def test_the_python_on_the_page_runs(page: str, place: Path) -> None:
    for block in blocks(page, "python"):
        done = subprocess.run([sys.executable, "-c", block], cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[0].isdigit()


def test_one_classifier_a_process_as_the_page_says(tmp_path: Path) -> None:
    (block,) = blocks("scale.md", "python")
    (tmp_path / "scans").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / "scans" / "blank.png")
    (tmp_path / "pool.py").write_text(block)
    done = subprocess.run([sys.executable, "pool.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout in {f"['{digit}']\n" for digit in range(10)}


@pytest.mark.parametrize("block", blocks("own-model.md", "python"), ids=lambda block: block.split()[5])
def test_the_lines_for_an_engine_alone_answer_as_classify_does(block: str, place: Path, shell: dict[str, str]) -> None:
    def run(*command: str) -> str:
        return subprocess.run(command, cwd=place, env=shell, capture_output=True, text=True, check=True).stdout

    package, file = (
        re.search(words, block)[0] for words in (r"ai_edge_litert|tflite_runtime|onnxruntime", r"int8\.\w+")
    )
    engine = {"ai_edge_litert": "litert", "tflite_runtime": "tflite-runtime"}.get(package, package)
    said = np.array(run(sys.executable, "-c", block).strip("[] \n").split(), np.float32)
    options = ("--bundle", "my-bundle", "--engine", engine, "--variant", file, "--json")
    told = json.loads(run("edgedigits", "classify", *options, PICTURE))
    # numpy prints eight digits.
    assert np.allclose(said, told["probabilities"], rtol=1e-6, atol=0)


@pytest.mark.slow
@pytest.mark.skipif(not FASHION.exists(), reason="Debian's dataset-fashion-mnist is not installed")
def test_the_walk_from_a_tutorials_network_to_a_board_works_by_the_lines_of_its_page_alone(
    tmp_path: Path, shell: dict[str, str]
) -> None:
    def run(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=shell, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    (training,) = blocks(WALK, "python")
    run(sys.executable, "-c", training.replace("epochs=5", "epochs=1"))
    lines = [line for line in commands(WALK) if BOARD not in line or can_emulate()]
    told = {line: run("sh", "-ec", quick(line)) for line in lines}
    assert all("boot.png: Ankle boot" in told[line] for line in lines if "classify" in line)
    assert "data:image/svg+xml" in (tmp_path / "clothes.html").read_text()
    if len(lines) < len(commands(WALK)):
        pytest.skip("all ran but the emulated board, which is not in the cache")


@pytest.mark.slow
def test_readme_has_the_figures_of_the_committed_results() -> None:
    command = [sys.executable, "-m", "benchmarks.publish.readme", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text())
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


def test_readme_is_read_in_a_few_minutes_and_names_no_command_that_is_none() -> None:
    text = PAGES["README.md"].read_text()
    assert len(text.splitlines()) <= 120
    assert set(re.findall(r"`(?:\S+ )?edgedigits ([a-z]+)", text)) <= set(COMMANDS)


def test_readme_never_tells_to_install_from_an_index() -> None:
    text = "".join(page.read_text() for page in PAGES.values())
    assert not re.search(r"pip install ['\"]?edgedigits(?![-\w]*\.whl|-\d)", text)
