"""What the examples use of picamera2; frames as its `Helpers.make_array` shapes them."""

from __future__ import annotations

import numpy as np
from recorded_frame import SIZE, rgb, yuv420

BGR_IN_MEMORY = {"RGB888"}


class Picamera2:
    def __init__(self):
        self.streams, self.runs = None, False

    def create_video_configuration(self, **streams):
        return streams

    def configure(self, streams):
        self.streams = streams

    def start(self):
        assert self.streams is not None
        self.runs = True

    def stop(self):
        self.runs = False

    def capture_array(self, name="main"):
        assert self.runs
        stream = self.streams[name]
        assert stream["size"] == SIZE
        if stream["format"] == "YUV420":
            return yuv420(stride=768)  # longer than 640, as on another board
        assert stream["format"] in BGR_IN_MEMORY
        return np.ascontiguousarray(rgb()[..., ::-1])
