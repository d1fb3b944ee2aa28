"""The memory that decoding takes is known from the header, for every mode of every format."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from edgedigits.errors import ImageError
from edgedigits.images.decode import PictureLimits, read_picture
from edgedigits.images.decoded_bytes import peak_bytes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory that was used at most")

SIZE = (1600, 1280)
ORIENTATION = 274
PLAIN = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I", "F", "CMYK", "YCbCr"),
    "GIF": ("L", "P"),
    "BMP": ("1", "L", "RGB"),
    "PPM": ("1", "L", "RGB", "I;16"),
}
SPECIAL = {
    "PNG, transparent palette": ("P", "PNG", {"transparency": bytes([0, 128] + [255] * 254)}),
    "PNG, transparent colour": ("RGB", "PNG", {"transparency": (0, 0, 0)}),
    "JPEG, progressive": ("RGB", "JPEG", {"progressive": True}),
    "JPEG, progressive, of whole colours": ("RGB", "JPEG", {"progressive": True, "subsampling": 0}),
    "JPEG, progressive, CMYK": ("CMYK", "JPEG", {"progressive": True}),
    "WEBP, lossless": ("RGBA", "WEBP", {"lossless": True}),
    "TIFF, LZW": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "TIFF, LZW, RGBA": ("RGBA", "TIFF", {"compression": "tiff_lzw"}),
    "TIFF, JPEG": ("RGB", "TIFF", {"compression": "jpeg"}),
    "TIFF, in one strip": ("RGB", "TIFF", {"compression": "tiff_lzw", "tiffinfo": {278: SIZE[1]}}),
    "TIFF, turned": ("RGB", "TIFF", {"compression": "tiff_lzw", "tiffinfo": {ORIENTATION: 6}}),
    "TIFF, float, turned": ("F", "TIFF", {"tiffinfo": {ORIENTATION: 6}}),
}
# What a band takes, Python's own needs and the file: the megabytes that are not of the picture.
BESIDE_MB = 8
MEASURE = r"""
import ctypes, io, json, sys
import edgedigits.images.decode as decode
from PIL import Image
from edgedigits.images.decoded_bytes import peak_bytes
from edgedigits.images.pixels import is_grey

def status(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1000

def measured(data, channels):
    ctypes.CDLL(None).malloc_trim(0)
    open("/proc/self/clear_refs", "w").write("5")
    before = status("VmRSS")
    decode.read_pixels(data, channels)
    return status("VmHWM") - before

def told(data, channels):
    image = Image.open(io.BytesIO(data))
    size = image.size
    if channels == 1:
        image.draft("L", (512, 512))
    return peak_bytes(image, size, channels or (1 if is_grey(image) else 3), io.BytesIO(data)) / 1e6

for path in sys.argv[1:]:
    data = open(path, "rb").read()
    decode.read_pixels(data, 1)  # what there is to import, is
    print(json.dumps({str(channels): [measured(data, channels), told(data, channels)] for channels in (1, 3)}))
"""


def picture(mode: str) -> Image.Image:
    """A large picture with something in it, in colours of little contrast."""
    grey = np.tile(np.arange(256, dtype=np.uint8), (SIZE[1], SIZE[0] // 256 + 1))[:, : SIZE[0]]
    image = Image.fromarray(np.dstack([grey // 8 + 100, grey // 2, grey // 8 + 60, grey | 1]))
    if mode in {"I;16", "I", "F"}:
        return Image.fromarray(grey.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]))
    return (
        image
        if mode == "RGBA"
        else image.convert("RGB").convert(mode)
        if mode in {"YCbCr", "CMYK"}
        else image.convert(mode)
    )


def cases() -> dict[str, tuple[str, str, dict]]:
    plain = {f"{kind}, {mode}": (mode, kind, {}) for kind, modes in PLAIN.items() for mode in modes}
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    turned = {f"{kind}, turned": ("RGB", kind, {"exif": exif}) for kind in ("PNG", "JPEG", "WEBP")}
    return plain | SPECIAL | turned


@pytest.mark.slow
def test_decoding_takes_no_more_memory_than_its_header_tells(tmp_path):
    names = list(cases())
    for number, (mode, kind, options) in enumerate(cases().values()):
        picture(mode).save(tmp_path / str(number), kind, **options)
    paths = [str(tmp_path / str(number)) for number in range(len(names))]
    done = subprocess.run([sys.executable, "-c", MEASURE, *paths], capture_output=True, text=True, check=True)
    measured = dict(zip(names, map(json.loads, done.stdout.splitlines()), strict=True))
    wrong = {
        (name, channels): pair
        for name, found in measured.items()
        for channels, pair in found.items()
        if not pair[0] <= pair[1] + BESIDE_MB
    }
    assert not wrong


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def test_what_takes_more_than_is_allowed_is_told_with_its_kind():
    data = encoded(Image.new("RGBA", (100, 60)), "PNG")
    need = 4 * 6000 + 6000
    assert read_picture(data, 1, limits=PictureLimits(decoded_bytes=need)).pixels.shape == (60, 100, 1)
    with pytest.raises(ImageError) as caught:
        read_picture(data, 1, limits=PictureLimits(decoded_bytes=need - 1))
    assert str(caught.value) == (
        "image bytes: expected an image that takes at most 0 MB to decode, found 100 x 60 PNG RGBA, which takes "
        "0 MB; make it smaller first"
    )


def scans_apart(data: bytes) -> bytes:
    """A JPEG whose first scan says that it has one of three layers."""
    at = data.index(b"\xff\xda")
    return data[:at] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + data[at + 14 :]


def test_a_jpeg_of_several_scans_is_known_by_its_first():
    data = encoded(Image.new("RGB", (640, 480)), "JPEG", subsampling=0)

    def told(data: bytes) -> int:
        file = io.BytesIO(data)
        return peak_bytes(Image.open(file), (640, 480), 3, file)

    assert told(scans_apart(data)) - told(data) == 2 * 3 * (640 + 8) * (480 + 8)
    assert told(encoded(Image.new("RGB", (640, 480)), "JPEG", subsampling=0, progressive=True)) == told(
        scans_apart(data)
    )
