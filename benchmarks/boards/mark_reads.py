"""Read a page and classify a picture on an emulated board, between system calls that insncount.c sees.

`python mark_reads.py ENGINE COUNT BUNDLE PAGE PICTURE` runs in the board's Python with the package under test on its
path, and prints the page's text.
"""

from __future__ import annotations

import gc
import os
import sys

from edgedigits import DigitClassifier
from edgedigits.engines import EngineName


def main(engine: EngineName, count: str, bundle: str, page: str, picture: str) -> None:
    """Do both once to warm up, mark, read ``count`` times, mark, classify ``count`` times, mark."""
    gc.disable()
    with DigitClassifier(bundle, variant="int8", engine=engine) as classifier:
        print(classifier.read(page).text)
        classifier.classify(picture)
        os.sched_get_priority_max(0)
        for _ in range(int(count)):
            classifier.read(page)
        os.sched_get_priority_max(1)
        for _ in range(int(count)):
            classifier.classify(picture)
        os.sched_get_priority_max(2)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]  # an unknown engine is told
