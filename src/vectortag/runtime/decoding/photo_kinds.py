"""Kinds of files: which are opened as photos, how others beside them begin, and how their names end."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import IO, BinaryIO

from PIL import Image, ImageFile

from vectortag.runtime.decoding import raw
from vectortag.runtime.decoding.jpeg_xl import CODESTREAM, CONTAINER
from vectortag.runtime.decoding.optional_kinds import KIND_OF

FORMATS = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "GIF": "GifImagePlugin",
    "BMP": "BmpImagePlugin",
    "DIB": "BmpImagePlugin",  # a BMP without the file's own header, which begins with "BM"
    "TIFF": "TiffImagePlugin",
    "AVIF": "AvifImagePlugin",
}
"""The only formats that are opened, and Pillow's modules for them, each imported when a file may be of its format;
JPEG's reads MPO, too. Pillow knows about 40 more, most of them unmaintained attack surface."""

UNSIGNED = frozenset({"BMP", "DIB"})
"""The formats that hardly have a signature. They are uncompressed, and read in pieces however large."""

HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""The brands of HEIC files, which telephones write. The decoder is an extra: it brings an encoder under the GPL."""

NOT_READ = (b"8BPS", b"\0\0\0\x0cjP  ")
"""How Photoshop's files and JPEG 2000 begin: they are not read, and never overwritten either."""
VIDEO_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
"""The first box of an MP4 or QuickTime file; HEIC, AVIF and Canon's RAW photos begin so, too."""
MATROSKA = b"\x1aE\xdf\xa3"
"""How Matroska and WebM begin."""
PICTURE_BRANDS = frozenset({*HEIF, b"avif", b"avis", b"crx "})
"""The brands of MP4 files that are photos."""
HOLDS_PICTURES = (b"%PDF", b"ID3", b"RIFF", MATROSKA, b"PK\x03\x04", b"<", b"{")
"""How other files begin that may hold a JPEG, such as the cover of a song: it is not what the file shows."""

SUFFIXES = frozenset(KIND_OF) | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo", ".insp"),
    *(".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif"),
}
"""How the names of photos end, also of those that need something more. `.insp` is a JPEG of a camera that sees all
around."""

_OTHERS = {
    "other video": "3g2 asf braw flv insv lrv m2ts m2v mod mpeg mpg mts mxf ogv vob wmv",
    "other picture": "ai cap cdr cur emf eps exr hdr icns ico j2k jp2 jpf jpx jxr pbm pcx pgm pnm ppm psb psd qoi svg "
    "svgz tga wdp wmf xcf",
}
OTHER_KINDS = {f".{suffix}": kind for kind, suffixes in _OTHERS.items() for suffix in suffixes.split()}
"""What a file beside photos is, by how its name ends."""

LONGEST_LEAD = 512
"""Bytes that may stand before the start mark of a JPEG: a line break or a header that some program left there."""
JPEG_START = b"\xff\xd8\xff"


def plugin_of(name: str) -> tuple[Callable[[IO[bytes], str], ImageFile.ImageFile], Callable[[bytes], bool]]:
    """What opens a format, and what tells by a file's first 16 bytes whether it may be of that format."""
    importlib.import_module(f"PIL.{FORMATS[name]}")
    factory, accepts = Image.OPEN[name]
    return factory, lambda start: len(start) >= 4 and (accepts is None or accepts(start) is True)  # DIB's raises else


def jpeg_lead(start: bytes) -> int:
    """How many bytes stand before a JPEG's start mark; 0 for a file that is none, or that begins as another does."""
    if start.startswith((*raw.STARTS, *NOT_READ, *HOLDS_PICTURES, CODESTREAM, CONTAINER)) or start[4:8] in VIDEO_BOXES:
        return 0
    return max(0, start.find(JPEG_START, 0, LONGEST_LEAD + len(JPEG_START)))


def is_video(start: bytes) -> bool:
    """Whether a file begins as a video does, and not as a photo in the same container."""
    if start[4:8] in VIDEO_BOXES:
        return start[4:8] != b"ftyp" or start[8:12] not in PICTURE_BRANDS
    return start.startswith(MATROSKA) or (start.startswith(b"RIFF") and start[8:12] == b"AVI ")


def may_be_large(file: BinaryIO) -> bool:
    """Whether a file begins as one of those that are read in pieces, however large: BMP, TIFF, RAW photos, videos."""
    start = file.read(16)
    file.seek(0)
    return start.startswith((b"BM", b"II", b"MM", *raw.STARTS)) or start[8:12] == raw.CANON_BRAND or is_video(start)


def looks_like_photo(file: BinaryIO) -> bool:
    """Whether a file begins as a photo, a raw photo or a video does, whatever else is wrong with it.

    What BMP and DIB begin with is too short to tell them from others: such a file must have a whole header, too.
    """
    start = file.read(LONGEST_LEAD + 16)
    if is_video(start) or start[4:8] in VIDEO_BOXES or jpeg_lead(start):
        return True
    if start.startswith((*raw.STARTS, *NOT_READ, CODESTREAM, CONTAINER[:8])):
        return True
    for name in FORMATS:
        factory, accepts = plugin_of(name)
        if accepts(start[:16]) and (name not in UNSIGNED or _has_header(factory, file)):
            return True
    return False


def _has_header(factory: Callable[[IO[bytes], str], ImageFile.ImageFile], file: BinaryIO) -> bool:
    file.seek(0)
    try:
        factory(file, "")
    except Exception:  # a broken file can raise almost anything
        return False
    return True
