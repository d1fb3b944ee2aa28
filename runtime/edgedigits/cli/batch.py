"""Answer one picture after the other, as they come."""

from __future__ import annotations

import argparse
import io
import json
import re
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.inputs import HELP, expand
from edgedigits.errors import EdgeDigitsError
from edgedigits.files import write_atomic

if TYPE_CHECKING:
    from PIL import Image

    from edgedigits.images.decode import ImageSource

# From a picture's name and the picture to the object for --json and the text for eyes.
Answer = Callable[[str, "ImageSource"], tuple[dict[str, Any], str]]


def add_images(parser: argparse.ArgumentParser) -> None:
    """The pictures, how many of a camera, and where to explain what was done with them."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help=HELP)
    parser.add_argument("--max-frames", type=int, metavar="N", help="stop a camera after N frames")
    parser.add_argument("--explain", type=Path, metavar="DIR", help="write a picture of every stage into this folder")


def write_stages(folder: Path, name: str, stages: Iterable[tuple[str, Image.Image]]) -> None:
    """Write the stages of one picture as PNG files that begin with its name.

    Raises
    ------
    OutputError: the folder cannot be written.

    """
    for stage, picture in stages:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        write_atomic(folder / f"{file_stem(name)}-{stage}.png", buffer.getvalue())


def file_stem(name: str) -> str:
    """What to call files that belong to a picture, whatever the picture is called."""
    return re.sub(r"[^\w.#-]", "_", Path(name).stem) or "image"


def answer_batch(args: argparse.Namespace, answer: Answer) -> int:
    """Print each picture's answer; one that fails is told on stderr and does not stop the others.

    Returns the highest exit code. With ``-o`` the lines of JSON are stored, too.
    """
    lines, code = [], 0
    # Closed by hand: a camera's process must not outlive a Ctrl-C.
    with closing(expand(args.images, args.max_frames)) as pictures:
        for name, picture in pictures:
            try:
                if isinstance(picture, EdgeDigitsError):
                    raise picture
                values, text = answer(name, picture)
            except EdgeDigitsError as error:
                print(f"edgedigits: {error}", file=sys.stderr)
                values, text, code = {"error": str(error)}, "", max(code, error.exit_code)
            line = json.dumps(values | {"source": name}, allow_nan=False)
            if args.json or text:
                print(line if args.json else text, flush=True)
            if args.output is not None:  # a camera's frames have no end
                lines.append(line + "\n")
    if args.output is not None:
        write_atomic(args.output, "".join(lines).encode())
    return code
