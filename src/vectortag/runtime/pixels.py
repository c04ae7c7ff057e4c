"""From a photo to the network's input: the one place where pixels are made.

Training's validation, evaluation, the command line, the page and the service all call `load_pixels`. What it does is
fixed by a `PixelRecipe`, which stands in the model's manifest. Normalisation (mean, standard deviation) is not here:
it is part of the network's graph, so that pixels stay uint8 until they are inside.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Literal

import numpy as np
from PIL import Image, ImageFile, ImageOps

from vectortag.core.errors import MissingExtraError, PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import open_regular
from vectortag.core.schema import Positive, Schema
from vectortag.core.types import ByteArray

Photo = str | Path | bytes | Image.Image | ByteArray
"""What can be tagged: a path, the bytes of a file, a Pillow image, or an (H, W, 3) uint8 array in RGB."""

FORMATS = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "GIF": "GifImagePlugin",
    "BMP": "BmpImagePlugin",
    "TIFF": "TiffImagePlugin",
    "AVIF": "AvifImagePlugin",
}
"""The only formats that are opened, and Pillow's modules for them, each imported when a file may be of its format;
JPEG's reads MPO, too. Pillow knows about 40 more, most of them unmaintained attack surface."""

HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
"""The brands of HEIC files, which telephones write. The decoder is an extra: it brings an encoder under the GPL."""

RAW = (b"FUJIFILM", b"IIRO", b"IIU\0", b"MMOR", b"8BPS", b"\xff\n", b"\0\0\0\x0cJXL ", b"\0\0\0\x0cjP  ")
"""How raw photos that are no TIFF begin, and Photoshop's, JPEG XL's and JPEG 2000's files: they are not read, and never
overwritten either."""
VIDEO = frozenset({b"ftyp", b"moov", b"mdat", b"wide"})
"""The first box of an MP4 or QuickTime file; HEIC, AVIF and Canon's raw photos begin so, too."""

SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".mpo",
        ".png",
        ".webp",
        ".gif",
        ".bmp",
        ".tif",
        ".tiff",
        ".avif",
        ".heic",
        ".heif",
        ".hif",
    }
)

DRAFT_FACTOR = 1.5
"""JPEGs are decoded at the smallest scale that is still 1.5 times the target, then resized with antialiasing: four
times as fast as a full decode at 12 MP, and 0.2 to 0.4 of 255 apart from it on average."""


FilterName = Literal["bilinear", "bicubic"]


class PixelRecipe(Schema, frozen=True, kw_only=True):
    """How a photo becomes pixels. Part of a model's manifest.

    Attributes:
        resize: "squash" stretches the photo to size x size, whatever its shape, so that nothing is cut off.
        filter: the resampling filter, always antialiased.
        max_pixels: a photo that declares more pixels than this is refused before it is decoded.
    """

    resize: Literal["squash"] = "squash"
    filter: FilterName = "bilinear"
    max_pixels: Positive = 200_000_000


def load_pixels(photo: Photo, size: int, recipe: PixelRecipe, *, exact: bool = True) -> ByteArray:
    """Return (size, size, 3) uint8, RGB, upright.

    Args:
        photo: what to read.
        size: pixels a side.
        recipe: how it becomes pixels.
        exact: resample with Pillow, the same to the last bit on every machine. Otherwise with cykooz-resizer, if it
            is installed: the same filters in a quarter of the time, and no value more than 2 of 255 apart.

    Raises:
        PhotoError: the photo cannot be read, is of a format that is not opened, or has too many pixels.
    """
    smallest = round(size * DRAFT_FACTOR)
    image = open_image(photo, max_pixels=recipe.max_pixels, draft=(smallest, smallest))
    if not exact:
        with contextlib.suppress(ImportError):
            return _resize_fast(image, size, recipe.filter)
    return np.asarray(image.resize((size, size), Image.Resampling[recipe.filter.upper()]))


def _resize_fast(image: Image.Image, size: int, name: FilterName) -> ByteArray:
    from cykooz_resizer import FilterType, ImageData, PixelType, ResizeAlg, ResizeOptions, Resizer

    same = {"bilinear": FilterType.bilinear, "bicubic": FilterType.catmull_rom}[name]
    options = ResizeOptions(resize_alg=ResizeAlg.convolution(same), use_alpha=False)
    whole, resized = ImageData(*image.size, PixelType.U8x3, image.tobytes()), ImageData(size, size, PixelType.U8x3)
    Resizer().resize(whole, resized, options)
    return np.frombuffer(resized.get_buffer(), np.uint8).reshape(size, size, 3)


def open_image(photo: Photo, *, max_pixels: int, draft: tuple[int, int] | None = None) -> Image.Image:
    """Return the photo as an upright RGB image; of several frames the one that its file opens with, mostly the first.

    Args:
        photo: a path, bytes, a Pillow image or an (H, W, 3) uint8 array.
        max_pixels: refuse a photo that declares more pixels than this.
        draft: let the JPEG decoder scale down, but not below this (width, height).

    Raises:
        PhotoError: as `load_pixels`.
    """
    if isinstance(photo, np.ndarray):
        photo = _from_array(photo)
    if isinstance(photo, Image.Image):
        with _explained("photo"):
            return _to_rgb(ImageOps.exif_transpose(photo))
    if isinstance(photo, bytes):
        with _explained("photo"):
            return _decode(io.BytesIO(photo), max_pixels, draft)
    with open_photo(photo) as file:
        return _decode(file, max_pixels, draft)


@contextlib.contextmanager
def open_photo(path: str | Path) -> Iterator[io.BufferedReader]:
    """Yield a photo's file.

    Raises:
        PhotoError: it cannot be opened, is no ordinary file, or something goes wrong with it meanwhile.
    """
    with _explained(escape_path(path)), _opened(Path(path)) as file:
        yield file


def _opened(path: Path) -> io.BufferedReader:
    try:
        return open_regular(path)
    except IsADirectoryError as error:
        next(path.iterdir(), None)  # a folder that cannot be looked into says so
        raise PhotoError("is a directory, not a photo") from error


def name_of(photo: Photo | None) -> str | None:
    """The path of a photo that has one."""
    return str(photo) if isinstance(photo, str | Path) else None


def looks_like_photo(file: BinaryIO) -> bool:
    """Whether a file begins as a photo, a raw photo or a video does, whatever else is wrong with it.

    The two letters that BMP begins with are too few: such a file must have a whole header, too.
    """
    start = file.read(16)
    if start[4:8] in VIDEO or start.startswith(RAW):
        return True
    for name, plugin in FORMATS.items():
        importlib.import_module(f"PIL.{plugin}")
        factory, accepts = Image.OPEN[name]
        if accepts is not None and accepts(start) is True and (name != "BMP" or _has_header(factory, file)):
            return True
    return False


def _has_header(factory: Callable[[IO[bytes], str], ImageFile.ImageFile], file: BinaryIO) -> bool:
    file.seek(0)
    try:
        factory(file, "")
    except Exception:  # a broken file can raise almost anything
        return False
    return True


@contextlib.contextmanager
def _explained(name: str) -> Iterator[None]:
    """Turn whatever goes wrong with a photo into a PhotoError that names it."""
    try:
        yield
    except PhotoError as error:
        raise PhotoError(f"{name}: {error}") from error
    except Exception as error:  # a broken file can raise almost anything from inside a decoder
        if isinstance(error, OSError) and error.errno is not None:
            raise PhotoError(f"{name}: cannot be read: {error.strerror}") from error
        raise PhotoError(f"{name}: broken photo: {error or type(error).__name__}") from error


def _from_array(array: ByteArray) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise PhotoError(f"expected an (H, W, 3) uint8 array in RGB, got {array.shape} {array.dtype}")
    return Image.fromarray(array)


def _decode(file: IO[bytes], max_pixels: int, draft: tuple[int, int] | None) -> Image.Image:
    with identify(file) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise PhotoError(f"{width} x {height} pixels are more than the limit of {max_pixels:,}")
        if draft is not None:
            image.draft("RGB", draft)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)  # the other way copies a picture that is upright already, too
        return _to_rgb(image)


def identify(file: IO[bytes]) -> ImageFile.ImageFile:
    """Read a photo's header: `Image.open`, without Pillow's own limit on pixels.

    That limit warns above 89 megapixels and refuses above 179, whatever `max_pixels` says (there are telephones that
    take 200), and can be moved only for the whole process. TIFF and WebP still ask for it inside their plugins.

    Raises:
        PhotoError: the file is of none of the formats, or of one whose decoder is not installed.
        SyntaxError: it is broken.
    """
    start = file.read(16)
    for name, plugin in FORMATS.items():
        importlib.import_module(f"PIL.{plugin}")
        factory, accepts = Image.OPEN[name]
        if accepts is None or accepts(start) is True:
            file.seek(0)
            with contextlib.suppress(SyntaxError, IndexError, TypeError, struct.error):  # as in `Image.open`
                return factory(file, "")
    if start[4:8] == b"ftyp" and start[8:12] in HEIF:
        file.seek(0)
        return _heif(file)
    raise PhotoError(f"not a photo in a known format ({', '.join(FORMATS)}, HEIC)")


def _heif(file: IO[bytes]) -> ImageFile.ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PhotoError(str(MissingExtraError("an HEIC photo", "pillow-heif", "heic"))) from error
    return HeifImageFile(file, "")


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: transparency over white, 16 bits scaled to 8, CMYK and palettes converted."""
    if 0 in image.size:
        raise PhotoError(f"{image.width} x {image.height} pixels are no picture")
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith("I;16") or image.mode == "I":
        # Pillow's own conversion clips at 255; a 16-bit scan would come out white.
        return Image.fromarray((np.asarray(image).clip(0, 65535) // 256).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise PhotoError("floating-point pixels have no known range; save the picture with 8 or 16 bits")
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image.convert("RGB")
