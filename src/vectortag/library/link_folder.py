"""A folder of symbolic links to found photos, for programs that open folders. Photos are neither moved nor copied."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vectortag.core.errors import OutputError, OverwriteError
from vectortag.core.file_names import escape_path, real_path
from vectortag.core.writing import cannot_write, replace_file

MARK = ".vectortag-links"
"""A file by which a later search knows that it may replace the links of this folder."""
ABOUT = b"VectorTag made the links in this folder, and replaces them at the next search. Your photos are elsewhere.\n"


def check_link_folder(folder: Path, roots: Sequence[Path]) -> None:
    """Refuse a folder that holds anything else than links that VectorTag made.

    Args:
        roots: the folders of the library: a link in one of them would be found as a photo.

    Raises:
        OverwriteError: it holds something else, or is in one of the folders.
        OutputError: it cannot be looked into.
    """
    name = escape_path(folder)
    resolved = real_path(folder)
    if inside := next((root for root in roots if resolved.is_relative_to(real_path(root))), None):
        raise OverwriteError(
            f"{name}: is in {escape_path(inside)}, a folder of the library, where links would be found as photos. "
            "Name a folder elsewhere"
        )
    try:
        entries = list(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(folder, error) from error
    others = sorted(entry.name for entry in entries if not entry.is_symlink() and entry.name != MARK)
    if others or (entries and not (folder / MARK).is_file()):
        held = f'"{escape_path(others[0])}"' if others else "links that VectorTag did not make"
        raise OverwriteError(f"{name}: holds {held}. Name a folder that is new or empty")


def write_links(folder: Path, photos: Sequence[Path]) -> int:
    """Fill a folder with links, numbered so that it is in the order of the search. Returns their number.

    Args:
        folder: as `check_link_folder` allows; the links of an earlier search are removed.

    Raises:
        OutputError: a link cannot be made.
    """
    digits = len(str(len(photos)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / MARK, ABOUT)
        for entry in list(folder.iterdir()):
            if entry.is_symlink():
                entry.unlink()
        for number, photo in enumerate(photos, start=1):
            (folder / _name(f"{number:0{digits}d} ", photo)).symlink_to(photo.absolute())
    except OSError as error:
        raise OutputError(
            f"{escape_path(folder)}: a link cannot be made: {error.strerror or error}. "
            "Name a folder on a drive that has symbolic links"
        ) from error
    return len(photos)


def _name(number: str, photo: Path) -> str:
    """The photo's name with its number in front; a name that gets too long is cut, and keeps its suffix."""
    limit = 255 - len(number)
    encoded = photo.name.encode("utf-8", "surrogateescape")
    if len(encoded) <= limit:
        return number + photo.name
    suffix = photo.suffix.encode("utf-8", "surrogateescape")[:16]
    cut = encoded[: limit - len(suffix)].decode("utf-8", "ignore")
    return number + cut + suffix.decode("utf-8", "surrogateescape")
