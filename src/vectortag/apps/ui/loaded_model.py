"""A model that many visitors share: one forward pass at a time, and no tagger changes while someone reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vectortag.apps.ui.modes import InferenceMode
from vectortag.core.errors import ModelFolderError
from vectortag.core.types import FloatArray
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import Profile
from vectortag.model.folder import DEFAULT_MODEL, MANIFEST, ModelFolder, folders_in, model_folders
from vectortag.personal.added_tags import folder_of
from vectortag.personal.corrected_rows import refits_file
from vectortag.runtime.pixels import Photo

Stamp = tuple[tuple[str, int], ...]


class LoadedModel:
    """A loaded model. One photo at a time has all cores, so each pass waits for the one before it."""

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder
        self._embedder = Tagger.load(folder, additions=False).embedder
        self._lock = threading.Lock()
        self._taggers: dict[Profile, tuple[Stamp, Tagger]] = {}

    def tagger(self, profile: Profile = "balanced") -> Tagger:
        """The model as the user's data folder has it now; for reading, since others may hold the same one."""
        stamp = self._stamp()
        known = self._taggers.get(profile)
        if known is not None and known[0] == stamp:
            return known[1]
        tagger = self._new(profile)
        self._taggers[profile] = stamp, tagger
        return tagger

    def feature_map(self, photo: Photo, mode: InferenceMode, size: int | None = None) -> FloatArray:
        """Run the network on a photo, at its default size where none is named: (K, h, w).

        Raises:
            PhotoError: the photo cannot be read.
        """
        with self._lock:
            return mode.feature_map(self._embedder if size is None else self._embedder.at(size), photo)

    @contextmanager
    def changing(self) -> Iterator[Tagger]:
        """A tagger of the caller's own, to add tags with or to refresh; whatever it runs, runs alone."""
        with self._lock:
            yield self._new("balanced")

    def _new(self, profile: Profile) -> Tagger:
        embedder = self._embedder.at(self.folder.manifest.point_for(profile).size)
        tagger = Tagger(self.folder, embedder, profile=profile)
        tagger.reload()
        return tagger

    def _stamp(self) -> Stamp:
        """When the files that `Tagger.reload` reads were changed: here, or by the command line."""
        additions = folder_of(self.folder)
        files = [refits_file(self.folder), *(additions.glob("*.safetensors") if additions.is_dir() else ())]
        return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in files if file.is_file()))


def find_model_paths(directories: Iterable[Path]) -> list[Path]:
    """The model folders to choose from: the default one, those in the directories, the user's own, the shipped ones.

    Raises:
        ModelFolderError: a directory is not there.
    """
    found: list[Path] = []
    for directory in directories:
        if not directory.is_dir():
            raise ModelFolderError(f"{directory}: no such folder. --models takes a folder with model folders in it")
        found += [directory] if (directory / MANIFEST).is_file() else folders_in(directory)
    known = {path.resolve(): path for path in (*found, *model_folders())}
    return sorted(known.values(), key=lambda path: path.name != DEFAULT_MODEL)
