"""The example photos that come with VectorTag."""

from __future__ import annotations

from pathlib import Path

import vectortag


def example_photos() -> dict[str, Path]:
    """The example photos by name: inside an installed package, or in `examples/photos` of a checkout."""
    package = Path(vectortag.__file__).parent
    for folder in (package / "examples", package.parents[1] / "examples" / "photos"):
        if folder.is_dir():
            return {file.stem: file for file in sorted(folder.glob("*.jpg"))}
    return {}
