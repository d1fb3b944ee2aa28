"""The tutorial is true: its notebook is its pages', runs as a whole, and prints and draws what the pages show."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from sharing import MadeOnce
from test_pages import BOARD, ELSEWHERE, can_emulate, quick

from benchmarks.publish.tutorial import FOLDER, NOTEBOOK, Code, execute, pages, split, written

pytest.importorskip("nbclient", reason="nbclient is not installed")

PAGES = pages()
PARTS = list(itertools.chain.from_iterable(PAGES.values()))
CODES = [part for part in PARTS if isinstance(part, Code)]
BOARD_PAGE = "6-raspberry-pi.md"


@dataclass(frozen=True)
class Followed:
    """What a student has who executed every cell: a folder, and what each said."""

    folder: Path

    @property
    def said(self) -> list[str]:
        return json.loads((self.folder / "said.json").read_text())

    def about(self, words: str) -> str:
        """What the one cell said in whose source these words are."""
        (said,) = [said for code, said in zip(CODES, self.said, strict=True) if words in code.source]
        return said


# Trains three networks and exports one: two to four minutes.
@pytest.fixture(scope="session")
def followed(made_once: MadeOnce, shell: dict[str, str]) -> Followed:
    def follow(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", shell["PATH"])
            told, pictures = execute(PARTS, folder)
        said = [part.said for part in told if isinstance(part, Code)]
        (folder / "said.json").write_text(json.dumps(said))
        for name, picture in pictures.items():
            (folder / f"drawn-{name}").write_bytes(picture)

    return Followed(made_once("tutorial", follow))


def words(code: Code, said: str) -> list[str]:
    """What was said without its figures, which differ from machine to machine; of tables, what their rows are of."""
    if code.is_python:
        return re.sub(r"[-+]?\d[\d.,]*(e[-+]\d+)?", "0", said.replace("[ ", "[")).split()
    return sorted({line.split()[0] for line in said.splitlines() if line.strip("- ")})


def test_the_notebook_is_made_of_the_pages() -> None:
    assert NOTEBOOK.read_text() == written(PARTS), "make tutorial writes it anew"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_the_sum_of_its_parts(page: Path) -> None:
    text = page.read_text()
    assert "".join(part.page() for part in split(text)) == text
    # No block of another language, which would be in no cell: the board's commands are tested below.
    kinds = set(re.findall(r"^```(\w+)$", text, re.MULTILINE))
    assert kinds <= {"python", "text", "console", *(["sh"] if page.name == BOARD_PAGE else [])}


def test_pages_show_what_their_code_draws() -> None:
    text = "".join(page.read_text() for page in PAGES)
    shown = set(re.findall(r"^!\[.*\]\((.*)\)$", text, re.MULTILINE))
    assert shown == {code.picture for code in CODES if code.picture} == {file.name for file in FOLDER.glob("*.png")}
    assert sum(file.stat().st_size for file in FOLDER.glob("*.png")) < 400_000


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_notebook_says_what_the_pages_show(followed: Followed) -> None:
    for code, said in zip(CODES, followed.said, strict=True):
        assert words(code, said) == words(code, code.said), code.source


@pytest.mark.slow
@pytest.mark.tensorflow
def test_what_it_teaches_is_so(followed: Followed) -> None:
    def share(cell: str) -> float:
        return float(re.findall(r"([\d.]+)% of", followed.about(cell))[-1])

    assert share("answers = sigmoid(") > 99  # one neuron tells 0 from 1
    assert "all slopes agree: True" in followed.about("tf.GradientTape()")
    by_hand, by_rule = re.findall(r"-?\d\.\d+", followed.about("hair = "))
    assert by_hand == by_rule
    before, after = map(float, re.findall(r"\d\.\d+", followed.about("stepped = ")))
    assert after < before
    same, one, other, both = map(float, re.findall(r"\d\.\d+", followed.about("losses = []")))
    assert max(same, both) < 0.1
    assert min(one, other) > 0.9
    assert share("def epoch(") > 94
    assert share("model.compile(") > 97.5
    answers = re.findall(r"\d(?= with)", followed.about("InferenceSession"))
    assert answers == ["7"] * 3
    assert "failed" not in followed.about("edgedigits export") + followed.about("edgedigits parity")
    assert followed.about("edgedigits classify").startswith("photo.png: 7")


@pytest.mark.slow
@pytest.mark.tensorflow
def test_the_boards_commands_work_with_what_the_notebook_left(
    followed: Followed, shell: dict[str, str], tmp_path: Path
) -> None:
    for entry in ("digits-bundle", "photo.png"):
        (tmp_path / entry).symlink_to(followed.folder / entry)
    blocks = re.findall(r"^```sh\n(.*?)^```", (FOLDER / BOARD_PAGE).read_text(), re.MULTILINE | re.DOTALL)
    commands = [line for block in blocks for line in block.splitlines() if not line.startswith(ELSEWHERE)]
    assert len(commands) == 4
    for command in commands:
        if BOARD not in command or can_emulate():
            done = subprocess.run(
                ["sh", "-ec", quick(command)], cwd=tmp_path, env=shell, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
            assert done.stdout.strip()
    if not can_emulate():
        pytest.skip("all ran but the emulated board, which is not in the cache")
