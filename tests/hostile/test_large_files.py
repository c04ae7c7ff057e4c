"""Files that are called larger than the memory, mostly of holes, and texts that make an editor of XML work too much."""

from __future__ import annotations

import io
import resource
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest
from pictures import encode, smooth_picture, tiff

from vectortag.core.errors import ConfigError, PhotoError
from vectortag.core.files import MOST_BYTES, read_file, read_text
from vectortag.data.find import find_images
from vectortag.data.keywords import read_keywords
from vectortag.data.xmp import XmpError, keyword_paths
from vectortag.library.keyword_fields import WantedTag
from vectortag.library.sidecars import ModelRun, merge
from vectortag.library.write_xmp import SidecarWriter
from vectortag.runtime.pixels import PixelRecipe, load_pixels, open_photo

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files with holes, and memory as Linux counts it")

PICTURE = smooth_picture(64, 48)
JPEG, PNG = encode(PICTURE, "JPEG"), encode(PICTURE, "PNG")
DEEP = np.asarray(PICTURE.convert("L")).astype(np.uint64)[:, :, None] * 257
GIGABYTES = 3 * 10**9
RUN = ModelRun("tiny@1", "2026-01-01T00:00:00+00:00")


def with_holes(file: Path, start: bytes, end: bytes = b"", *, size: int = GIGABYTES) -> Path:
    """A file of `size` bytes that takes hardly any room."""
    with file.open("wb") as stream:
        stream.write(start)
        stream.truncate(size)
        stream.seek(size - len(end))
        stream.write(end)
    return file


def heic() -> bytes:
    pillow_heif = pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    pillow_heif.from_pillow(PICTURE).save(stream)
    return stream.getvalue()


def jpeg_xl() -> bytes:
    return bytes(pytest.importorskip("imagecodecs").jpegxl_encode(np.asarray(PICTURE)))


@pytest.fixture
def little_memory() -> Any:
    """Two gigabytes more than now: a file that is read whole does not fit."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2 * 10**9, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


PHOTOS: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "zeros where its end should be.jpg": lambda: (JPEG[:-20], b""),
    "no end.jpg": lambda: (JPEG[:-2], b"a" * 20),
    "bytes before its start.jpg": lambda: (b"\n" + JPEG, b""),
    "a long chunk.png": lambda: (PNG[:33] + struct.pack(">I", 2_000_000_000) + b"abCd", b""),
    "a long last chunk.png": lambda: (PNG[:-12] + struct.pack(">I", 2_000_000_000) + b"abCd", b""),
    "long.webp": lambda: (encode(PICTURE, "WEBP"), b""),
    "long.avif": lambda: (encode(PICTURE, "AVIF"), b""),
    "long.gif": lambda: (encode(PICTURE, "GIF")[:-1], b""),
    "long.heic": lambda: (heic(), b""),
    "long.jxl": lambda: (jpeg_xl(), b""),
    "deep.tif": lambda: (tiff(DEEP, 16), b""),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_photo_that_would_fill_the_memory_is_refused_by_its_size(tmp_path: Path, little_memory: Any, name: str):
    photo = with_holes(tmp_path / name, *PHOTOS[name]())

    with pytest.raises(PhotoError, match=r"file of more than 400 MB is not read"):
        load_pixels(photo, 32, PixelRecipe())


@pytest.mark.parametrize("form", ["TIFF", "BMP"])
def test_what_is_read_in_pieces_may_be_as_large_as_it_likes(tmp_path: Path, little_memory: Any, form: str):
    photo = with_holes(tmp_path / "photo", encode(PICTURE, form))

    assert load_pixels(photo, 32, PixelRecipe()).shape == (32, 32, 3)


def test_a_sidecar_of_gigabytes_is_named_and_left_alone(tmp_path: Path, little_memory: Any):
    photo = tmp_path / "a.jpg"
    photo.write_bytes(JPEG)
    sidecar = with_holes(tmp_path / "a.jpg.xmp", b"<x/>")

    (outcome,) = SidecarWriter().write(photo, [WantedTag("dog", ("dog",), 0.9, "model")], RUN)

    assert "cannot be read: it has more than 33,554,432 bytes" in read_keywords(photo).problem
    assert (outcome.what, outcome.sidecar) == ("refused", sidecar)
    assert "it has 2,861 MiB; the limit is 32" in outcome.problem
    assert sidecar.stat().st_size == GIGABYTES


def test_so_are_rules_of_gigabytes(tmp_path: Path, little_memory: Any):
    with_holes(tmp_path / ".vectortagignore", b"*.png\n")

    with pytest.raises(ConfigError, match=r"cannot be read: it has more than 1,048,576 bytes"):
        list(find_images(tmp_path))


def test_and_any_other_file_that_is_read_whole(tmp_path: Path, little_memory: Any):
    with pytest.raises(OSError, match=f"it has more than {MOST_BYTES:,} bytes"):
        read_file(with_holes(tmp_path / "large", b""))


@pytest.mark.parametrize("start", [b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n"])
def test_a_photo_is_not_hashed_if_it_is_too_large_to_be_read(tmp_path: Path, start: bytes):
    with (
        pytest.raises(PhotoError, match="file of more than 400 MB is not read, except BMP, TIFF, RAW and video"),
        open_photo(with_holes(tmp_path / "x.jpg", start, size=30 * GIGABYTES)),
    ):
        pass


def test_a_text_has_a_limit_of_its_own(tmp_path: Path):
    with pytest.raises(OSError, match="it has more than 67,108,864 bytes"):
        read_text(with_holes(tmp_path / "keys", b"a", size=70_000_000))


def packet(properties: str, namespaces: str = "") -> bytes:
    """A sidecar with these properties."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        f'{namespaces}><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" '
        f'xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/" xmlns:vectortag="urn:vectortag:xmp/1.0/">{properties}'
        "</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def subject(items: str, name: str = "dc:subject") -> str:
    return f"<{name}><rdf:Bag>{items}</rdf:Bag></{name}>"


def words(count: int) -> str:
    return "".join(f"<rdf:li>w{number}</rdf:li>" for number in range(count))


LINES, REFERENCES = "a\n" * 1_000_000, "&#65;" * 1_000_000
RENAMED = "".join(f'<rdf:li xmlns:z="v{number}">a</rdf:li>' for number in range(20_000))
DECLARED = "".join(f' xmlns:a{number}="u"' for number in range(20_000))
CATEGORIES = "<Categories>" + '<Category Assigned="1">a' * 10_000 + "</Category>" * 10_000 + "</Categories>"
PACKETS: dict[str, tuple[str, str, str]] = {
    "a text of many lines": (subject(f"<rdf:li>{LINES}</rdf:li>"), "", "has a control character"),
    "a text of many references": (subject(f"<rdf:li>{REFERENCES}</rdf:li>"), "", ""),
    "many namespaces in each of many elements": (subject(RENAMED), DECLARED, "more than 1,000 namespaces"),
    "many keywords": (subject(words(100_000)), "", "more than 2,000 keywords"),
    "many keywords of our own": (
        "<vectortag:TaggingModel>m</vectortag:TaggingModel>" + subject(words(20_000), "vectortag:TaggingWroteSubject"),
        "",
        "more than 2,000 entries",
    ),
}
"""Properties, namespaces, and why such a sidecar is left alone; without a limit, work grows with their square."""


@pytest.mark.parametrize("name", PACKETS)
def test_a_sidecar_is_read_or_left_alone_for_a_reason(name: str):
    properties, namespaces, reason = PACKETS[name]

    def write() -> None:
        merge(packet(properties, namespaces), [WantedTag("dog", ("dog",), 0.9, "model")], run=RUN)

    if reason:
        with pytest.raises(XmpError, match=reason):
            write()
    else:
        write()


def test_categories_within_categories_have_an_end():
    with pytest.raises(XmpError, match="its categories are more than 100 levels deep"):
        keyword_paths(packet(f"<acdsee:categories>{escape(CATEGORIES)}</acdsee:categories>"))
