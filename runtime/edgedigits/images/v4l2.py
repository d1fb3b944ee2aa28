"""Grey frames of a USB camera through Video4Linux, by PyAV, which comes with the extra ``camera``."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from edgedigits.errors import ImageError
from edgedigits.extras import require_extra


def usb_frames(
    spec: str, device: str, size: tuple[int, int], kind: str = "v4l2"
) -> Generator[NDArray[np.uint8], None, None]:
    """Frames uint8 ``[H, W]`` of the camera ``device``, in the size next to ``size``, width and height, that it has.

    ``kind`` is FFmpeg's name for what the device gives.

    Raises
    ------
    ExtraMissingError: PyAV is not installed.
    ImageError: there is no such camera, it is in use, or it stopped.

    """
    require_extra(spec, "camera")
    return _decoded(spec, device, size, kind)


def _decoded(spec: str, device: str, size: tuple[int, int], kind: str) -> Generator[NDArray[np.uint8], None, None]:
    import av

    try:
        with av.open(device, format=kind, options={"video_size": f"{size[0]}x{size[1]}"}) as container:
            for frame in container.decode(video=0):
                yield np.array(frame.to_ndarray(format="gray"))  # not the driver's memory: frames may be kept
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{spec}: the camera gives no picture ({reason}); is it connected, and not in use?") from error
    raise ImageError(f"{spec}: the camera stopped; connect it again")
