"""Photos that are read only where something more is installed: what it is, and how to get it."""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from vectortag.core.errors import PhotoError


@dataclass(frozen=True, slots=True)
class OptionalKind:
    """A kind of photos with a decoder of its own.

    Attributes:
        one, several: what people call them.
        needs: the package or program that reads them.
        remedy: what to do to have it.
        module: the module of the package; None for a program.
        suffixes: how the names of such files end.
    """

    one: str
    several: str
    needs: str
    remedy: str
    module: str | None
    suffixes: frozenset[str]

    def is_missing(self) -> PhotoError:
        """The error of such a photo where nothing reads it."""
        article = "an" if self.one.startswith("H") else "a"
        how = f"Install it with: {self.remedy}" if self.module else f"To read it, {self.remedy}"
        return PhotoError(f"{article} {self.one} needs {self.needs}. {how}")


def _suffixes(names: str) -> frozenset[str]:
    return frozenset(f".{name}" for name in names.split())


OPTIONAL = {
    "heic": OptionalKind(
        "HEIC photo",
        "HEIC photos",
        "pillow-heif",
        "pip install 'vectortag[heic]'",
        "pillow_heif",
        _suffixes("heic heif hif"),
    ),
    "jxl": OptionalKind(
        "JPEG XL photo",
        "JPEG XL photos",
        "imagecodecs",
        "pip install 'vectortag[jxl]'",
        "imagecodecs",
        _suffixes("jxl"),
    ),
    "raw": OptionalKind(
        "RAW photo",
        "RAW photos",
        "rawpy",
        "pip install 'vectortag[raw]'",
        "rawpy",
        _suffixes(
            "3fr arw cr2 cr3 crw dcr dng erf fff gpr iiq kdc mef mos mrw nef nrw orf ori pef raf raw rw2 rwl sr2 srf "
            "srw x3f"
        ),
    ),
    "video": OptionalKind(
        "video",
        "videos",
        "ffmpeg",
        "install the program ffmpeg (https://ffmpeg.org)",
        None,
        _suffixes("3gp avi m4v mkv mov mp4 webm"),
    ),
}
"""By the name of their extra, or of what they are; in the order in which they are told."""

KIND_OF = {suffix: kind for kind, about in OPTIONAL.items() for suffix in about.suffixes}


@functools.cache
def is_readable(kind: str) -> bool:
    """Whether what a kind of `OPTIONAL` needs is installed."""
    module = OPTIONAL[kind].module
    return ffmpeg() is not None if module is None else importlib.util.find_spec(module) is not None


@functools.cache
def ffmpeg() -> str | None:
    """The path of the program ffmpeg; None where there is none.

    On Windows, a program in the folder where somebody stands is found first. It may have come with the photos, so it
    is not run.
    """
    found = which("ffmpeg")
    return found if found and Path(found).is_absolute() else None
