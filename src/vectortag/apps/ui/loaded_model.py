"""A model that all sessions of the page share; no tagger changes while a session uses it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from vectortag.core.errors import ModelFolderError, PhotoError
from vectortag.core.file_names import real_path
from vectortag.core.types import ByteArray, FloatArray
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import Profile
from vectortag.model.folder import MANIFEST, ModelFolder
from vectortag.model.registry import DEFAULT_MODEL, folders_in, model_folders
from vectortag.personal.added_tags import folder_of
from vectortag.personal.corrected_rows import refits_file
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import Photo

Item = TypeVar("Item")
Stamp = tuple[tuple[str, int], ...]


class LoadedModel:
    """A loaded model. A single photo gets all cores, so it waits for the one before."""

    def __init__(self, folder: ModelFolder) -> None:
        self.folder = folder
        self._embedder = Tagger.load(folder, additions=False).embedder
        self._lock = threading.Lock()
        self._taggers: dict[Profile, tuple[Stamp, Tagger]] = {}

    def tagger(self, profile: Profile = "balanced") -> Tagger:
        """The model with all added tags and corrections as of now. Shared: do not change it, use `changing`."""
        stamp = self._stamp()
        known = self._taggers.get(profile)
        if known is not None and known[0] == stamp:
            return known[1]
        tagger = self._new(profile)
        self._taggers[profile] = stamp, tagger
        return tagger

    @property
    def size(self) -> int:
        """Pixels a side of the network's input, by default."""
        return self._embedder.size

    def feature_map(self, photo: Photo, size: int | None = None) -> FloatArray:
        """Run the network on a photo, at the model's default size if none is given: (K, h, w).

        Only here and in `feature_maps` does a photo become a feature map. Another inference mode (tiles, several
        crops) is another body there: scores and heat maps follow from the map alone. Any grid will do, as long as its
        mean is the photo's embedding.

        Raises:
            PhotoError: the photo cannot be read.
        """
        with self._lock:
            return (self._embedder if size is None else self._embedder.at(size)).feature_map(photo)

    def feature_maps(
        self, items: Iterable[Item], pixels: Callable[[Item, Embedder], ByteArray]
    ) -> Iterator[tuple[Item, FloatArray | PhotoError]]:
        """Run the network on many photos on all cores, with bounded memory; other sessions may run it meanwhile.

        Args:
            pixels: an item -> (size, size, 3) uint8, for this network, or PhotoError; called in several threads.

        Yields:
            Each item with its feature map (K, h, w) at the default size, or its error, in their order.
        """
        return self._embedder.feature_maps_of(items, lambda item: pixels(item, self._embedder))

    def compile(self) -> None:
        """Compile the network for one photo, for its fine heat maps, and for many photos at once.

        Raises:
            ModelFolderError: the network cannot run.
        """
        session, finer = self._embedder.session, self.tagger().finer
        with self._lock:
            for size in (self.size, *([finer.size] if finer else ())):
                session.run(np.zeros((1, size, size, 3), np.uint8))
            session.run(
                np.zeros((session.batch, self.size, self.size, 3), np.uint8), batch=session.batch, concurrent=True
            )

    @contextmanager
    def changing(self) -> Iterator[Tagger]:
        """A separate tagger, to add tags or to learn corrections; the network runs for nobody else meanwhile."""
        with self._lock:
            yield self._new("balanced")

    def _new(self, profile: Profile) -> Tagger:
        embedder = self._embedder.at(self.folder.manifest.point_for(profile).size)
        tagger = Tagger(self.folder, embedder, profile=profile)
        tagger.reload()
        return tagger

    def _stamp(self) -> Stamp:
        """Names and times of change of the files that `Tagger.reload` reads; the command line writes them too."""
        additions = folder_of(self.folder)
        files = [refits_file(self.folder), *(additions.glob("*.safetensors") if additions.is_dir() else ())]
        return tuple(sorted((file.name, file.stat().st_mtime_ns) for file in files if file.is_file()))


def find_model_paths(directories: Iterable[Path]) -> list[Path]:
    """The model folders to choose from: the default model, then those in `directories`, the user's own, the shipped.

    Raises:
        ModelFolderError: a directory does not exist.
    """
    found: list[Path] = []
    for directory in directories:
        if not directory.is_dir():
            raise ModelFolderError(f"{directory}: no such folder. --models takes a folder with model folders in it")
        found += [directory] if (directory / MANIFEST).is_file() else folders_in(directory)
    known = {real_path(path): path for path in (*found, *model_folders())}
    return sorted(known.values(), key=lambda path: path.name != DEFAULT_MODEL)
