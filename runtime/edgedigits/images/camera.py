"""Grey frames of a camera, as long as somebody takes them.

``camera:0`` is a Raspberry Pi's camera: `rpicam-vid` writes YUV 4:2:0 to a pipe, and its first plane is the grey
picture, so that no Python binding is needed. ``camera:/dev/video0`` is a USB camera, read by PyAV.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from collections.abc import Generator
from contextlib import suppress
from io import BufferedReader
from threading import Thread
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ImageError, TargetError, UsageError
from edgedigits.extras import require_extra

Frames = Generator[NDArray[np.uint8], None, None]
PREFIX = "camera:"
SIZE = (640, 480)
_PROGRAMS = ("rpicam-vid", "libcamera-vid")  # on Raspberry Pi OS since bookworm, and before
# Rows arrive padded, and the stream does not tell how: to 64 bytes on a Pi 4 and older (raspberrypi/linux#4419), to
# 128 on a Pi 5 (libpisp, compute_optimal_stride). A width that is a multiple of both is padded on none.
_ALIGNED = 128
_PATIENCE_S = 5


def frames(spec: str, size: tuple[int, int] = SIZE) -> Frames:
    """Frames of a camera, uint8 ``[H, W]``, until the iterator is closed or let go; ``size`` is width and height.

    A UsageError says that there is no such kind of camera or size, a TargetError (for a USB camera an
    ExtraMissingError) what to install, an ImageError that there is no such camera, or it is in use, or stopped.
    """
    place = spec.removeprefix(PREFIX)
    if place.isascii() and place.isdecimal():
        return _raspberry_pi(spec, place, *size)
    if place.startswith("/dev/"):
        require_extra(spec, "camera")
        return usb_frames(spec, place, size)
    raise UsageError(f"{spec}: expected camera:0 (a Raspberry Pi's camera) or camera:/dev/video0 (a USB camera)")


def usb_frames(spec: str, device: str, size: tuple[int, int], kind: str = "v4l2") -> Frames:
    """Frames of the camera ``device``, in the size next to ``size`` that it has; ``kind`` is FFmpeg's for a device."""
    import av

    try:
        with av.open(device, format=kind, options={"video_size": f"{size[0]}x{size[1]}"}) as container:
            for frame in container.decode(video=0):
                yield np.array(frame.to_ndarray(format="gray"))  # not the driver's memory: frames may be kept
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{spec}: the camera gives no picture ({reason}); is it connected, and not in use?") from error
    raise ImageError(f"{spec}: the camera stopped; connect it again")


def _raspberry_pi(spec: str, number: str, width: int, height: int) -> Frames:
    if width <= 0 or height <= 0 or width % _ALIGNED or height % 2:
        expected = f"expected a width that is a multiple of {_ALIGNED} and an even height"
        raise UsageError(f"{spec}: {expected}, found {width} x {height}")
    if not (program := next(filter(None, map(shutil.which, _PROGRAMS)), None)):
        raise TargetError(f"{spec}: {_PROGRAMS[0]} is not installed; sudo apt install rpicam-apps-lite")
    command = [program, "--camera", number, "--width", str(width), "--height", str(height), "--codec", "yuv420"]
    command += ["--timeout", "0", "--nopreview", "--flush", "--verbose", "0", "--output", "-"]
    return _grey_planes(spec, command, width, height)


def _grey_planes(spec: str, command: list[str], width: int, height: int) -> Frames:
    chroma, last_words = np.empty(width * height // 2, np.uint8), deque[bytes](maxlen=1)
    try:
        # A session of its own: Ctrl-C is for us, and it is ended by us.
        process = subprocess.Popen(  # noqa: S603  the system's own tool
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
    except OSError as error:
        raise TargetError(f"{spec}: {command[0]} cannot be started ({error.strerror or error})") from error
    with process:
        pipe, talk = cast(BufferedReader, process.stdout), cast(BufferedReader, process.stderr)
        # Somebody has to listen all the time, or a talkative program stands still once the pipe is full.
        listener = Thread(target=lambda: last_words.extend(filter(bytes.strip, talk)), daemon=True)
        listener.start()
        try:
            while True:
                grey = np.empty((height, width), np.uint8)  # memory of its own: frames may be kept
                if any(pipe.readinto(plane.data) != plane.size for plane in (grey, chroma)):
                    break
                yield grey
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE_S)
            process.kill()  # nothing happens to what has ended
            listener.join(_PATIENCE_S)
    why = " ".join(b"".join(last_words).decode(errors="replace").split()) or f"ended with {process.returncode}"
    told = f"the camera gives no picture ({why}); is it connected, and not in use? rpicam-hello --list-cameras"
    raise ImageError(f"{spec}: {told}")
