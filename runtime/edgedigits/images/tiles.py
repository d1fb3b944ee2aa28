"""Running a network of convolutions over a large field tile by tile, with the outputs that the whole field has.

Its inner layers take fifty bytes a pixel, which a large page multiplies to more than a board has.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Network = Callable[[NDArray[np.uint8]], Floats]

# The network's outputs depend on pixels less than this far away, and each stands for this many pixels a side.
REACH, STRIDE = 64, 8
_SIDE = 1152  # of a tile


def in_tiles(network: Network, field: NDArray[np.uint8], side: int = _SIDE) -> Floats:
    """Return a network's outputs, float32 ``[H / 8, W / 8, channels]``, for a field, uint8 ``[H, W]``.

    Both its sides are multiples of 8. All tiles have one size, at most ``side`` along each side: engines plan their
    memory anew for another.
    """
    if max(field.shape) <= side:
        whole: Floats = network(field[np.newaxis, ..., np.newaxis])[0]
        return whole
    outputs: Floats | None = None
    for rows, inner_rows in _spans(field.shape[0], side):
        for columns, inner_columns in _spans(field.shape[1], side):
            tile = network(np.ascontiguousarray(field[rows, columns])[np.newaxis, ..., np.newaxis])[0]
            if outputs is None:
                outputs = np.empty((field.shape[0] // STRIDE, field.shape[1] // STRIDE, tile.shape[-1]), np.float32)
            to = _outputs(inner_rows, 0), _outputs(inner_columns, 0)
            outputs[to] = tile[_outputs(inner_rows, rows.start), _outputs(inner_columns, columns.start)]
    assert outputs is not None  # noqa: S101  a field has a tile
    return outputs


def _spans(length: int, side: int) -> Iterator[tuple[slice, slice]]:
    """Yield along one side what each tile covers, and the part of it whose outputs are those of the whole field."""
    count = max(1, math.ceil((length - 2 * REACH) / (side - 2 * REACH)))
    covered = min(length, STRIDE * math.ceil((length + 2 * REACH * (count - 1)) / count / STRIDE))
    done = 0
    while done < length:
        start = max(0, min(done - REACH, length - covered))
        stop = start + covered
        inner = length if stop == length else stop - REACH
        yield slice(start, stop), slice(done, inner)
        done = inner


def _outputs(pixels: slice, start: int) -> slice:
    return slice((pixels.start - start) // STRIDE, (pixels.stop - start) // STRIDE)
