"""Tagged photos of many sources, and what is known of each: on them new tags, words and searches are tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from vectortag.core.types import UNKNOWN, ByteArray, FloatArray
from vectortag.data.records import DataSet
from vectortag.data.usable import embed_photos_of
from vectortag.data.vocabulary import build_targets
from vectortag.evaluation.evaluate import choose_part, known_in
from vectortag.inference.tagger import Tagger
from vectortag.model.manifest import Manifest

MOST_PHOTOS = 3500
"""Photos of a set that are looked at."""

ABSENT_BELOW = 0.5
"""A tag that nobody named is taken to be absent where the model gives it less than this share of its threshold."""

BATCH = 2000


@dataclass(frozen=True, slots=True)
class JudgedPhotos:
    """N photos of S sets and what they show of the T tags of a model.

    Attributes:
        embeddings: (N, K).
        labels: (N, T) uint8: 1 where a tag was named, 0 where it is absent, 255 where nobody knows.
        sets: (N,) the index of each photo's set in `names`.
        sources: (S,) which sets are of one source, or are left out together: equal numbers.
        judges: (S,) whether the absence of a tag there means anything.
    """

    tags: tuple[str, ...]
    names: tuple[str, ...]
    embeddings: FloatArray
    labels: ByteArray
    sets: npt.NDArray[np.intp]
    sources: npt.NDArray[np.intp]
    judges: npt.NDArray[np.bool_]

    def judged(self, tag: int) -> ByteArray:
        """(N,) labels of a tag, those of sets that are no judges unknown."""
        labels: ByteArray = np.where(self.judges[self.sets], self.labels[:, tag], UNKNOWN).astype(np.uint8)
        return labels

    def draw(self, most: int, *, among: npt.NDArray[np.bool_] | None = None, seed: int = 0) -> npt.NDArray[np.intp]:
        """At most so many photos, as many of each set as there are of the others, in the order of the photos."""
        random = np.random.default_rng(seed)
        rows = np.arange(len(self.sets)) if among is None else np.flatnonzero(among)
        of_sets = [random.permutation(rows[self.sets[rows] == one]) for one in np.unique(self.sets[rows])]
        rank = np.concatenate([np.arange(len(one)) for one in of_sets])
        drawn = np.concatenate(of_sets)[np.argsort(rank, kind="stable")][:most]
        return np.sort(drawn)


def judge_photos(tagger: Tagger, sets: Sequence[DataSet]) -> JudgedPhotos:
    """Embed training photos of all sets, and read what is known of them.

    A tag is absent where a set that lists its tags does not name it, or where neither the set names it nor the model
    comes near to showing it: of most photos nobody wrote down everything.
    """
    folder, random = tagger.folder, np.random.default_rng(0)
    network = folder.manifest.files[folder.network_in(tagger.embedder.session.precision).name]
    embeddings, labels, indexes = [], [], []
    for index, data in enumerate(sets):
        records = choose_part(data, "train", folder.manifest)
        records = [records[row] for row in np.sort(random.permutation(len(records))[:MOST_PHOTOS])]
        found, _ = embed_photos_of(tagger.embedder, network, records)
        records = [record for record in records if record.path in found]
        embeddings.append(np.stack([found[record.path] for record in records]))
        known = known_in(data, folder.manifest)
        labels.append(build_targets(records, folder.manifest.tags, folder.manifest.taxonomy, known))
        indexes.append(np.full(len(records), index))
    photos, of_sets = np.concatenate(embeddings), np.concatenate(indexes)
    facts = _facts(folder.manifest)
    judges = np.array([data.known is not None or bool(facts.get(data.name, {}).get("judges")) for data in sets])
    sources = [str(facts.get(data.name, {}).get("fold") or data.name) for data in sets]
    return JudgedPhotos(
        folder.manifest.tags,
        tuple(data.name for data in sets),
        photos,
        _with_absent(tagger, photos, np.concatenate(labels), judges[of_sets]),
        of_sets,
        np.unique(sources, return_inverse=True)[1],
        judges,
    )


def _with_absent(tagger: Tagger, photos: FloatArray, labels: ByteArray, trusted: npt.NDArray[np.bool_]) -> ByteArray:
    limits = ABSENT_BELOW * np.nan_to_num(tagger.thresholds, nan=1.0)
    for start in range(0, len(photos), BATCH):
        rows = slice(start, start + BATCH)
        absent = tagger.scores(photos[rows]) < limits
        own = labels[rows]
        denied = (own == 0) & (absent | trusted[rows, None])
        labels[rows] = np.where(own == 1, 1, np.where(denied | ((own == UNKNOWN) & absent), 0, UNKNOWN))
    return labels


def _facts(manifest: Manifest) -> Mapping[str, Mapping[str, Any]]:
    """What the recipe said of each set that the model was trained on, by the set's name."""
    config = manifest.provenance.get("config")
    data = config.get("data", ()) if isinstance(config, Mapping) else ()
    return {str(one["name"]): one for one in data if isinstance(one, Mapping) and "name" in one}
