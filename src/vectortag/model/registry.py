"""Models by name: the user's own, then those that come with VectorTag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vectortag.core.errors import UnknownModelError, did_you_mean
from vectortag.core.folders import PACKAGE, data_home
from vectortag.model.folder import MANIFEST, ModelFolder, read_model_folder

DEFAULT_MODEL = "lite2"
"""The shipped model used where none is named, which has the best tags; `lite0` costs 40 % of it in float32."""


def model_folders() -> Iterator[Path]:
    """The folders that can be named: the user's own first, then the shipped ones; by name within each."""
    yield from folders_in(data_home() / "models")
    yield from shipped_models()


def shipped_models() -> Iterator[Path]:
    """The model folders that come with VectorTag, by name."""
    yield from folders_in(PACKAGE / "models")


def folders_in(parent: Path) -> list[Path]:
    """The model folders in a folder, by name; none if there is no such folder."""
    if not parent.is_dir():
        return []
    return sorted(folder for folder in parent.iterdir() if (folder / MANIFEST).is_file())


def find_model_folder(model: str | Path | ModelFolder | None = None) -> ModelFolder:
    """Read a model folder by its name or path; None is the default model, and one that was read is taken as it is.

    Raises:
        UnknownModelError: there is neither a folder nor a model of that name.
        ModelFolderError: as `read_model_folder`.
    """
    if isinstance(model, ModelFolder):
        return model
    wanted = DEFAULT_MODEL if model is None else model
    if (Path(wanted) / MANIFEST).is_file():
        return read_model_folder(wanted)
    folders = list(model_folders())
    for folder in folders:
        if folder.name == str(wanted):
            return read_model_folder(folder)
    names = [folder.name for folder in folders]
    raise UnknownModelError(
        f'no model "{wanted}", neither by name nor as a folder.{did_you_mean(str(wanted), names)} '
        f"Known models: {', '.join(names) or 'none'}. See: vectortag models"
    )
