"""The Tagger: the one class that turns photos into tags and heat maps.

A photo takes one way, whoever asks:

    pixels -> feature map -> embedding -> logits -> calibrated scores -> a parent is at least its child -> tags
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vectortag.core.errors import CorrectionError, PhotoError, VectorTagError
from vectortag.core.file_names import escape_path
from vectortag.core.text import normalise
from vectortag.core.types import FailedTagging, FloatArray, Heatmap, Tagging
from vectortag.inference.analysis import Analysis
from vectortag.inference.scorer import Scorer
from vectortag.model.calibration import PROFILES, Profile
from vectortag.model.folder import ModelFolder, find_model_folder
from vectortag.model.precision import Precision, open_model
from vectortag.personal.added_tags import NO_ADDITIONS, AddedTag, Additions, read_additions, remove_addition
from vectortag.personal.corrected_rows import Refit, read_refits
from vectortag.runtime.blas import one_thread
from vectortag.runtime.embedder import Embedder, embeddings_of, map_readable
from vectortag.runtime.pipeline import batched
from vectortag.runtime.pixels import Photo, name_of
from vectortag.runtime.session import Runtime

if TYPE_CHECKING:
    from vectortag.personal.corrections import Correction


Item = TypeVar("Item")

SCORED_AT_ONCE = 16
"""Photos whose scores are computed together: the head's matrices are read once for all of them."""

FINE = 2
"""Fine heat maps come from an input so many times as large as the model's default: of four times as many cells."""


class Tagger:
    """A model, loaded and ready.

    tagger = Tagger.load()
    tagging = tagger.tag("beach.jpg")   # .tags -> (TagScore("sea", score=0.91, threshold=0.44), ...)
    """

    def __init__(
        self,
        folder: ModelFolder,
        embedder: Embedder,
        *,
        profile: Profile = "balanced",
        additions: Additions = NO_ADDITIONS,
        refits: Sequence[Refit] = (),
    ) -> None:
        if profile not in PROFILES:
            raise VectorTagError(f'no profile "{profile}". Expected one of: {", ".join(PROFILES)}')
        self.folder = folder
        self.embedder = embedder
        self.profile = profile
        self._take(additions, refits)

    def _take(self, additions: Additions, refits: Sequence[Refit]) -> None:
        self.additions = additions.tags
        self.placed = {additions.tags[row].name: placed for row, placed in additions.placed.items()}
        self.refits = tuple(refits)
        self.scorer = Scorer.of(self.folder, self.embedder.size, self.profile, additions, refits)

    @classmethod
    def load(
        cls,
        model: str | Path | ModelFolder | None = None,
        *,
        profile: Profile = "balanced",
        size: int | None = None,
        runtime: Runtime = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
        additions: bool = True,
    ) -> Tagger:
        """Load a model by name or path; without one, the shipped default.

        Args:
            model: a name that `vectortag models` lists, the path of a model folder, or one that was read.
            profile: which thresholds decide: "precise", "balanced" or "thorough".
            size: pixels a side of the network's input, one that the model offers; None is the largest for "thorough",
                else the default.
            runtime, precision, threads: as in `vectortag.model.precision.open_model`.
            additions: with the tags that were added to the model, and what corrections have taught it.

        Raises:
            UnknownModelError: there is no such model.
            ModelFolderError: the folder is incomplete, changed or too new.
            ShapeError: the model does not offer that size.
        """
        folder = find_model_folder(model)
        manifest = folder.manifest
        point = manifest.point_for(profile) if size is None else manifest.operating_point(size)
        session = open_model(folder, runtime=runtime, precision=precision, threads=threads)
        tagger = cls(folder, Embedder(session, manifest.pixels, point.size), profile=profile)
        if additions:
            tagger.reload()
        return tagger

    def reload(self) -> None:
        """Take up what was added to the model, or taught to it by corrections, since it was loaded.

        Raises:
            ModelFolderError: a file in the data folder was changed by hand, or is of a newer version.
        """
        self._take(read_additions(self.folder), read_refits(self.folder))

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of all T tags: the model's own, then the added ones."""
        return self.scorer.tags

    @property
    def thresholds(self) -> FloatArray:
        """(T,) float32 of the profile; NaN where a tag is never shown."""
        return self.scorer.thresholds

    @property
    def id(self) -> str:
        """What stands in every output: the model's id, and whether corrections have moved some of its scores."""
        return f"{self.folder.id}+corrections" if self.refits else self.folder.id

    @property
    def default_embedder(self) -> Embedder:
        """The network at the model's default size: what it was made with, and what it is taught with."""
        return self.embedder.at(self.folder.manifest.sizes[0])

    @property
    def finer(self) -> Embedder | None:
        """The network at the input size of fine heat maps; None where it takes no larger one."""
        manifest = self.folder.manifest
        size = FINE * manifest.sizes[0]
        return self.embedder.at(size) if manifest.backbone.any_size and size > self.embedder.size else None

    def without_additions(self) -> Tagger:
        """The same model with its own tags alone, on the same session."""
        return Tagger(self.folder, self.embedder, profile=self.profile)

    def tag(self, photo: Photo) -> Tagging:
        """Tag one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self.analyse(photo).tagging

    def tag_many(self, photos: Iterable[Photo]) -> Iterator[Tagging | FailedTagging]:
        """Tag photos in their order; one that cannot be read yields a FailedTagging, and the others go on."""
        for some in _scored_at_once(self.embedder.embed_many(photos)):
            photos_of, embeddings = zip(*some, strict=True)
            scored = map_readable(embeddings, lambda read: self.scores(np.stack(read)))
            for photo, scores in zip(photos_of, scored, strict=True):
                if isinstance(scores, PhotoError):
                    yield FailedTagging(name_of(photo) or "photo", scores)
                else:
                    yield self._tagging(photo, scores)

    def analyse(self, photo: Photo, *, fine: bool = False) -> Analysis:
        """Run the network once: tags now, and heat maps for any of the tags at hardly any further cost.

        Args:
            photo: what to look at.
            fine: run it a second time, on a larger input, for finer heat maps. Tags and scores stay the same.

        Raises:
            PhotoError: the photo cannot be read.
        """
        finer = self.finer if fine else None
        feature_map = self.embedder.feature_map(photo)
        return self.analysis_of(photo, feature_map, fine=finer.feature_map(photo) if finer else None)

    def analyse_many(self, photos: Iterable[Photo], *, fine: bool = False) -> Iterator[Analysis | FailedTagging]:
        """Analyse photos in their order, as `tag_many` tags them; `fine` as in `analyse`."""
        for some in _scored_at_once(self._feature_maps(photos, self.finer if fine else None)):
            scored = map_readable(
                [feature_map for _, feature_map, _ in some],
                lambda read: self.scorer.own_scores(np.concatenate([embeddings_of(one[None]) for one in read])),
            )
            for (photo, feature_map, fine_map), own in zip(some, scored, strict=True):
                if isinstance(feature_map, PhotoError) or isinstance(own, PhotoError):
                    yield FailedTagging(name_of(photo) or "photo", own)
                elif isinstance(fine_map, PhotoError):
                    yield FailedTagging(name_of(photo) or "photo", fine_map)
                else:
                    yield self._analysis(photo, feature_map, own, fine_map)

    def _feature_maps(
        self, photos: Iterable[Photo], finer: Embedder | None
    ) -> Iterator[tuple[Photo, FloatArray | PhotoError, FloatArray | PhotoError | None]]:
        """Every photo with what the network sees of it, and with what it sees of it at the size of `finer`."""
        if finer is None:
            for photo, feature_map in self.embedder.feature_maps(photos):
                yield photo, feature_map, None
            return
        once, again = itertools.tee(photos)
        for (photo, feature_map), (_, fine) in zip(
            self.embedder.feature_maps(once), finer.feature_maps(again), strict=True
        ):
            yield photo, feature_map, fine

    def analysis_of(self, photo: Photo | None, feature_map: FloatArray, *, fine: FloatArray | None = None) -> Analysis:
        """The same of a photo whose feature map (K, h, w) was kept: the network does not run, nor is the photo read.

        Args:
            photo: what the result is to name.
            feature_map: what `embedder` saw of it.
            fine: (K, H, W), what `finer` saw of it, where heat maps are to come from that.
        """
        return self._analysis(photo, feature_map, self.scorer.own_scores(embeddings_of(feature_map[None]))[0], fine)

    def _analysis(
        self, photo: Photo | None, feature_map: FloatArray, own: FloatArray, fine: FloatArray | None
    ) -> Analysis:
        tagging = self._tagging(photo, self.scorer.hierarchy.raise_parents(own[None])[0])
        return Analysis(self.scorer, feature_map, own, tagging, fine)

    def explain(self, photo: Photo, tag: str, *, fine: bool = True) -> Heatmap:
        """Return where in the photo the model sees a tag (Grad-CAM); its score is that of `tag`.

        Args:
            photo: what to look at.
            tag: the tag.
            fine: look a second time, on a larger input: twice as many cells a side, and a map that points better.

        Raises:
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have the tag.
        """
        self.place(tag)
        return self.analyse(photo, fine=fine).heatmap(tag)

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores of all tags, parents at least as high as their children: (N, K) -> (N, T)."""
        return self.scorer.scores(embeddings)

    def decide(self, scores: FloatArray) -> Tagging:
        """The tagging of a photo from its scores, one row (T,) of what `scores` gives."""
        return self._tagging(None, scores)

    def place(self, tag: str) -> int:
        """The place of a tag among `tags`; a synonym that the taxonomy knows will do.

        Raises:
            UnknownTagError: the model does not have the tag.
        """
        return self.scorer.index(tag)

    def add_tag(
        self,
        name: str,
        positives: Iterable[Photo] = (),
        negatives: Iterable[Photo] = (),
        *,
        parents: Iterable[str] = (),
        words: bool | str = False,
    ) -> AddedTag:
        """Add a tag from example photos, from words, or from both, without training; no other score changes.

        The tag is kept in the user's data folder, under the model's hash, and is there for every later `Tagger.load`.
        A tag that was added from words alone is added again with photos, and keeps its words.

        Args:
            name: the new tag.
            positives: at least 3 different photos that have the tag; 20 are better. None with words.
            negatives: photos that look like it and do not have it.
            parents: tags of the model that the new one implies; the taxonomy's own come by themselves.
            words: True where the name says what the tag is; or a longer description, in English.

        Raises:
            MissingExtraError: the words need the text model, and it is not installed.
            NewTagError: the name is taken, the examples are too few or contradict each other, or nothing can be saved.
            PhotoError: an example cannot be read.
            UnknownTagError: the model does not have a parent.
            WordsError: the words cannot be read or placed.
        """
        from vectortag.personal.from_photos import add_tag

        added = add_tag(self.folder, self.default_embedder, name, positives, negatives, parents=parents, words=words)
        self.reload()
        return added

    def remove_tag(self, name: str) -> None:
        """Forget a tag that was added.

        Raises:
            NewTagError: no such tag was added.
        """
        remove_addition(self.folder, normalise(name))
        self.reload()

    def correct(self, photo: str | Path, *, yes: Iterable[str] = (), no: Iterable[str] = ()) -> list[Correction]:
        """Keep that a photo has some tags and does not have others; `refresh` makes the model learn from it.

        Raises:
            CorrectionError: one tag is in both, nothing is said, or nothing can be kept.
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have a tag.
        """
        from vectortag.personal.corrections import Correction, add_corrections

        has, has_not = ({self.tags[self.place(tag)] for tag in tags} for tags in (yes, no))
        if both := has & has_not:
            raise CorrectionError(f'{escape_path(photo)}: "{min(both)}" is said to be there and not to be there')
        if not has | has_not:
            raise CorrectionError(
                f"{escape_path(photo)}: nothing is said of it. Name tags that it has, or does not have"
            )
        self.embedder.pixels(photo)
        said = [Correction(Path(photo), tag, tag in has) for tag in self.tags if tag in has | has_not]
        add_corrections(said)
        return said

    def _tagging(self, photo: Photo | None, scores: FloatArray) -> Tagging:
        scored = self.scorer.with_thresholds(scores)
        shown = self.scorer.shown(scores, scored)
        session = self.embedder.session
        return Tagging(
            path=name_of(photo),
            model=self.id,
            runtime=session.runtime,
            precision=session.precision,
            size=self.embedder.size,
            tags=shown,
            scores=scored,
            implied=self.scorer.implied(shown),
        )


def _scored_at_once(items: Iterable[Item]) -> Iterator[list[Item]]:
    """So many at a time; whoever takes them computes on one core, also when the last photo has been read."""
    with one_thread():
        yield from batched(items, SCORED_AT_ONCE)
