"""The Tagger: the one class that turns photos into tags and heat maps.

A photo takes one way, whoever asks:

    pixels -> feature map -> embedding -> logits -> calibrated scores -> a parent is at least its child -> tags
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vectortag.embedder import Embedder
from vectortag.errors import PhotoError, UnknownTagError, VectorTagError, did_you_mean
from vectortag.hierarchy import Hierarchy
from vectortag.model_folder import ModelFolder, find_model_folder
from vectortag.preprocess import Photo
from vectortag.session import Precision, Runtime, open_session
from vectortag.thresholds import PROFILES, Profile, calibrated
from vectortag.types import FailedTagging, FloatArray, Heatmap, Tagging, TagScore


class Tagger:
    """A model, loaded and ready.

    tagger = Tagger.load()
    tagging = tagger.tag("beach.jpg")   # .tags -> (TagScore("sea", score=0.91, threshold=0.44), ...)
    """

    def __init__(self, folder: ModelFolder, embedder: Embedder, *, profile: Profile = "balanced") -> None:
        if profile not in PROFILES:
            raise VectorTagError(f'no profile "{profile}". Expected one of: {", ".join(PROFILES)}')
        manifest = folder.manifest
        point = manifest.operating_point(embedder.size)
        self.folder = folder
        self.embedder = embedder
        self.tags = manifest.tags
        self.thresholds = point.threshold_array(profile)  # (T,)
        self._limits = [None if np.isnan(t) else float(t) for t in self.thresholds]
        self.hierarchy = Hierarchy.of(manifest.tags, manifest.taxonomy)
        self._slope = np.array(point.slope, np.float32)
        self._bias = np.array(point.bias, np.float32)

    @classmethod
    def load(
        cls,
        model: str | Path | None = None,
        *,
        profile: Profile = "balanced",
        runtime: Runtime = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
    ) -> Tagger:
        """Load a model by name or path; without one, the shipped default.

        Args:
            model: a name that `vectortag models` lists, or the path of a model folder.
            profile: which thresholds decide: "precise", "balanced" or "thorough".
            runtime, precision, threads: as in `vectortag.session.open_session`.

        Raises:
            UnknownModelError: there is no such model.
            ModelFolderError: the folder is incomplete, changed or too new.
        """
        folder = find_model_folder(model)
        session = open_session(folder.network, runtime=runtime, precision=precision, threads=threads)
        size = folder.manifest.operating_points[0].size
        return cls(folder, Embedder(session, folder.manifest.pixels, size), profile=profile)

    def tag(self, photo: Photo) -> Tagging:
        """Tag one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self.analyse(photo).tagging

    def tag_many(self, photos: Iterable[Photo]) -> Iterator[Tagging | FailedTagging]:
        """Tag photos in their order; one that cannot be read yields a FailedTagging, and the others go on."""
        for photo, embedding in self.embedder.embed_many(photos):
            if isinstance(embedding, PhotoError):
                yield FailedTagging(_name(photo) or "photo", embedding)
            else:
                yield self._tagging(photo, self.scores(embedding[None])[0])

    def analyse(self, photo: Photo) -> Analysis:
        """Run the network once: tags now, and heat maps for any of the tags at hardly any further cost.

        Raises:
            PhotoError: the photo cannot be read.
        """
        feature_map = self.embedder.feature_map(photo)
        own = self._own_scores(feature_map.mean(axis=(1, 2))[None])  # (1, T)
        return Analysis(self, feature_map, own[0], self._tagging(photo, self.hierarchy.raise_parents(own)[0]))

    def explain(self, photo: Photo, tag: str) -> Heatmap:
        """Return where in the photo the model sees a tag (Grad-CAM).

        Raises:
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have the tag.
        """
        self.place(tag)
        return self.analyse(photo).heatmap(tag)

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores of all tags, parents at least as high as their children: (N, K) -> (N, T)."""
        return self.hierarchy.raise_parents(self._own_scores(embeddings))

    def place(self, tag: str) -> int:
        """The place of a tag among `tags`; a synonym that the taxonomy knows will do.

        Raises:
            UnknownTagError: the model does not have the tag.
        """
        for name in (tag, self.folder.manifest.taxonomy.canonical(tag)):
            if name in self.tags:
                return self.tags.index(name)
        name = self.folder.manifest.name
        hint = did_you_mean(tag, self.tags)
        raise UnknownTagError(f'model "{name}": no tag "{tag}".{hint} All tags: vectortag inspect {name}')

    def _own_scores(self, embeddings: FloatArray) -> FloatArray:
        return calibrated(self.folder.head.logits(embeddings), self._slope, self._bias)

    def _tagging(self, photo: Photo, scores: FloatArray) -> Tagging:
        scored = tuple(map(TagScore, self.tags, scores.tolist(), self._limits))
        tags = [scored[place] for place in np.flatnonzero(scores >= self.thresholds)]
        session = self.embedder.session
        return Tagging(
            path=_name(photo),
            model=self.folder.id,
            runtime=session.runtime,
            precision=session.precision,
            tags=tuple(sorted(tags, key=lambda scored: -scored.score)),
            scores=scored,
        )


@dataclass(frozen=True, slots=True)
class Analysis:
    """One photo after one forward pass: its tagging, and every heat map on demand."""

    tagger: Tagger
    feature_map: FloatArray  # (K, h, w)
    own_scores: FloatArray  # (T,), before parents are raised
    tagging: Tagging

    def heatmap(self, tag: str) -> Heatmap:
        """Where the model saw the tag; for a parent, the map of the child that gave it its score.

        Raises:
            UnknownTagError: the model does not have the tag.
        """
        return self.heatmaps([tag])[0]

    def heatmaps(self, tags: Iterable[str] | None = None) -> list[Heatmap]:
        """The maps of some tags, or of all in the model's order.

        Raises:
            UnknownTagError: the model does not have one of the tags.
        """
        tagger = self.tagger
        places = [tagger.place(tag) for tag in (tagger.tags if tags is None else tags)]
        sources = [tagger.hierarchy.source(place, self.own_scores) for place in places]
        maps = tagger.folder.head.maps(self.feature_map, sources)
        return [
            Heatmap(values, tagger.tags[place], tagger.tags[source], float(self.own_scores[source]))
            for place, source, values in zip(places, sources, maps, strict=True)
        ]


def _name(photo: Photo) -> str | None:
    return str(photo) if isinstance(photo, str | Path) else None
