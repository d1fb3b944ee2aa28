"""The pictures of a folder: what they are by their headers, and the one shape that training brings them to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edgedigits.datasets.own import unreadable
from edgedigits.errors import ImageError
from edgedigits.images.decode import read_shape
from edgedigits.manifest import PipelineId

# A photograph's object is plain to see with 64 pixels, and a network for them is still quick on a board. Pictures that
# mostly have fewer get 32; those that all have one small size keep it.
_SIDE, _SMALL, _KEPT = 64, 32, 96


@dataclass(frozen=True, slots=True)
class Pictures:
    """How pictures become a network's input; bundles do the same.

    Attributes
    ----------
    count: how many there are.
    smallest, largest: height and width of those with the fewest and the most pixels.
    shape: height, width and channels of what the network gets; 1 channel if all pictures are grey.
    preprocessing: the device's name for how they are brought to it.

    """

    count: int
    smallest: tuple[int, int]
    largest: tuple[int, int]
    shape: tuple[int, int, int]
    preprocessing: PipelineId = "resize/1"

    def __str__(self) -> str:
        """Return what is done, in one line."""
        height, width, channels = self.shape
        colours = "grey" if channels == 1 else "colour"
        if self.smallest == self.largest == (height, width):
            return f"pictures: {self.count:,} of {height}x{width} pixels, {colours}, taken as they are"
        sizes = dict.fromkeys(f"{height}x{width}" for height, width in (self.smallest, self.largest))
        return f"pictures: {self.count:,} of {' to '.join(sizes)} pixels, resized to {height}x{width}, {colours}"


def look_at(paths: Sequence[Path], size: str | None) -> Pictures:
    """Look at the headers of files and choose the shape, if ``size`` does not say height and width.

    Files that cannot be read do not count here: whoever reads them names all of them, those cut short as well.

    Raises
    ------
    ImageError: no file can be read.

    """
    shapes, failed = list[tuple[int, int, int]](), dict[Path, ImageError]()
    for path in paths:
        try:
            shapes.append(read_shape(path))
        except ImageError as error:
            failed[path] = error
    if not shapes:
        raise unreadable(failed, len(paths))
    sizes = sorted({shape[:2] for shape in shapes}, key=lambda size: size[0] * size[1])
    height, width = map(int, size.split("x")) if size else _choose_size([shape[:2] for shape in shapes])
    return Pictures(len(paths), sizes[0], sizes[-1], (height, width, max(shape[2] for shape in shapes)))


def _choose_size(sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    if len(set(sizes)) == 1 and max(sizes[0]) <= _KEPT:
        return sizes[0]
    side = _SIDE if median(map(min, sizes)) >= _SIDE else _SMALL
    return side, side
