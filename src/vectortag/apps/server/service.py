"""The state of a running service: its models, limits, requests in progress and metrics."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect, Request

from vectortag.apps.server.admission import Admission
from vectortag.apps.server.limits import Limits
from vectortag.apps.server.metrics import Metrics
from vectortag.apps.server.model_worker import Loading, ModelWorker
from vectortag.apps.server.problems import Problem
from vectortag.core.errors import ConfigError, did_you_mean
from vectortag.model.folder import ModelFolder
from vectortag.runtime.cpu import usable_cores


class Service:
    """Loads the models; call `close` at the end.

    Args:
        folders: the models to serve; the first is the default.

    Raises:
        ConfigError: two different models have the same name, or there is no model.
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
            raise ConfigError(f'{folder.path}: another model "{name}" is served from {other.folder.path}')
        self.models[name] = ModelWorker(
            folder,
            loading,
            max_pixels=self.limits.pixels,
            budget=self.admission.decoding,
            decoding=self._decoding,
            observe=self.metrics.batches.observe,
        )

    @property
    def default(self) -> ModelWorker:
        return next(iter(self.models.values()))

    def model(self, name: str | None) -> ModelWorker:
        """A served model by name. Only loaded models are searched: a request never opens a folder.

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
    async def in_time(self, request: Request) -> AsyncIterator[None]:
        """Cancel the block when it takes longer than a request may, or when the client has left: nobody waits then.

        Raises:
            Problem: 503.
            ClientDisconnect: the client has left.
        """
        loop, left = asyncio.get_running_loop(), False

        async def watch(deadline: asyncio.Timeout) -> None:
            nonlocal left
            while (await request.receive())["type"] != "http.disconnect":
                pass
            left = True
            deadline.reschedule(loop.time())

        try:
            async with asyncio.timeout(self.limits.seconds) as deadline:
                watching = asyncio.create_task(watch(deadline))
                try:
                    yield
                finally:
                    watching.cancel()
        except TimeoutError as error:
            if left:
                raise ClientDisconnect from error
            detail = f"No answer within {self.limits.seconds:g} s. Try again later"
            raise Problem(503, "timeout", detail, headers={"Retry-After": "5"}) from error

    @property
    def ready(self) -> bool:
        """Whether a photo would be accepted and tagged now."""
        return not self.admission.full and all(model.alive for model in self.models.values())

    def close(self) -> None:
        """Finish all accepted photos, and end all threads."""
        self._decoding.shutdown()
        for model in self.models.values():
            model.close()
