"""The tutorial's pages as a notebook, and what its cells print and draw put back into the pages: ``make tutorial``.

The pages in ``docs/tutorial`` are the only source. Their Python and their commands become cells; what stands below, a
block of text and a picture, is what the cells said. The notebook in the repository has no outputs: the pages show them.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "tutorial"
NOTEBOOK = FOLDER / "tutorial.ipynb"
# Of one cell, on a machine that has much else to do.
PATIENCE_S = 600
# Commands (`$ ...`) and Python, then what they print and the picture that they draw.
_CODE = re.compile(
    r"^```python\n(?P<python>.*?)^```\n(?:\n```text\n(?P<said>.*?)^```\n)?(?:\n!\[(?P<title>[^]\n]*)\]\((?P<picture>[^)\n]*)\)\n)?"
    r"|^```console\n(?P<commands>(?:\$ [^\n]*\n)+)(?P<told>.*?)^```\n",
    re.MULTILINE | re.DOTALL,
)
_PAGE_LINK = re.compile(r"\[([^]]*)\]\([^):]*\.md(?:#[^)]*)?\)")
# The same digits from wherever edgedigits gets them, so that nothing here waits for Keras' server. Then the cache is
# empty, as a student's is.
_PRELUDE = """\
import os
import tensorflow as tf
from edgedigits.datasets import load_mnist
_parts = load_mnist(keras_loader=tf.keras.datasets.mnist.load_data)
tf.keras.datasets.mnist.load_data = lambda: tuple((part.images[..., 0], part.labels) for part in _parts)
os.environ["EDGEDIGITS_CACHE"] = os.path.abspath("cache")
"""


@dataclass(frozen=True, slots=True)
class Prose:
    """Text between cells."""

    text: str

    def page(self) -> str:
        """As it stands on a page."""
        return self.text

    def cell(self) -> tuple[str, str]:
        """The kind of its cell and what is in it: links to pages lead nowhere from where a student opens it."""
        return "markdown", _PAGE_LINK.sub(r"\1", self.text.strip())


@dataclass(frozen=True, slots=True)
class Code:
    """Python or commands, what they print, and the picture that they draw: its title and its file."""

    source: str
    is_python: bool
    said: str = ""
    title: str = ""
    picture: str = ""

    def page(self) -> str:
        """As it stands on a page."""
        if not self.is_python:
            commands = "".join(f"$ {line}\n" for line in self.source.splitlines())
            return f"```console\n{commands}{self.said}```\n"
        said = f"\n```text\n{self.said}```\n" if self.said else ""
        return f"```python\n{self.source}```\n{said}" + (f"\n![{self.title}]({self.picture})\n" if self.picture else "")

    def cell(self) -> tuple[str, str]:
        """The kind of its cell and what is in it; a command that fails ends the notebook."""
        source = self.source if self.is_python else f"%%bash -e\n{self.source}"
        return "code", source.strip()


Part = Prose | Code


def pages() -> dict[Path, list[Part]]:
    """The parts of every page, in the order of reading."""
    return {path: list(split(path.read_text())) for path in sorted(FOLDER.glob("[1-9]-*.md"))}


def split(page: str) -> Iterator[Part]:
    """Cut a page into prose and code; joined again by `Part.page` it is the same."""
    end = 0
    for found in _CODE.finditer(page):
        if prose := page[end : found.start()]:
            yield Prose(prose)
        end = found.end()
        if found["python"] is None:
            commands = "".join(line.removeprefix("$ ") for line in found["commands"].splitlines(keepends=True))
            yield Code(commands, is_python=False, said=found["told"])
        else:
            said, title, picture = (found[name] or "" for name in ("said", "title", "picture"))
            yield Code(found["python"], is_python=True, said=said, title=title, picture=picture)
    if prose := page[end:]:
        yield Prose(prose)


def notebook(parts: list[Part]) -> Any:
    """The notebook of these parts, without outputs."""
    from nbformat import v4

    kinds = {"markdown": v4.new_markdown_cell, "code": v4.new_code_cell}
    cells = [kinds[kind](source) for kind, source in (part.cell() for part in parts) if source]
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def written(parts: list[Part]) -> str:
    """The text of the notebook's file."""
    import nbformat

    return f"{nbformat.writes(notebook(parts))}\n"


def execute(parts: list[Part], folder: Path) -> tuple[list[Part], dict[str, bytes]]:
    """Execute them in ``folder``; returns the parts with what was said in place of what they had, and their pictures.

    Raises what nbclient raises where a cell fails.
    """
    from nbclient import NotebookClient
    from nbformat import v4

    whole = notebook(parts)
    whole.cells.insert(0, v4.new_code_cell(_PRELUDE))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(whole, timeout=PATIENCE_S, kernel_name="python3", resources=resources).execute()
    cells = iter([cell for cell in whole.cells[1:] if cell.cell_type == "code"])
    told: list[Part] = []
    pictures: dict[str, bytes] = {}
    for part in parts:
        if not isinstance(part, Code):
            told.append(part)
            continue
        outputs = next(cells).outputs
        told.append(replace(part, said=_printed(outputs)))
        drawn = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
        if len(drawn) != bool(part.picture):
            raise ValueError(f"expected one picture where the page has one, found {len(drawn)} of:\n{part.source}")
        if drawn:
            pictures[part.picture] = base64.b64decode(drawn[0])
    return told, pictures


def _printed(outputs: list[Any]) -> str:
    text = "".join(output.text for output in outputs if output.get("name") == "stdout")
    return "".join(f"{line.rstrip()}\n" for line in text.rstrip().splitlines())


def main() -> None:
    """Write the notebook; execute it, and write what it says and draws into the pages, unless told not to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish.tutorial", description=main.__doc__)
    parser.add_argument("--notebook-only", action="store_true", help="write the notebook, execute nothing")
    only = parser.parse_args().notebook_only
    read = pages()
    parts = list(itertools.chain.from_iterable(read.values()))
    NOTEBOOK.write_text(written(parts))
    if only:
        return
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told, pictures = execute(parts, Path(folder))
    print(f"executed in {time.monotonic() - begun:.0f} s")
    rest = iter(told)
    for path, own in read.items():
        path.write_text("".join(part.page() for part in itertools.islice(rest, len(own))))
    for name, picture in pictures.items():
        (FOLDER / name).write_bytes(picture)


if __name__ == "__main__":
    main()
