"""What locating and cropping did with a picture, stage by stage, as pictures for a doubtful eye."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgedigits.images.locator import CLASSES, LOGITS, Network, lay_out, page_scales, single_scales, unfold

# So many 28x28 images beside each other, each written this many times as large.
_COLUMNS, _ENLARGED = 20, 4


def explain(
    network: Network, grey: NDArray[np.uint8], fed: Sequence[NDArray[np.uint8]], *, one: bool
) -> Iterator[tuple[str, Image.Image]]:
    """Yield each stage's name and picture: the grey picture, uint8 ``[H, W]``, its contrast, the maps, what was fed.

    ``one`` says that one digit is looked for, not all; ``fed`` are the model inputs, uint8 ``[28, 28]``.
    """
    yield "1-grey", Image.fromarray(grey)
    canvas, _ = lay_out(grey, single_scales(grey) if one else page_scales(grey))
    yield "2-contrast", Image.fromarray(canvas)
    maps = unfold(network(canvas[np.newaxis, ..., np.newaxis])[0])
    probability = 1 / (1 + np.exp(-LOGITS.decode(maps[..., :CLASSES].max(axis=-1))))
    heat = Image.fromarray(np.rint(255 * probability).astype(np.uint8))
    yield "3-maps", heat.resize((canvas.shape[1], canvas.shape[0]), Image.Resampling.NEAREST)
    if fed:
        rows = [np.hstack(fed[start : start + _COLUMNS]) for start in range(0, len(fed), _COLUMNS)]
        widest = rows[0].shape[1]
        strip = np.vstack([np.pad(row, ((0, 0), (0, widest - row.shape[1]))) for row in rows])
        yield "4-fed", Image.fromarray(strip.repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1))
