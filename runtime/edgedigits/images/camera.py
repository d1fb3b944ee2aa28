"""Grey frames of a camera, as long as somebody takes them.

``camera:0`` is a Raspberry Pi's camera: `rpicam-vid` writes YUV 4:2:0 to a pipe, and its first plane is the grey
picture, so that no Python binding and no environment with the system's packages is needed. ``camera:/dev/video0`` is
a USB camera, see `edgedigits.images.v4l2`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from collections.abc import Generator
from io import BufferedReader
from threading import Thread
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ImageError, TargetError, UsageError

Frames = Generator[NDArray[np.uint8], None, None]

PREFIX = "camera:"
SIZE = (640, 480)
# The name on Raspberry Pi OS since bookworm, and the one before.
_PROGRAMS = ("rpicam-vid", "libcamera-vid")
# Rows arrive padded, and the stream does not tell how: to 64 bytes on a Pi 4 and older (raspberrypi/linux#4419), to
# 128 on a Pi 5, where a chroma row of half the length is aligned to 64 (libpisp, compute_optimal_stride). A width that
# is a multiple of both is padded on none.
_ALIGNED = 128
_PATIENCE_S = 5


def frames(spec: str, size: tuple[int, int] = SIZE) -> Frames:
    """Frames of a camera, uint8 ``[H, W]``; ``spec`` is ``camera:0`` or ``camera:/dev/video0``, size width and height.

    Close the iterator to end the camera's process; it also ends when the iterator is let go.

    Raises
    ------
    UsageError: no such kind of camera, or a size that cannot be read.
    TargetError: what reads this kind of camera is not installed.
    ImageError: there is no such camera, it is in use, or it stopped.

    """
    place = spec.removeprefix(PREFIX)
    if place.isascii() and place.isdecimal():
        return _raspberry_pi(spec, int(place), size)
    if place.startswith("/dev/"):
        from edgedigits.images.v4l2 import usb_frames

        return usb_frames(spec, place, size)
    raise UsageError(f"{spec}: expected camera:0 (a Raspberry Pi's camera) or camera:/dev/video0 (a USB camera)")


def _raspberry_pi(spec: str, number: int, size: tuple[int, int]) -> Frames:
    width, height = size
    if width <= 0 or height <= 0 or width % _ALIGNED or height % 2:
        raise UsageError(
            f"{spec}: expected a width that is a multiple of {_ALIGNED} and an even height, found {width} x {height}"
        )
    program = next((found for name in _PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        raise TargetError(f"{spec}: {_PROGRAMS[0]} is not installed; sudo apt install rpicam-apps-lite")
    command = [program, "--camera", str(number), "--width", str(width), "--height", str(height), "--codec", "yuv420"]
    command += ["--timeout", "0", "--nopreview", "--flush", "--verbose", "0", "--output", "-"]
    return _grey_planes(spec, command, width, height)


def _grey_planes(spec: str, command: list[str], width: int, height: int) -> Frames:
    chroma = np.empty(width * height // 2, np.uint8)
    last_words: deque[bytes] = deque(maxlen=1)
    with _started(spec, command) as process:
        # Somebody has to listen all the time, or a talkative program stands still once the pipe is full.
        listener = Thread(target=_listen, args=(process, last_words), daemon=True)
        listener.start()
        try:
            while True:
                grey = np.empty((height, width), np.uint8)  # memory of its own: frames may be kept
                if not (_fill(process, grey) and _fill(process, chroma)):
                    break
                yield grey
        finally:
            _end(process)
            listener.join(_PATIENCE_S)
    why = " ".join(b"".join(last_words).decode(errors="replace").split()) or f"ended with {process.returncode}"
    raise ImageError(
        f"{spec}: the camera gives no picture ({why}); is it connected, and not in use? rpicam-hello --list-cameras"
    )


def _started(spec: str, command: list[str]) -> subprocess.Popen[bytes]:
    try:
        # A session of its own: Ctrl-C is for us, and it is ended by us.
        return subprocess.Popen(  # noqa: S603  the system's own tool
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise TargetError(f"{spec}: {command[0]} cannot be started ({error.strerror or error})") from error


def _listen(process: subprocess.Popen[bytes], last_words: deque[bytes]) -> None:
    last_words.extend(line for line in process.stderr or () if line.strip())


def _fill(process: subprocess.Popen[bytes], plane: NDArray[np.uint8]) -> bool:
    """Read a whole plane, in as many pieces as the pipe gives; False if the stream ends before."""
    pipe = cast(BufferedReader, process.stdout)
    return pipe.readinto(plane.data) == plane.size


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
