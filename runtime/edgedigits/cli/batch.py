"""Processing one picture after the other and printing each result at once."""

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

# It takes a picture and its name, and returns the object for --json and the text for people.
ProcessPicture = Callable[[str, "ImageSource"], tuple[dict[str, Any], str]]


def add_images(parser: argparse.ArgumentParser) -> None:
    """Add the pictures, the number of a camera's frames, and the folder for explanations."""
    parser.add_argument("images", nargs="+", metavar="IMAGE", help=HELP)
    parser.add_argument("--max-frames", type=int, metavar="N", help="stop after N frames of a camera")
    parser.add_argument(
        "--explain", type=Path, metavar="DIR", help="write pictures of all processing stages into this folder"
    )


def write_stages(folder: Path, name: str, stages: Iterable[tuple[str, Image.Image]]) -> None:
    """Write the stages of one picture as PNG files whose names begin with the picture's.

    Raises
    ------
    OutputError: the folder cannot be written.

    """
    for stage, picture in stages:
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        write_atomic(folder / f"{file_stem(name)}-{stage}.png", buffer.getvalue())


def file_stem(name: str) -> str:
    """Return the stem of the names of a picture's files, with only harmless characters."""
    return re.sub(r"[^\w.#-]", "_", Path(name).stem) or "image"


def process_batch(args: argparse.Namespace, process: ProcessPicture) -> int:
    """Process each picture and print its result; return the highest exit code.

    An error is printed on standard error and does not stop the batch. With ``-o`` the lines of JSON are also stored.
    """
    lines, code = [], 0
    # It is closed explicitly, since a camera's process must not outlive a Ctrl-C.
    with closing(expand(args.images, args.max_frames)) as pictures:
        for name, picture in pictures:
            try:
                if isinstance(picture, EdgeDigitsError):
                    raise picture
                values, text = process(name, picture)
            except EdgeDigitsError as error:
                print(f"edgedigits: {error}", file=sys.stderr)
                values, text, code = {"error": str(error)}, "", max(code, error.exit_code)
            line = json.dumps(values | {"source": name}, allow_nan=False)
            if args.json or text:
                print(line if args.json else text, flush=True)
            if args.output is not None:  # a camera never ends: keep lines only where they are stored
                lines.append(line + "\n")
    if args.output is not None:
        write_atomic(args.output, "".join(lines).encode())
    return code
