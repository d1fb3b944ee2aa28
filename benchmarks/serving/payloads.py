"""Make the requests that are sent: real training digits of MNIST as PNG, and a drawing as the page makes one."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.harness.child import ROOT
from edgedigits.datasets.own import read_npz

DIGITS = ROOT / "tests" / "data" / "digits.npz"
# As runtime/edgedigits/serve/page/draw.js has them: a square, white around it, a pen of a twentieth.
SIDE, MARGIN, PEN = 320, 32, 16
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]


def digit(label: int) -> NDArray[np.uint8]:
    """Return the first digit of that label, uint8 ``[28, 28]`` light on dark, as MNIST has it."""
    data = read_npz(DIGITS)
    found: NDArray[np.uint8] = data.images[int(np.flatnonzero(data.labels == label)[0]), ..., 0]
    return found


def on_paper(label: int, side: int) -> Image.Image:
    """Return a digit, dark on white, ``side`` pixels wide."""
    return Image.fromarray(255 - digit(label)).resize((side, side))


def drawing() -> Image.Image:
    """Return a seven as somebody draws it on the page, RGBA as a browser's canvas gives it."""
    image = Image.new("RGBA", (SIDE + 2 * MARGIN,) * 2, "white")
    points = [(MARGIN + SIDE * x, MARGIN + SIDE * y) for x, y in SEVEN]
    ImageDraw.Draw(image).line(points, "black", PEN, "curve")
    return image


def page() -> Image.Image:
    """Return three digits in a row."""
    image = Image.new("L", (280, 110), 255)
    for column, label in enumerate((3, 1, 7)):
        image.paste(on_paper(label, 70), (20 + 85 * column, 20))
    return image


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    """Return an image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def post(path: str, body: bytes) -> bytes:
    """Return a whole request."""
    kind, length = "Content-Type: image/png", f"Content-Length: {len(body)}"
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}\r\n{length}\r\n\r\n"
    return head.encode() + body
