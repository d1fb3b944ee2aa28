"""Print the number that a Raspberry Pi's camera sees, whenever it has changed.

The camera's binding comes with the system:

    sudo apt install python3-picamera2
"""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from picamera2 import Picamera2

from edgedigits import DigitClassifier

WIDTH, HEIGHT = 640, 480
# So many pictures in a row have to agree: a hand in front of the camera, or a wheel half turned, is not a number.
AGREE = 3


def pictures(camera: Picamera2) -> Iterator[np.ndarray]:
    """Grey pictures, uint8 ``[480, 640]``, for ever."""
    while True:
        # The first rows of YUV420 are the grey picture; they may be longer than it is wide.
        yield camera.capture_array("lores")[:HEIGHT, :WIDTH]


def steady(texts: Iterator[str]) -> Iterator[str]:
    """Yield each text that came `AGREE` times in a row and is not what was yielded last."""
    told, last, count = "", "", 0
    for text in texts:
        count = count + 1 if text == last else 1
        last = text
        if text and text != told and count == AGREE:
            told = text
            yield text


def main() -> None:
    """Print numbers until Ctrl-C."""
    camera = Picamera2()
    camera.configure(camera.create_video_configuration(lores={"size": (WIDTH, HEIGHT), "format": "YUV420"}))
    camera.start()
    with suppress(KeyboardInterrupt), DigitClassifier() as classifier:
        for number in steady(classifier.read(picture).text for picture in pictures(camera)):
            print(number, flush=True)
    camera.stop()


if __name__ == "__main__":
    main()
