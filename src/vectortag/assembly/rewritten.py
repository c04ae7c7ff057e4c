"""Where a model may be written again with a part of it anew: never over another model."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from pathlib import Path

from vectortag.core.errors import OverwriteError
from vectortag.core.file_names import escape_path
from vectortag.model.folder import CARD, MANIFEST, ModelFolder, check_destination, read_model_folder


def check_rewritten(folder: ModelFolder, output: Path, *, anew: AbstractSet[str]) -> None:
    """Refuse to replace a model that differs in more than what is written anew: an older output differs in that alone.

    Args:
        folder: the model that is written again.
        output: where; its own path is allowed.
        anew: the files that will be others, beside the card.

    Raises:
        OverwriteError: another model lies there, or something else than a model folder.
        ModelFolderError: what lies there cannot be read.
    """
    check_destination(output)
    if not (output / MANIFEST).is_file() or output.samefile(folder.path):
        return
    old, new = read_model_folder(output).manifest.files, folder.manifest.files
    differing = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)} - anew - {CARD}
    if differing:
        raise OverwriteError(
            f"{escape_path(output)}: is another model, with another {min(differing)}, and would be lost. "
            "Name another folder for the model"
        )
