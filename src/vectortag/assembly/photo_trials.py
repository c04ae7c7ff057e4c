"""New tags from photos of one source, tried on photos of others, with a head that was not taught them."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vectortag.assembly.judged_photos import BATCH, JudgedPhotos
from vectortag.assembly.mlp import MlpOptions, fit_mlp
from vectortag.assembly.trust_curves import Trial
from vectortag.core.types import FloatArray
from vectortag.model.added_block import new_tag_features, new_tag_parts
from vectortag.model.folder import ModelFolder
from vectortag.model.head import Head
from vectortag.model.taxonomy import Taxonomy
from vectortag.model.words.similarity import Views, WordEmbedding, values
from vectortag.personal.few_shot import Backdrop, fit_row

COUNTS = (5, 10, 20, 50)
FEWEST_EXAMPLES, FEWEST_JUDGED = 60, 25
MOST_COMMON = 0.06
"""A tag that more photos have is no kind of thing that is added."""

TRANSFERS = 2
"""Pairs of sources that a tag is tried on, at most."""

MOST_NEGATIVES = 8000
"""Photos of others without the tag that a trial is judged by, at most."""

BANK_PHOTOS = 4000
HEAD_PHOTOS = 12_000
HEAD_OPTIONS = MlpOptions(hidden=1024, batch_size=256, epochs=6, weight_decay=0.05, input_dropout=0.2)


@dataclass(frozen=True, slots=True)
class Transfer:
    """A tag that one set teaches and sets of other sources judge.

    Attributes:
        tag: its index.
        teacher: the set of the examples.
        near: (S,) the sets on the teacher's side, of which the bank is drawn; the others judge.
    """

    tag: int
    teacher: int
    near: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One draw of examples, (n,) rows of photos; the rows that judge it, and whether each of them has the tag, (m,)."""

    transfer: Transfer
    examples: npt.NDArray[np.intp]
    judging: npt.NDArray[np.intp]
    has: npt.NDArray[np.bool_]


def transfers_of(photos: JudgedPhotos, taxonomy: Taxonomy, *, most: int, seed: int = 0) -> list[Transfer]:
    """Tags without narrower ones that several sources have, drawn at random, each with some pairs of sides."""
    random, found = np.random.default_rng(seed), dict[int, list[Transfer]]()
    broad = {parent for tag in photos.tags for parent in taxonomy.ancestors(tag)}
    common = (photos.labels == 1).mean(axis=0) > MOST_COMMON
    for tag in range(len(photos.tags)):
        if common[tag] or photos.tags[tag] in broad:
            continue
        counts = np.bincount(photos.sets[photos.labels[:, tag] == 1], minlength=len(photos.names))
        judged = np.bincount(photos.sets[photos.judged(tag) == 1], minlength=len(photos.names))
        for near in _sides(photos.sources):
            teacher = int(np.argmax(np.where(near, counts, -1)))
            if counts[teacher] >= FEWEST_EXAMPLES and judged[~near].sum() >= FEWEST_JUDGED:
                found.setdefault(tag, []).append(Transfer(tag, teacher, near))
    chosen = sorted(random.permutation(sorted(found))[:most].tolist())
    return [found[tag][pair] for tag in chosen for pair in sorted(random.permutation(len(found[tag]))[:TRANSFERS])]


def _sides(sources: npt.NDArray[np.intp]) -> Iterator[npt.NDArray[np.bool_]]:
    """Ways to halve the sources; both halves of each."""
    kinds = np.unique(sources)
    for half in itertools.islice(itertools.combinations(kinds, max(1, len(kinds) // 2)), 6):
        near = np.isin(sources, half)
        yield near
        if len(kinds) != 4:  # of four, each half is the other half of another
            yield ~near


def head_without(folder: ModelFolder, photos: JudgedPhotos, tags: Sequence[int], *, seed: int = 1) -> Head:
    """A head that is taught what the model's is, but for some tags and what implies them."""
    manifest = folder.manifest
    first = folder.head.blocks[0].tag_count
    left_out = {photos.tags[tag] for tag in tags}
    taught = [
        tag
        for tag, name in enumerate(photos.tags[:first])
        if name not in left_out and left_out.isdisjoint(manifest.taxonomy.ancestors(name))
    ]
    rows = photos.draw(HEAD_PHOTOS, seed=seed)
    return Head(
        (fit_mlp(photos.embeddings[rows], photos.labels[rows][:, taught], HEAD_OPTIONS), *folder.head.blocks[1:])
    )


def attempts_of(
    photos: JudgedPhotos, transfers: Sequence[Transfer], *, counts: Sequence[int] = COUNTS, draws: int = 2
) -> list[Attempt]:
    """Draw examples of each tag from its teacher, so many times each count; photos of the bank are none."""
    found = []
    for transfer in transfers:
        labels, is_near = photos.judged(transfer.tag), transfer.near[photos.sets]
        has_not = np.flatnonzero((labels == 0) & ~is_near)
        has_not = np.random.default_rng(transfer.tag).permutation(has_not)[:MOST_NEGATIVES]
        judging = np.concatenate([np.flatnonzero((labels == 1) & ~is_near), has_not])
        named = np.flatnonzero((photos.labels[:, transfer.tag] == 1) & (photos.sets == transfer.teacher))
        own = np.setdiff1d(named, bank_of(photos, transfer.near))
        for count, draw in itertools.product(counts, range(draws)):
            if count <= len(own):
                chosen = np.random.default_rng([transfer.tag, transfer.teacher, draw]).permutation(own)[:count]
                found.append(Attempt(transfer, chosen, judging, labels[judging] == 1))
    return found


def bank_of(photos: JudgedPhotos, near: npt.NDArray[np.bool_]) -> npt.NDArray[np.intp]:
    """The rows of a bank that is drawn from some of the sets, (S,) bool."""
    return photos.draw(BANK_PHOTOS // 2, among=near[photos.sets])


def try_attempts(
    photos: JudgedPhotos,
    attempts: Sequence[Attempt],
    head: Head,
    *,
    said: Callable[[int], FloatArray] | None = None,
) -> list[Trial]:
    """Fit each attempt against a bank of its side, and see what it says on the other side.

    Args:
        said: what the name of a tag says of every photo, by the tag's index: (N,). None: examples alone.
    """
    tried: dict[int, Trial] = {}
    for key in sorted({attempt.transfer.near.tobytes() for attempt in attempts}):
        here = [index for index, one in enumerate(attempts) if one.transfer.near.tobytes() == key]
        bank = bank_of(photos, attempts[here[0]].transfer.near)
        features = FeaturesOf(photos, head)
        backdrop = Backdrop.of(features[bank], new_tag_parts(head)).for_many()
        for index in here:
            attempt = attempts[index]
            examples = features[attempt.examples][:, None]
            by_name = None if said is None else said(attempt.transfer.tag)
            known = None if by_name is None else (by_name[attempt.examples], by_name[:0], by_name[bank])
            row = fit_row(examples, examples[:0], backdrop, by_words=known)
            there = features[attempt.judging] @ row.w.astype(np.float32) - np.float32(row.w @ backdrop.middle)
            if by_name is not None:
                there = there + by_name[attempt.judging]
            there = (there - row.middle) / row.scale
            name = photos.tags[attempt.transfer.tag]
            tried[index] = Trial(name, row.signs, there[attempt.has], there[~attempt.has])
    return [tried[index] for index in range(len(attempts))]


def said_by_names(embedded: Mapping[int, WordEmbedding], views: Views) -> Callable[[int], FloatArray]:
    """What names say of all photos, by the tag's index; each is computed once."""
    return functools.cache(lambda tag: values(embedded[tag], views))


class FeaturesOf:
    """The features of photos, each computed once."""

    def __init__(self, photos: JudgedPhotos, head: Head) -> None:
        self._photos, self._head = photos, head
        self._features = np.empty((len(photos.embeddings), sum(new_tag_parts(head))), np.float32)
        self._is_there = np.zeros(len(photos.embeddings), bool)

    def __getitem__(self, rows: npt.NDArray[np.intp]) -> FloatArray:
        missing = rows[~self._is_there[rows]]
        for start in range(0, len(missing), BATCH):
            some = missing[start : start + BATCH]
            self._features[some] = new_tag_features(self._head, self._photos.embeddings[some])
            self._is_there[some] = True
        return self._features[rows]
