"""The pictures that the words of a command line name: files, folders, patterns, standard input, cameras."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from glob import glob, has_magic
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from edgedigits.errors import EdgeDigitsError, ImageError, UsageError

if TYPE_CHECKING:
    from edgedigits.images.decode import ImageSource

HELP = (
    "image files, of a TIFF all pages; folders (the images in them, not in their sub-folders); patterns such as "
    "'scans/*.png'; - for one image from standard input; camera:0 for a Raspberry Pi's camera, camera:/dev/video0 for "
    "a USB camera"
)
_CAMERA = "camera:"

Pictures = Generator[tuple[str, "ImageSource | EdgeDigitsError"], None, None]


def expand(names: Sequence[str], max_frames: int | None = None) -> Pictures:
    """Yield the name of each picture, and the picture or the error in its place.

    A camera's frames are called ``camera:0#1`` and so on. They end after ``max_frames``, or when the iterator is
    closed, which also ends the camera's process.

    Raises
    ------
    UsageError: ``max_frames`` is less than 1.

    """
    if max_frames is not None and max_frames < 1:
        raise UsageError(f"a camera: expected at least 1 frame, found {max_frames}")
    for name in names:
        if name.startswith(_CAMERA):
            yield from _frames(name, max_frames)
        elif name == "-":
            yield name, _standard_input()
        else:
            yield from _files(name)


def _frames(name: str, max_frames: int | None) -> Iterator[tuple[str, ImageSource | EdgeDigitsError]]:
    from edgedigits.images.camera import frames

    try:
        with closing(frames(name)) as camera:
            for number, frame in enumerate(islice(camera, max_frames), start=1):
                yield f"{name}#{number}", frame
    except EdgeDigitsError as error:
        yield name, error


def _standard_input() -> BinaryIO | ImageError:
    if sys.stdin is None:  # Python sets it to None where the descriptor is closed
        return ImageError("-: expected an image on standard input, found it closed")
    return sys.stdin.buffer


def _files(name: str) -> Iterator[tuple[str, ImageSource | EdgeDigitsError]]:
    try:
        found = _found(name)
    except OSError as error:
        yield name, ImageError(f"{name}: cannot be read ({error.strerror or error}); expected a folder of images")
        return
    if not found:
        yield name, ImageError(f"{name}: expected image files, found none {_but_what(name)}")
    for file in found:
        yield file, Path(file)
        if file.lower().endswith((".tif", ".tiff")):
            from edgedigits.images.pages import further_pages

            yield from further_pages(Path(file), file)


def _but_what(name: str) -> str:
    if not os.path.isdir(name):
        return "that match this pattern"
    from edgedigits.datasets.own import other_kinds

    return f"in this folder{other_kinds(entry for entry in Path(name).iterdir() if entry.is_file())}"


def _found(name: str) -> list[str]:
    if os.path.isdir(name):
        return [os.path.join(name, entry) for entry in sorted(os.listdir(name)) if _is_image(name, entry)]
    if has_magic(name) and not os.path.lexists(name):
        return sorted(match for match in glob(name, recursive=True) if not os.path.isdir(match))
    return [name]


def _is_image(folder: str, entry: str) -> bool:
    from edgedigits.datasets.own import is_image_name

    file = Path(folder, entry)
    return is_image_name(file) and not entry.startswith(".") and file.is_file()
