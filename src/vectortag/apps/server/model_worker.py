"""A model that answers many requests at once: decodes photos in threads, tags them in batches."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from vectortag.apps.server.batching import Batcher
from vectortag.core.errors import ModelFolderError, PhotoError
from vectortag.core.heap import trim_heap
from vectortag.core.types import ByteArray, Heatmap, Tagging
from vectortag.inference.heatmap_drawing import draw_heatmap, to_png
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES, Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.precision import Precision
from vectortag.personal.added_tags import AddedTag, folder_of
from vectortag.personal.corrected_rows import refits_file
from vectortag.runtime.decoding.memory import SHARED, Budget
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import open_image
from vectortag.runtime.session import Runtime

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

BATCH = 16
"""Most photos in a batch: enough to keep all cores busy, and few enough that none waits long."""

OVERLAY_SIDE = 2048
"""Longest side of an overlay in pixels: a PNG of 12 megapixels would take seconds and tens of megabytes."""


IDLE_SECONDS = 60.0
"""Without a photo: then compiled networks are given back, 80 MB of lite2. To load one again takes 0.2 s."""

FOLLOW_SECONDS = 5.0
"""Between two looks at the data folder: other services that share it, and other programs, add tags there."""


@dataclass(frozen=True, slots=True)
class Loading:
    """Options for loading models; see `Tagger.load`."""

    runtime: Runtime = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    additions: bool = True


class Taggers:
    """One tagger per profile, at the input size of the profile, on one session. Not thread-safe."""

    def __init__(self, folder: ModelFolder, embedder: Embedder, *, additions: bool) -> None:
        self._by_profile: dict[Profile, Tagger] = {
            profile: Tagger(folder, embedder.at(folder.manifest.point_for(profile).size), profile=profile)
            for profile in PROFILES
        }
        self.default = self._by_profile["balanced"]
        if additions:
            self.reload()

    def __getitem__(self, profile: Profile) -> Tagger:
        return self._by_profile[profile]

    def reload(self) -> None:
        """Read added tags and corrections again."""
        for tagger in self._by_profile.values():
            tagger.reload()


Job = tuple[ByteArray, Profile]


class ModelWorker:
    """A served model.

    Tagging runs in the batcher's thread. Everything else (heat maps, new tags) runs in a second thread with its own
    taggers, one job after the other: adding a tag takes seconds, and tagging goes on meanwhile.

    Args:
        max_pixels: larger photos are refused.
        budget: the memory for photos that are decoded at the same time.
        decoding: threads for decoding and drawing; several models may share them.
        observe: called with the size of each batch.
    """

    def __init__(
        self,
        folder: ModelFolder,
        loading: Loading,
        *,
        max_pixels: int,
        budget: Budget = SHARED,
        decoding: ThreadPoolExecutor,
        observe: Callable[[int], None],
    ) -> None:
        self._known = _state_of(folder)  # before they are read
        self.folder = folder
        self.additions = loading.additions
        loaded = Tagger.load(
            folder, runtime=loading.runtime, precision=loading.precision, threads=loading.threads, additions=False
        ).embedder
        self._max_pixels, self._budget = min(max_pixels, loaded.recipe.max_pixels), budget
        embedder = Embedder(
            loaded.session, replace(loaded.recipe, max_pixels=self._max_pixels), loaded.size, budget=budget
        )
        self._taggers, self._aside_taggers = (Taggers(folder, embedder, additions=loading.additions) for _ in range(2))
        self._warm_up()
        self.size, self.runtime, self.precision = embedder.size, embedder.session.runtime, embedder.session.precision
        self._decoding = decoding
        self._undecoded = 0
        self._batcher = Batcher[Job, Tagging](
            self._tag_batch,
            largest=BATCH,
            expected=lambda: self._undecoded,
            observe=observe,
            idle=self._rest,
            idle_seconds=IDLE_SECONDS,
        )
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")
        self._closing = threading.Event()
        self._following = threading.Thread(target=self._follow, name="follow", daemon=True)
        if loading.additions:
            self._following.start()

    @property
    def name(self) -> str:
        return self.folder.manifest.name

    @property
    def alive(self) -> bool:
        """Whether the batcher's thread runs."""
        return self._batcher.alive

    def close(self) -> None:
        """Finish all accepted work, and end the threads."""
        self._closing.set()
        if self._following.is_alive():
            self._following.join()
        self._aside.shutdown()
        self._batcher.close()

    def _rest(self) -> None:
        """Give back what is only needed while photos come."""
        self._taggers.default.embedder.session.release()
        trim_heap()

    async def tag(self, photos: Sequence[bytes], profile: Profile) -> list[Tagging | PhotoError]:
        """Tag photos, in order; a photo that cannot be read gives its error."""
        if len(photos) == 1:
            return [await self._tag_one(photos[0], profile)]
        return list(await asyncio.gather(*(self._tag_one(photo, profile) for photo in photos)))

    async def _tag_one(self, photo: bytes, profile: Profile) -> Tagging | PhotoError:
        self._undecoded += 1
        try:
            pixels = await self._pixels(photo, self._taggers[profile].embedder)
            future = self._batcher.submit((pixels, profile))
        except PhotoError as error:
            return error
        finally:
            self._undecoded -= 1
        return await asyncio.wrap_future(future)

    async def _pixels(self, photo: bytes, embedder: Embedder) -> ByteArray:
        return await asyncio.get_running_loop().run_in_executor(self._decoding, embedder.pixels, photo)

    def _warm_up(self) -> None:
        """Run each input size once, alone and as a batch: the first client should not wait for compilation."""
        taggers = [self._taggers[profile] for profile in PROFILES]
        for tagger in taggers:
            for count in (1, 2):
                tagger.embedder.embed(np.zeros((count, tagger.embedder.size, tagger.embedder.size, 3), np.uint8))
            if (finer := tagger.finer) is not None:
                finer.embed(np.zeros((1, finer.size, finer.size, 3), np.uint8))

    def _tag_batch(self, jobs: Sequence[Job]) -> list[Tagging]:
        """Tag a batch: photos of the same input size go through the network together, then each gets its thresholds."""
        tagged: dict[int, Tagging] = {}
        for size in {len(pixels) for pixels, _ in jobs}:
            rows = [i for i, (pixels, _) in enumerate(jobs) if len(pixels) == size]
            tagger = self._taggers[jobs[rows[0]][1]]
            embeddings = tagger.embedder.embed(np.stack([jobs[i][0] for i in rows]))
            for i, scores in zip(rows, tagger.scores(embeddings), strict=True):
                tagged[i] = self._taggers[jobs[i][1]].decide(scores)
        return [tagged[i] for i in range(len(jobs))]

    async def look_up(self, query: Callable[[Taggers], Answer]) -> Answer:
        """Run a query on the taggers; no change runs at the same time."""
        return await self._run_aside(query)

    async def explain(
        self, photo: bytes, tags: Sequence[str], profile: Profile, *, fine: bool
    ) -> tuple[Tagging, list[Heatmap]]:
        """A photo's tagging, and the heat maps of these tags, or of all tags found if `tags` is empty.

        Args:
            fine: make the heat maps from a larger input, for which the network runs once more.

        Raises:
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have one of the tags.
        """
        tagger = self._taggers[profile]
        embedders = [tagger.embedder, tagger.finer] if fine and tagger.finer is not None else [tagger.embedder]
        inputs = await asyncio.gather(*(self._pixels(photo, embedder) for embedder in embedders))

        def work(taggers: Taggers) -> tuple[Tagging, list[Heatmap]]:
            feature_map, *fine_map = (one.feature_map(pixels) for one, pixels in zip(embedders, inputs, strict=True))
            analysis = taggers[profile].analysis_of(None, feature_map, fine=fine_map[0] if fine_map else None)
            return analysis.tagging, analysis.heatmaps(tags or [scored.tag for scored in analysis.tagging.tags])

        return await self._run_aside(work)

    async def draw(self, photo: bytes, heatmap: Heatmap, opacity: float) -> bytes:
        """A PNG of the heat map over the photo, at most `OVERLAY_SIDE` pixels on each side."""
        return await asyncio.get_running_loop().run_in_executor(
            self._decoding, _overlay, photo, heatmap, opacity, self._max_pixels, self._budget
        )

    async def add_tag(
        self, name: str, shown: Sequence[bytes], others: Sequence[bytes], parents: Sequence[str]
    ) -> AddedTag:
        """Add a tag; see `Tagger.add_tag`. All taggings that start afterwards have it."""
        embedder = self._taggers.default.embedder
        positives, negatives = [[await self._pixels(photo, embedder) for photo in photos] for photos in (shown, others)]
        return await self._change(lambda taggers: taggers.default.add_tag(name, positives, negatives, parents=parents))

    async def remove_tag(self, name: str) -> None:
        """Remove an added tag; see `Tagger.remove_tag`."""
        await self._change(lambda taggers: taggers.default.remove_tag(name))

    async def _change(self, change: Callable[[Taggers], Answer]) -> Answer:
        """Run a change of the added tags, then reload all taggers; changes run one after the other."""

        def work(taggers: Taggers) -> Answer:
            answer = change(taggers)
            self._reload()
            return answer

        return await self._run_aside(work)

    def _reload(self) -> None:
        """Read added tags and corrections again, in the thread of changes."""
        self._known = _state_of(self.folder)  # before they are read
        self._aside_taggers.reload()
        self._batcher.between(self._taggers.reload).result()

    def _follow(self) -> None:
        """Reload whenever the data folder is not as it was; whoever changed it."""
        while not self._closing.wait(FOLLOW_SECONDS):
            try:
                self._aside.submit(self._look).result()
            except ModelFolderError as error:
                log.warning("%s. The tags stay as they were", error)

    def _look(self) -> None:
        """Reload if the data folder is not as it was; in the thread of changes, so that none comes between."""
        if _state_of(self.folder) != self._known:
            self._reload()

    async def _run_aside(self, work: Callable[[Taggers], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._aside, work, self._aside_taggers)


def _state_of(model: ModelFolder) -> frozenset[tuple[str, int, int]]:
    """Name, size and time of change of each file with added tags or corrections."""
    state = set()
    with contextlib.suppress(OSError), os.scandir(folder_of(model)) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                status = entry.stat()
                state.add((entry.name, status.st_size, status.st_mtime_ns))
    with contextlib.suppress(OSError):
        status = refits_file(model).stat()
        state.add(("", status.st_size, status.st_mtime_ns))
    return frozenset(state)


def _overlay(photo: bytes, heatmap: Heatmap, opacity: float, max_pixels: int, budget: Budget) -> bytes:
    image = open_image(photo, max_pixels=max_pixels, draft=(OVERLAY_SIDE, OVERLAY_SIDE), budget=budget)
    image.thumbnail((OVERLAY_SIDE, OVERLAY_SIDE))
    return to_png(draw_heatmap(image, heatmap, opacity=opacity))
