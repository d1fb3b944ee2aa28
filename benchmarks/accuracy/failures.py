"""A sheet of the worst failures: the picture, what the model was fed, and the words."""

from __future__ import annotations

from pathlib import Path

from outcomes import Failure
from PIL import Image, ImageDraw
from transcripts import Transcript

CELL, WORDS, GAP = 140, 250, 6
PAGE = 420


def draw_failures(failures: list[Failure], path: Path) -> None:
    """Two columns of failures, worst first."""
    rows = -(-len(failures) // 2)
    sheet = Image.new("L", (2 * (2 * CELL + WORDS), max(rows, 1) * (CELL + GAP)), 200)
    for number, failure in enumerate(failures):
        left, top = number % 2 * (2 * CELL + WORDS), number // 2 * (CELL + GAP)
        sheet.paste(_fitted(Image.fromarray(failure.image), CELL), (left, top))
        sheet.paste(Image.fromarray(failure.fed).resize((CELL - GAP, CELL - GAP), 0), (left + CELL, top))
        said = failure.outcome
        words = [
            f"is {said.truth or 'none'}, said {said.answer or '-'} {said.confidence:.3f}",
            f"rejected: {said.rejected}",
            f"{said.kind} {said.name}"[:40],
            f"{failure.image.shape[1]}x{failure.image.shape[0]}",
        ]
        ImageDraw.Draw(sheet).multiline_text((left + 2 * CELL, top + 20), "\n".join(words), fill=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def draw_pages(done: list[Transcript], path: Path, count: int = 10) -> None:
    """The pages with the most errors: the picture, what is written there, what was read."""
    worst = sorted((one for one in done if one.edits), key=lambda one: -one.edits)[:count]
    sheet = Image.new("L", (2 * PAGE, max(len(worst), 1) * (PAGE * 3 // 4 + GAP)), 200)
    for number, one in enumerate(worst):
        top = number * (PAGE * 3 // 4 + GAP)
        sheet.paste(_fitted(Image.fromarray(one.page.image), PAGE), (0, top))
        words = f"{one.edits} edits, {one.page.made}\n\n{one.page.text}\n\nread:\n{one.read}"
        ImageDraw.Draw(sheet).multiline_text((PAGE + GAP, top), words, fill=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    scale = (side - GAP) / max(picture.size)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    return picture.resize(size, Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX)
