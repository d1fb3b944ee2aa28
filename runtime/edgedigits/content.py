"""What a file's first bytes say that it is, for errors about a file of another kind than was expected."""

from __future__ import annotations

import re
from typing import NamedTuple

HEAD = 1024  # bytes that tell: a web page may begin with a comment


class Content(NamedTuple):
    """A kind of content with its article, and what to do to get what was expected."""

    name: str
    cure: str


_SAVE = "save it as JPEG or PNG first"
_PACKED = Content("a packed archive", "unpack it first")
_RAW = Content("a camera's raw file", _SAVE)
_VIDEO = Content("a video", "save its frames as PNG first")
_HEIC, _AVIF = Content("a HEIC photograph", _SAVE), Content("an AVIF picture", _SAVE)

# Patterns at the start of what came in place of a file, or around it: how it was fetched or sent is at fault.
_WRAPPINGS = {
    rb"version https://git-lfs\.github\.com/spec/": Content(
        "a Git LFS pointer in its place", "fetch the file itself with: git lfs pull"
    ),
    rb"(?:\xef\xbb\xbf)?\s*(?=<)(?i:.*<(?:!doctype html|html|head|body)\b)": Content(
        "a web page", "download the file itself, not the page about it"
    ),
    rb"data:[\w.+/-]+;base64,|iVBORw0KGgo|/9j/[\w+/]{4}|R0lGOD[dl]h|UklGR[\w+/]{4}|SUkqA|TU0AK": Content(
        "text in base64", "give the bytes that it stands for"
    ),
    rb'\s*[{\[]\s*["\d{\[\]}-]': Content("JSON", "give the file's own bytes"),
    rb"PK\x03\x04|PK\x05\x06": Content("a zip archive", "unpack it first"),
    rb"\x1f\x8b|BZh[1-9]|\xfd7zXZ\0|7z\xbc\xaf\x27\x1c|Rar!\x1a\x07|\x28\xb5\x2f\xfd|.{257}ustar": _PACKED,
}
# ISO base media files have `ftyp` and a brand at their start, and after it a list of all brands that they conform to.
_MEDIA = {
    rb".{4}ftyp(?:avi[fs]|(?:mif1|msf1).{4,48}?avi[fs])": _AVIF,
    rb".{4}ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1)": _HEIC,
    rb".{4}ftypcrx |II\*\0.{4}CR|II[RU]\0|IIR[OS]|MMOR|FUJIFILMCCD-RAW|FOVb|II.{4}HEAPCCDR": _RAW,
    rb".{4}(?:ftyp|moov|mdat|wide|free)|RIFF.{4}AVI |\x1a\x45\xdf\xa3|\0\0\x01\xba": _VIDEO,
    rb"%PDF-": Content("a PDF document", "save its pages as PNG first, as pdftoppm -png does"),
    rb"(?:\xef\xbb\xbf)?\s*(?=<)(?i:.*<svg\b)": Content("an SVG drawing", "save it as PNG first"),
    rb"\0\0\0\x0cJXL |\xff\x0a": Content("a JPEG XL picture", _SAVE),
    rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51": Content("a JPEG 2000 picture", _SAVE),
    rb"8BPS": Content("a Photoshop file", _SAVE),
    rb"(?:II|MM)[\0*+]{2}": Content("a TIFF of an unusual kind, such as a camera's raw file", _SAVE),
}


def wrapping(head: bytes) -> Content | None:
    """Return what came in place of a file or around it, such as a web page; None where its start tells of none."""
    return _first(_WRAPPINGS, head)


def medium(head: bytes) -> Content | None:
    """Return which picture, document or video a file is that this package does not read; None where none is known."""
    return _first(_MEDIA, head)


def _first(kinds: dict[bytes, Content], head: bytes) -> Content | None:
    return next((content for pattern, content in kinds.items() if re.match(pattern, head, re.DOTALL)), None)
