"""Read a page on an emulated board, between two system calls that insncount.c sees, and print its text.

`python mark_reads.py ENGINE COUNT BUNDLE PAGE` runs in the board's Python with the package under test on its path.
"""

from __future__ import annotations

import gc
import os
import sys

from edgedigits import DigitClassifier
from edgedigits.engines import EngineName


def main(engine: EngineName, count: str, bundle: str, page: str) -> None:
    """Read once to warm up, mark, read ``count`` times, mark."""
    gc.disable()
    with DigitClassifier(bundle, variant="int8", engine=engine) as classifier:
        print(classifier.read(page).text)
        os.sched_get_priority_max(0)
        for _ in range(int(count)):
            classifier.read(page)
        os.sched_get_priority_max(1)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # an unknown engine is told
