from __future__ import annotations

import numpy as np
import pytest

from edgedigits.images.tiles import in_tiles


@pytest.mark.parametrize("shape", [(96, 640), (640, 96), (408, 424), (264, 264), (256, 256)])
def test_a_field_in_tiles_gives_the_outputs_of_the_whole(classifier, shape):
    field = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    asked = []

    def network(tile):
        asked.append(tile.shape)
        return classifier.locator(tile)

    found = in_tiles(network, field, 256)
    assert np.array_equal(found, classifier.locator(field[np.newaxis, ..., np.newaxis])[0])
    assert len(set(asked)) == 1
    assert max(asked[0]) <= 256
    assert (len(asked) > 1) == (max(shape) > 256)
