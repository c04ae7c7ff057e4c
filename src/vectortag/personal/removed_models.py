"""Removing a model of the user's own, with what was made for it. Shipped models stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from vectortag.core.errors import ModelFolderError, OutputError, OverwriteError, UnknownModelError, did_you_mean
from vectortag.core.file_names import escape_path
from vectortag.core.folders import data_home, report_folder
from vectortag.core.writing import remove_folder
from vectortag.model.folder import FILES, NOT_OURS, ModelFolder, read_model_folder
from vectortag.model.registry import folders_in, model_folders, shipped_models
from vectortag.personal.added_tags import folder_of
from vectortag.personal.corrected_rows import refits_file


@dataclass(frozen=True, slots=True)
class RemovedModel:
    """What was removed with a model.

    Attributes:
        removed: paths of files and folders that are gone.
        kept: the folder of the model's added tags, where it stays; None without any.
    """

    removed: tuple[Path, ...]
    kept: Path | None


def remove_model(name: str, *, added_tags: bool = False) -> RemovedModel:
    """Remove a model of the user's own, its report, and what it learnt from corrections.

    Corrections themselves are of all models, and stay. What another folder of the same model needs stays, too.

    Args:
        name: its folder in the user's data folder.
        added_tags: remove the tags that were added to it, too.

    Raises:
        UnknownModelError: there is no such model, or it comes with VectorTag.
        OverwriteError: its folder holds other things than a model.
        OutputError: it cannot be removed.
    """
    folder = _own_folder(name)
    others = [entry for entry in folder.iterdir() if entry.name not in FILES | NOT_OURS]
    if others and not folder.is_symlink():
        raise OverwriteError(
            f"{escape_path(folder)}: holds {escape_path(others[0].name)}, which is no part of a model. "
            "Move it away, or delete the folder yourself"
        )
    model = _read_or_none(folder)
    shared = model is None or _is_elsewhere(model, folder)
    made: list[Path] = [report_folder(name)]
    if model is not None and not shared:
        made += [refits_file(model), *([folder_of(model)] if added_tags else [])]
    removed = tuple(path for path in (folder, *made) if _remove(path))
    kept = None if model is None else folder_of(model)
    return RemovedModel(removed, kept if kept is not None and kept.is_dir() and any(kept.iterdir()) else None)


def _own_folder(name: str) -> Path:
    own = folders_in(data_home() / "models")
    for folder in own:
        if folder.name == name:
            return folder
    if name in [folder.name for folder in shipped_models()]:
        raise UnknownModelError(f'"{name}" comes with VectorTag and is not removed. Only your own models are')
    names = [folder.name for folder in own]
    raise UnknownModelError(
        f'you have no model "{name}".{did_you_mean(name, names)} Your models: {", ".join(names) or "none"}'
    )


def _read_or_none(folder: Path) -> ModelFolder | None:
    """A model that cannot be read is removed as well; what was made for it cannot be known then."""
    try:
        return read_model_folder(folder)
    except ModelFolderError:
        return None


def _is_elsewhere(model: ModelFolder, folder: Path) -> bool:
    others = (_read_or_none(other) for other in model_folders() if other != folder)
    return any(other is not None and other.digest == model.digest for other in others)


def _remove(path: Path) -> bool:
    """Remove a file or folder; whether it was there."""
    try:
        if path.is_symlink() or path.is_file():
            path.unlink()
            return True
        if not path.is_dir():
            return False
        remove_folder(path)
    except OSError as error:
        raise OutputError(f"{escape_path(path)}: cannot be removed: {error.strerror or error}") from error
    return True
