"""What a photo's EXIF data says of the camera and the exposure, in words; for people to read, so none of it is kept."""

from __future__ import annotations

import contextlib
import io
from typing import Any

from PIL import ExifTags

from vectortag.core.errors import PhotoError
from vectortag.core.plain_text import printable
from vectortag.library.photo_facts import exif_of, inner_of
from vectortag.runtime.decoding.headers import identify

LONGEST = 120
"""Characters of a name; a camera's has 40."""


def camera_facts(content: bytes) -> dict[str, str]:
    """Camera, lens and exposure of a photo: those of the three that it has.

    Args:
        content: of the file.
    """
    try:
        with identify(io.BytesIO(content)) as image:
            exif = exif_of(image)
            inner = inner_of(exif, ExifTags.IFD.Exif)
            facts = {
                "Camera": _camera(exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)),
                "Lens": _text(inner.get(ExifTags.Base.LensModel)),
                "Exposure": _exposure(inner),
            }
    except (PhotoError, OSError, SyntaxError, ValueError):
        return {}
    return {name: fact for name, fact in facts.items() if fact}


def _camera(make: Any, model: Any) -> str:
    """Maker and model; many models begin with the maker's name already."""
    maker, name = _text(make), _text(model)
    return name if maker and name.casefold().startswith(maker.split()[0].casefold()) else f"{maker} {name}".strip()


def _exposure(inner: dict[int, Any]) -> str:
    """Such as "1/250 s, f/2.8, ISO 100, 35 mm"."""
    seconds, aperture = _number(inner.get(ExifTags.Base.ExposureTime)), _number(inner.get(ExifTags.Base.FNumber))
    iso, length = _number(inner.get(ExifTags.Base.ISOSpeedRatings)), _number(inner.get(ExifTags.Base.FocalLength))
    parts = [
        "" if seconds is None else f"1/{1 / seconds:.0f} s" if seconds < 0.4 else f"{seconds:g} s",
        "" if aperture is None else f"f/{aperture:.3g}",
        "" if iso is None else f"ISO {iso:.0f}",
        "" if length is None else f"{length:.3g} mm",
    ]
    return ", ".join(filter(None, parts))


def _number(value: Any) -> float | None:
    """A positive number of usual size; None for everything else that a file may hold."""
    with contextlib.suppress(TypeError, ValueError, ZeroDivisionError, OverflowError):
        number = float(value[0] if isinstance(value, tuple) else value)
        return number if 1e-6 < number < 1e7 else None
    return None


def _text(value: Any) -> str:
    return printable(value.strip("\0 "))[:LONGEST] if isinstance(value, str) else ""
