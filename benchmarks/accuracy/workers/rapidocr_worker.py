"""Read photographs with RapidOCR, whose paths come on standard input, one a line, and print the words of each as JSON.

The first line of output says that it has started. Each further one is a list of words, each its corners (from top left,
clockwise, as x and y) and its text.
"""

from __future__ import annotations

import json
import sys

from rapidocr_onnxruntime import RapidOCR


def main() -> None:
    """Answer until standard input ends."""
    # What it prints itself must not come between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    engine = RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)
    print("started", file=answers, flush=True)
    for line in sys.stdin:
        words, _ = engine(line.rstrip("\n"))
        told = [([[float(side) for side in corner] for corner in corners], text) for corners, text, *_ in words or []]
        print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
