"""The process that decodes pictures for the service: it has little to lose, and is killed when it takes too long.

It reads a line of JSON and a picture's bytes from standard input, says so if decoding takes much memory and waits for a
line, and writes the pixels, or why there are none, to standard output. It ends with its input, or with the service.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
from PIL import ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from edgedigits.errors import ImageError
from edgedigits.images.decode import Picture, PictureLimits, read_picture, told_bytes
from edgedigits.rlimits import limit_resources
from edgedigits.serve.memory_tuning import return_freed_memory

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

READERS = (ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)  # imported now
# Beyond what the pictures' limit says: the file itself, bands that are converted, and what malloc keeps.
_MARGIN, _FILES = 64 << 20, 32
GO = b"go\n"  # what the service says when there is room for a picture
_NICE = 5  # on a single processor the service goes first
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Decode pictures until standard input ends; the argument is JSON: limits of pictures, and what each may take."""
    pixels, decoded_bytes, ordinary, formats, seconds = json.loads(sys.argv[1])
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    _end_with_parent()
    return_freed_memory()
    limit_resources(decoded_bytes + _MARGIN, NOFILE=_FILES, FSIZE=0)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(_NICE)
    _tell(sink, {"ready": True})
    limits = PictureLimits(pixels, decoded_bytes, tuple(formats))
    while line := source.readline():
        _limit_time(seconds)
        if _answer(source, sink, json.loads(line), limits, ordinary):
            gc.collect()  # large images hold each other
    return 0


def _answer(source: BinaryIO, sink: BinaryIO, wanted: dict[str, Any], limits: PictureLimits, ordinary: int) -> bool:
    """Decode a picture and write the result; return whether that took much memory, or may have."""
    data = source.read(wanted["size"])
    started = time.perf_counter_ns()
    try:
        needed = told_bytes(data, wanted["channels"], wanted["detail"], limits)
        if needed > ordinary:
            _tell(sink, {"needs": needed})
            if source.readline() != GO:
                return True
        picture = read_picture(data, wanted["channels"], detail=wanted["detail"], limits=limits)
        _send(sink, picture, time.perf_counter_ns() - started)
    except ImageError as error:
        told = str(error)
    except MemoryError:
        told = "image bytes: takes more memory than there is; save it anew as JPEG or PNG"
    else:
        return needed > ordinary
    _tell(sink, {"error": told})  # here, where the memory of what failed is free again
    return True


def _send(sink: BinaryIO, picture: Picture, taken: int) -> None:
    pixels = np.ascontiguousarray(picture.pixels)
    _tell(sink, {"shape": pixels.shape, "scale": picture.scale, "ns": taken})
    sink.write(pixels.data.cast("B"))
    sink.flush()


def _tell(sink: BinaryIO, values: dict[str, Any]) -> None:
    sink.write(json.dumps(values).encode() + b"\n")
    sink.flush()


def _end_with_parent() -> None:
    """Let signals pass that terminals and systemd send to the service's processes, and end when it is killed."""
    for name in ("SIGINT", "SIGHUP", "SIGTERM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))


def _limit_time(seconds: float) -> None:
    """Let the system end this process should the service not do it in time; the seconds are of the processor."""
    if resource is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds) + 2, hard))


if __name__ == "__main__":
    raise SystemExit(main())
