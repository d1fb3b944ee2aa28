"""A stand-in for Raspberry Pi's `rpicam-vid`, since the hardware cannot be here: plays recorded frames.

It takes the options that the real one has, and no other. What it plays and how it fails comes from the environment:
RPICAM_FRAMES, an .npy of uint8 ``[N, H, W]``; RPICAM_ALIGN, to how many bytes rows are padded (64 on a Pi 4, 128 on a
Pi 5); RPICAM_PIECE, bytes a write; RPICAM_END, what happens when all are played; RPICAM_PID, where to leave its own id.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

import numpy as np


def fail(text):
    print(f"ERROR: *** {text} ***", file=sys.stderr)
    sys.exit(255)


def play(planes, piece):
    for start in range(0, len(planes), piece):
        os.write(1, planes[start : start + piece])


def yuv420(grey, align):
    """The three planes of a grey picture, with rows padded by what happens to lie in memory."""
    height, width = grey.shape
    stride = -(-width // align) * align
    rows = np.pad(grey, ((0, 0), (0, stride - width)), constant_values=99)
    return rows.tobytes() + bytes([128]) * (stride * height // 2)


def options():
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for option in ("camera", "width", "height", "timeout", "verbose"):
        parser.add_argument(f"--{option}", type=int, required=True)
    for option in ("codec", "output"):
        parser.add_argument(f"--{option}", required=True)
    for option in ("nopreview", "flush"):
        parser.add_argument(f"--{option}", action="store_true", required=True)
    args = parser.parse_args()
    if (args.codec, args.output, args.timeout, args.verbose) != ("yuv420", "-", 0, 0):
        fail(f"not what this stand-in plays: {sys.argv}")
    if args.camera > 0:
        fail("no cameras available")
    return args


def begin(end):
    if pid := os.environ.get("RPICAM_PID"):
        with open(pid, "w") as file:
            file.write(str(os.getpid()))
    print("[0:13:57] [810]  INFO Camera camera_manager.cpp:326 libcamera v0.5.0", file=sys.stderr)
    if end == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if end == "chatter":
        print("WARN a line that nobody asked for\n" * 20_000, file=sys.stderr)


def main():
    end = os.environ.get("RPICAM_END", "again")
    begin(end)
    args = options()
    align, piece = int(os.environ.get("RPICAM_ALIGN", "64")), int(os.environ.get("RPICAM_PIECE", "65536"))
    recorded = np.load(os.environ["RPICAM_FRAMES"])[:, : args.height, : args.width]
    planes = [yuv420(frame, align) for frame in recorded]
    while True:
        for frame in planes:
            play(frame, piece)
        if end == "cut":
            play(planes[0][: len(planes[0]) // 3], piece)
            fail("failed to queue request")
        if end == "mute":
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        sys.exit(255)
