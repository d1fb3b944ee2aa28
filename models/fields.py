"""Draw the fields that a locator's export is calibrated and compared with: those that its training run leaves.

python -m models.fields FILE
"""

from __future__ import annotations

import argparse
from pathlib import Path

from edgedigits.datasets import load_splits
from edgedigits.files import write_atomic
from edgedigits.images.decode import read_pixels
from edgedigits_train.locator.examples import draw_fields


def main() -> None:
    """Draw them from MNIST's validation digits, with the seed and the processes of `train`'s defaults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    write_atomic(parser.parse_args().file, draw_fields(load_splits("mnist", read_pixels).validation, 0, 2))


if __name__ == "__main__":
    main()
