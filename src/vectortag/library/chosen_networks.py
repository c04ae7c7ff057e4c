"""The model and the encoder that a library is updated with: those that are named now, or else those of the last time.

What is named is kept in the library's settings `model`, `profile` and `encoder`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from vectortag.core.errors import LibraryError, ModelFolderError, UnknownModelError
from vectortag.library.library_model import LibraryModel
from vectortag.library.lists import Settings
from vectortag.model.calibration import Profile
from vectortag.model.encoder import Encoder
from vectortag.model.folder import ModelFolder


def choose_model(library: Settings, model: str | Path | ModelFolder | None, profile: Profile | None) -> LibraryModel:
    """Load the model, and keep what was named for the next time.

    Raises:
        LibraryError: none was named, and that of the last time is gone.
        UnknownModelError, ModelFolderError: as `Tagger.load`.
    """
    chosen = library.setting("model") if model is None else model
    used: Profile = profile or library.setting("profile", "balanced")
    try:
        loaded = LibraryModel.load(chosen, profile=used)
    except UnknownModelError as error:
        if model is None:
            raise LibraryError(f"{error}\nThe library was updated with it. Name another one with --model") from error
        raise
    if model is not None:
        named = str(model.path) if isinstance(model, ModelFolder) else str(model)
        library.change_setting("model", str(Path(named).absolute()) if Path(named).is_dir() else named)
    if profile is not None:
        library.change_setting("profile", profile)
    return loaded


def choose_encoder(library: Settings, encoder: str | Path | Literal[False] | None) -> Encoder | None:
    """Check the encoder's folder, and keep what was named for the next time; False forgets the encoder.

    Raises:
        LibraryError: none was named, and that of the last time is refused.
        ModelFolderError: the encoder's folder is refused.
    """
    if encoder is False:
        library.change_setting("encoder", None)
        library.change_setting("encoder_row", None)
        return None
    chosen = library.setting("encoder") if encoder is None else encoder
    if chosen is None:
        return None
    try:
        found = Encoder.read(chosen)
    except ModelFolderError as error:
        if encoder is None:
            raise LibraryError(
                f"{error}\nThe library was updated with this encoder. Name another one with --encoder, or leave it "
                "out with --no-encoder"
            ) from error
        raise
    if encoder is not None:
        library.change_setting("encoder", str(Path(encoder).absolute()))
    return found
