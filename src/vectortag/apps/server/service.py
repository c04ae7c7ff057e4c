"""What a running service has: its models, its limits, what it has in hand, and its counters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from vectortag.apps.server.limits import Admission, Limits
from vectortag.apps.server.metrics import Metrics
from vectortag.apps.server.model_worker import Loading, ModelWorker
from vectortag.apps.server.problems import Problem
from vectortag.core.errors import ConfigError, did_you_mean
from vectortag.model.folder import ModelFolder
from vectortag.runtime.cpu import usable_cores


class Service:
    """Loads the models; `close` finishes what was begun.

    Args:
        folders: the models that are served; the first answers where none is named.

    Raises:
        ConfigError: two different models have one name, or there is none.
        ModelFolderError: a model cannot be loaded.
    """

    def __init__(self, folders: Iterable[ModelFolder], loading: Loading, limits: Limits) -> None:
        self.limits = limits
        self.admission = Admission(limits)
        self.metrics = Metrics(self.admission)
        self._decoding = ThreadPoolExecutor(usable_cores(), thread_name_prefix="decode")
        self.models: dict[str, ModelWorker] = {}
        try:
            for folder in folders:
                self._serve(folder, loading)
        except BaseException:
            self.close()
            raise
        if not self.models:
            raise ConfigError("no model to serve")

    def _serve(self, folder: ModelFolder, loading: Loading) -> None:
        name = folder.manifest.name
        if (other := self.models.get(name)) is not None:
            if other.folder.digest == folder.digest:
                return
            raise ConfigError(f'{folder.path}: a model "{name}" is served already, from {other.folder.path}')
        self.models[name] = ModelWorker(
            folder,
            loading,
            max_pixels=self.limits.pixels,
            decoding=self._decoding,
            observe=self.metrics.batches.observe,
        )

    @property
    def default(self) -> ModelWorker:
        return next(iter(self.models.values()))

    def model(self, name: str | None) -> ModelWorker:
        """A served model by its name; nothing else is looked up, no folder is opened.

        Raises:
            Problem: 404.
        """
        if name is None:
            return self.default
        if name not in self.models:
            hint = did_you_mean(name, self.models)
            raise Problem(404, "unknown-model", f'No model "{name}".{hint} Served models: {", ".join(self.models)}')
        return self.models[name]

    @asynccontextmanager
    async def in_time(self) -> AsyncIterator[None]:
        """End what takes longer than a request may.

        Raises:
            Problem: 503.
        """
        try:
            async with asyncio.timeout(self.limits.seconds):
                yield
        except TimeoutError as error:
            detail = f"There was no answer within {self.limits.seconds:g} s. Ask again a little later"
            raise Problem(503, "timeout", detail, headers={"Retry-After": "5"}) from error

    @property
    def ready(self) -> bool:
        """Whether a photo that came now would be tagged."""
        return not self.admission.full and all(model.alive for model in self.models.values())

    def close(self) -> None:
        """Finish what was begun, and end all threads."""
        self._decoding.shutdown()
        for model in self.models.values():
            model.close()
