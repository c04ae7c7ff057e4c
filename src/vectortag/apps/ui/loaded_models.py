"""The models that were loaded, each once for all sessions. The default one is loaded before anybody asks for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.core.errors import VectorTagError
from vectortag.model.folder import ModelFolder

log = logging.getLogger(__name__)


class LoadedModels:
    """Loaded models by the digest of their folder."""

    def __init__(self) -> None:
        self._known: dict[str, LoadedModel] = {}
        self._loading = threading.Lock()
        self._ahead: threading.Thread | None = None

    def get(self, folder: ModelFolder) -> LoadedModel:
        """The model of a folder; it is loaded at the first call, for which the others wait.

        Raises:
            ModelFolderError: it cannot be loaded.
        """
        with self._loading:
            if folder.digest not in self._known:
                self._known[folder.digest] = LoadedModel(folder)
            return self._known[folder.digest]

    def load_ahead(self, find: Callable[[], ModelFolder | None]) -> None:
        """Find a model and load it in the background, and compile its network, so that the first photo need not wait.

        Only the first call does something.
        """
        if self._ahead is None:
            self._ahead = threading.Thread(target=self._prepare, args=(find,), name="models", daemon=True)
            self._ahead.start()

    def wait(self) -> None:
        """Wait for the model that is loaded ahead."""
        if self._ahead is not None:
            self._ahead.join()

    def _prepare(self, find: Callable[[], ModelFolder | None]) -> None:
        try:
            if folder := find():
                self.get(folder).compile()
        except VectorTagError as error:  # whoever asks for the model gets it, too
            log.info("no model was loaded ahead: %s", error)
