"""The command `edgedigits read`."""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgedigits.cli.batch import add_images, file_stem, process_batch, write_stages
from edgedigits.console.options import add_model, add_output, output_of
from edgedigits.console.signed import model_options
from edgedigits.errors import UsageError
from edgedigits.files import refuse_existing, write_atomic
from edgedigits.printable import printable
from edgedigits.quiet import quiet_descriptor

if TYPE_CHECKING:
    from edgedigits.images.decode import ImageSource
    from edgedigits.reading import Reading

NO_DIGITS = "no digits found"
PICTURES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_images(parser)
    add_model(parser)
    parser.add_argument(
        "--annotate", type=Path, metavar="PATH",
        help="draw boxes and labels on the images: a .png or .jpg file for one image, a folder for several",
    )  # fmt: skip
    add_output(parser)


def run(args: argparse.Namespace) -> int:
    """Read every image."""
    output = output_of(args)
    output.refuse_existing()
    annotated = _AnnotatedFiles(args.annotate, overwrite=args.overwrite)
    if args.explain is not None:
        refuse_existing(args.explain, overwrite=args.overwrite)
    from edgedigits.classifier import DigitClassifier

    with quiet_descriptor(2):
        loaded = DigitClassifier(**model_options(args))
    with loaded as classifier:

        def process(name: str, picture: ImageSource) -> tuple[dict[str, Any], str]:
            annotated.check(name)
            reading = classifier.read(picture)
            annotated.draw(name, picture, reading)
            if args.explain is not None:
                from edgedigits.images.explain import explain

                fed = [digit.model_input for digit in reading.digits]
                stages = explain(classifier.locator, reading.pixels, fed, one=False)
                write_stages(args.explain, name, [*stages, ("5-answer", reading.annotate())])
            return reading.to_dict(), _text(name, reading, alone=args.images == [name])

        return process_batch(args, process)


def _text(name: str, reading: Reading, *, alone: bool) -> str:
    """Return the text of a page, under its name if there are several."""
    text = printable(reading.text, lines=True) or NO_DIGITS
    return text if alone else f"{printable(name)}:\n" + "\n".join(f"  {line}" for line in text.splitlines())


class _AnnotatedFiles:
    """The files of annotated pictures: none, one file, or files in a folder."""

    def __init__(self, path: Path | None, *, overwrite: bool) -> None:
        self._path = path
        self._overwrite = overwrite
        self._is_file = path is not None and path.suffix.lower() in PICTURES and not path.is_dir()
        self._seen = 0
        self._written: set[Path] = set()
        if path is None:
            return
        if self._is_file:
            refuse_existing(path, overwrite=overwrite)
        elif path.suffix and not path.is_dir():
            raise UsageError(f"--annotate {path}: expected a .png or .jpg file, or a folder that exists")

    def check(self, name: str) -> None:
        """Refuse a second picture for one file, and a file that exists."""
        self._seen += 1
        if self._seen > 1:
            self.expect_several()
        if self._path is not None and not self._is_file:
            refuse_existing(self._target(name), overwrite=self._overwrite)

    def expect_several(self) -> None:
        """Refuse one file for several pictures."""
        if self._is_file:
            raise UsageError(f"--annotate {self._path}: expected one image for one file, found more; name a folder")

    def draw(self, name: str, picture: ImageSource, reading: Reading) -> None:
        """Write the annotated picture, in the source's colours if it is a file."""
        if self._path is None:
            return
        target = self._path if self._is_file else self._target(name)
        self._written.add(target)
        write_atomic(target, _annotated(picture, reading, PICTURES.get(target.suffix.lower(), "PNG")))

    def _target(self, name: str) -> Path:
        """Return the file in the folder for a picture; pictures of the same name get numbers."""
        assert self._path is not None  # noqa: S101  it is called only where there is a folder
        stem = file_stem(name)
        target, number = self._path / f"{stem}.png", 1
        while target in self._written:
            number += 1
            target = self._path / f"{stem}-{number}.png"
        return target


def _annotated(picture: ImageSource, reading: Reading, form: str) -> bytes:
    from PIL import Image

    from edgedigits.images.decode import read_pixels

    in_colours = isinstance(picture, Path | Image.Image)
    source = Image.fromarray(read_pixels(picture, 3)) if in_colours else None
    buffer = io.BytesIO()
    reading.annotate(source).save(buffer, form)
    return buffer.getvalue()
