"""The pages of a TIFF after its first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from PIL import Image

from edgedigits.errors import EdgeDigitsError
from edgedigits.images.decode import ImageSource, read_pages


def further_pages(source: ImageSource, name: str) -> Iterator[tuple[str, Image.Image | EdgeDigitsError]]:
    """Yield the pages of a TIFF after its first, called ``scan.tif#2`` and so on, or the error in a page's place.

    What is wrong with the first page is left to whoever uses that.
    """
    number = 1
    with closing(read_pages(source)) as pages:
        try:
            next(pages)
        except EdgeDigitsError:
            return
        try:
            for number, page in enumerate(pages, start=2):
                grey = page.pixels.shape[-1] == 1
                yield f"{name}#{number}", Image.fromarray(page.pixels[..., 0] if grey else page.pixels)
        except EdgeDigitsError as error:
            yield f"{name}#{number + 1}", error
