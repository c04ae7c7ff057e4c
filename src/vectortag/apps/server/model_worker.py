"""A model as the service runs it: photos decoded in threads, tagged in batches, heat maps and new tags beside them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from msgspec.structs import replace

from vectortag.apps.server.batching import Batcher
from vectortag.core.errors import PhotoError
from vectortag.core.types import ByteArray, Heatmap, Tagging
from vectortag.inference.heatmap import draw_heatmap
from vectortag.inference.tagger import Tagger
from vectortag.model.calibration import PROFILES, Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.precision import Precision
from vectortag.personal.added_tags import AddedTag
from vectortag.runtime.embedder import Embedder
from vectortag.runtime.pixels import open_image
from vectortag.runtime.session import Runtime

Answer = TypeVar("Answer")

BATCH = 16
"""Photos in a batch at most: enough to keep all cores busy, and none waits long for the others."""

OVERLAY_SIDE = 2048
"""Pixels of an overlay's longer side at most: a 12-megapixel PNG would cost seconds and tens of megabytes."""


@dataclass(frozen=True, slots=True)
class Loading:
    """How models are loaded; see `Tagger.load`."""

    runtime: Runtime = "auto"
    precision: Precision = "auto"
    threads: int | None = None
    additions: bool = True


class Taggers:
    """A tagger for each profile, at the profile's input size, on one session. Not for several threads."""

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
        """Take up added tags and corrections."""
        for tagger in self._by_profile.values():
            tagger.reload()


Job = tuple[ByteArray, Profile]


class ModelWorker:
    """A model that answers many requests at once.

    Tagging runs in the batcher's thread. Everything else has taggers of its own in another one, one thing after the
    other: new tags last for seconds, and tagging goes on beside them.

    Args:
        max_pixels: a photo that declares more pixels is refused.
        decoding: the threads in which photos are decoded and drawn; many models may share them.
        observe: called with the size of each batch.
    """

    def __init__(
        self,
        folder: ModelFolder,
        loading: Loading,
        *,
        max_pixels: int,
        decoding: ThreadPoolExecutor,
        observe: Callable[[int], None],
    ) -> None:
        self.folder = folder
        self.additions = loading.additions
        loaded = Tagger.load(
            folder, runtime=loading.runtime, precision=loading.precision, threads=loading.threads, additions=False
        ).embedder
        self._max_pixels = min(max_pixels, loaded.recipe.max_pixels)
        embedder = Embedder(loaded.session, replace(loaded.recipe, max_pixels=self._max_pixels), loaded.size)
        self._taggers, self._aside_taggers = (Taggers(folder, embedder, additions=loading.additions) for _ in range(2))
        self._compile()
        self.size, self.runtime, self.precision = embedder.size, embedder.session.runtime, embedder.session.precision
        self._decoding = decoding
        self._undecoded = 0
        self._batcher = Batcher[Job, Tagging](
            self._tag_batch, largest=BATCH, expected=lambda: self._undecoded, observe=observe
        )
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="aside")

    @property
    def name(self) -> str:
        return self.folder.manifest.name

    @property
    def alive(self) -> bool:
        """Whether it can answer."""
        return self._batcher.alive

    def close(self) -> None:
        """Finish what was begun."""
        self._aside.shutdown()
        self._batcher.close()

    async def tag(self, photos: Sequence[bytes], profile: Profile) -> list[Tagging | PhotoError]:
        """Tag photos, in order; one that cannot be read gives its error."""
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

    def _compile(self) -> None:
        """Every size, alone and in a batch, and the one of fine maps: now, not while the first client waits."""
        taggers = [self._taggers[profile] for profile in PROFILES]
        for tagger in taggers:
            for count in (1, 2):
                tagger.embedder.embed(np.zeros((count, tagger.embedder.size, tagger.embedder.size, 3), np.uint8))
            if (finer := tagger.finer) is not None:
                finer.embed(np.zeros((1, finer.size, finer.size, 3), np.uint8))

    def _tag_batch(self, jobs: Sequence[Job]) -> list[Tagging]:
        """Photos of one input size go through the network together; profiles differ in their thresholds besides."""
        tagged: dict[int, Tagging] = {}
        for size in {len(pixels) for pixels, _ in jobs}:
            places = [place for place, (pixels, _) in enumerate(jobs) if len(pixels) == size]
            tagger = self._taggers[jobs[places[0]][1]]
            embeddings = tagger.embedder.embed(np.stack([jobs[place][0] for place in places]))
            for place, row in zip(places, tagger.scores(embeddings), strict=True):
                tagged[place] = self._taggers[jobs[place][1]].decide(row)
        return [tagged[place] for place in range(len(jobs))]

    async def look_up(self, question: Callable[[Taggers], Answer]) -> Answer:
        """Ask the taggers something when no change is going on."""
        return await self._run_aside(question)

    async def explain(
        self, photo: bytes, tags: Sequence[str], profile: Profile, *, fine: bool
    ) -> tuple[Tagging, list[Heatmap]]:
        """A photo's tagging, and the heat maps of some tags; of all that were found where none is named.

        Args:
            photo, tags, profile: what is asked.
            fine: heat maps from a larger input, for which the network runs once more.

        Raises:
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have one of the tags.
        """
        tagger = self._taggers[profile]
        embedders = [tagger.embedder, tagger.finer] if fine and tagger.finer is not None else [tagger.embedder]
        inputs = await asyncio.gather(*(self._pixels(photo, embedder) for embedder in embedders))

        def work(taggers: Taggers) -> tuple[Tagging, list[Heatmap]]:
            seen, *closely = (one.feature_map(pixels) for one, pixels in zip(embedders, inputs, strict=True))
            analysis = taggers[profile].analysis_of(None, seen, fine=closely[0] if closely else None)
            return analysis.tagging, analysis.heatmaps(tags or [scored.tag for scored in analysis.tagging.tags])

        return await self._run_aside(work)

    async def draw(self, photo: bytes, heatmap: Heatmap, opacity: float) -> bytes:
        """A PNG of the heat map over the photo, which is shrunk where a side is longer than `OVERLAY_SIDE`."""
        return await asyncio.get_running_loop().run_in_executor(
            self._decoding, _overlay, photo, heatmap, opacity, self._max_pixels
        )

    async def add_tag(
        self, name: str, shown: Sequence[bytes], others: Sequence[bytes], parents: Sequence[str]
    ) -> AddedTag:
        """Add a tag; see `Tagger.add_tag`. Every tagging that begins after the answer has it."""
        embedder = self._taggers.default.embedder
        positives, negatives = [[await self._pixels(photo, embedder) for photo in photos] for photos in (shown, others)]
        return await self._change(lambda taggers: taggers.default.add_tag(name, positives, negatives, parents=parents))

    async def remove_tag(self, name: str) -> None:
        """Forget an added tag; see `Tagger.remove_tag`."""
        await self._change(lambda taggers: taggers.default.remove_tag(name))

    async def _change(self, change: Callable[[Taggers], Answer]) -> Answer:
        """Change what was added, one change after the other, then let all taggers take it up, come what may."""

        def work(taggers: Taggers) -> Answer:
            answer = change(taggers)
            taggers.reload()
            self._batcher.between(self._taggers.reload).result()
            return answer

        return await self._run_aside(work)

    async def _run_aside(self, work: Callable[[Taggers], Answer]) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._aside, work, self._aside_taggers)


def _overlay(photo: bytes, heatmap: Heatmap, opacity: float, max_pixels: int) -> bytes:
    image = open_image(photo, max_pixels=max_pixels, draft=(OVERLAY_SIDE, OVERLAY_SIDE))
    image.thumbnail((OVERLAY_SIDE, OVERLAY_SIDE))
    file = io.BytesIO()
    draw_heatmap(image, heatmap, opacity=opacity).save(file, "PNG")
    return file.getvalue()
