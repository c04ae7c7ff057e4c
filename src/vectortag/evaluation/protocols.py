"""The figures that papers report, by the papers' rules, so that a model can be set beside published ones.

Both protocols take every photo as fully annotated: a word that does not stand in a photo's row is absent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import DataError, UnknownTagError
from vectortag.core.text import normalise
from vectortag.core.types import Arithmetic, ByteArray, FloatArray
from vectortag.data.records import DataSet, Record, read_data_set
from vectortag.evaluation.evaluate import Split, as_known, as_plain, choose_part, embed_records
from vectortag.evaluation.metrics import AtFive, at_k, average_precision, count, mean_over_tags, top_k
from vectortag.inference.tagger import Tagger

Protocol = Literal["corel5k", "coco"]
PROTOCOLS: tuple[Protocol, ...] = ("corel5k", "coco")

CUT = 0.5
"""The score from which a category counts as predicted in the protocol "coco"."""


@dataclass(frozen=True, slots=True)
class Corel5k:
    """Exactly five words a photo (Duygulu et al. 2002; Guillaumin et al. 2009, TagProp).

    Precision and recall are means over ALL test words, those with a positive in the evaluated photos: a word that was
    never predicted has precision 0, and so has, with recall 0, one that the model does not know. F1 is the harmonic
    mean of the two means, N+ the number of words with recall above 0. The five are the highest scores among the words
    that the model learnt from a set of this name (the words of the file, where it was trained on none): tags that it
    learnt elsewhere take no place from them.

    Attributes:
        words: the number of test words.
        missing: those that the model does not know.
        translated: the model's taxonomy changed the set's words: the test words are its tags, synonyms are joined and
            ignored words gone, and the figures are not comparable with published ones. Train with taxonomy "none".
    """

    words: int
    missing: tuple[str, ...]
    translated: bool
    precision: float
    recall: float
    f1: float
    n_plus: int


@dataclass(frozen=True, slots=True)
class Averages:
    """Precision, recall and F1 by class and overall, as the multi-label literature has them (arXiv:1702.05891).

    CP and CR are means over the categories that have positives, with 0 for one that was never predicted; OP and OR are
    over all entries together; CF1 and OF1 are the harmonic means of the two before them.
    """

    class_precision: float
    class_recall: float
    class_f1: float
    overall_precision: float
    overall_recall: float
    overall_f1: float


@dataclass(frozen=True, slots=True)
class Coco:
    """Mean average precision, and `Averages` in two ways (Wang et al. 2016, arXiv:1604.04573; Zhu et al. 2017).

    Attributes:
        categories: how many the set has: 80 in COCO.
        judged: how many have positives and negatives in the evaluated photos; `map` is the mean over them.
        at_half: predicted is what has a score of 0.5 or more.
        top_three: predicted are the three highest scores of each photo, however low.
    """

    categories: int
    judged: int
    map: float
    at_half: Averages
    top_three: Averages


@dataclass(frozen=True, slots=True)
class ProtocolReport:
    """A model on a data set by a protocol; `failed` has an error for each photo that could not be read."""

    protocol: Protocol
    model: str
    precision: Arithmetic
    size: int
    data: str
    split: str
    photos: int
    failed: tuple[str, ...]
    figures: Corel5k | Coco

    def to_json(self) -> dict[str, Any]:
        """The same as plain values; what is not a number becomes None."""
        return as_plain(asdict(self))


def evaluate_by_protocol(
    tagger: Tagger,
    data: str | Path | DataSet,
    protocol: Protocol,
    *,
    split: Split = "all",
    dataset: str | None = None,
    skip_bad_rows: bool = False,
) -> ProtocolReport:
    """Score the photos of a data set and judge the scores by a protocol; arguments as `vt.evaluate`.

    Raises:
        DataError: the set cannot be read, or has no such part, or there is no such protocol.
        UnknownTagError: the model knows fewer than five words of the set ("corel5k"), or has not a tag of its own for
            each category that the photos show ("coco").
    """
    if protocol not in PROTOCOLS:
        raise DataError(f"no protocol {protocol!r}. Expected one of: {', '.join(PROTOCOLS)}")
    if not isinstance(data, DataSet):
        data = read_data_set(data, name=dataset, skip_bad_rows=skip_bad_rows)
    data = as_known(data, split, tagger.folder.manifest)
    records = choose_part(data, split, tagger.folder.manifest)
    if protocol == "coco":
        _need_all_categories(records, data.name, tagger)
        names = _names_in(data, tagger)
    else:
        names = _names_in(data, tagger) | _learnt_from(data, tagger)
        _need_five_words(data, tagger, names)
    embeddings, readable, failed = embed_records(tagger, records, skip_bad_rows=skip_bad_rows)
    columns = sorted(names)
    scores = _columns_of(tagger.scores(embeddings), columns, tagger)
    targets = _targets(readable, columns, tagger)
    if protocol == "coco":
        figures: Corel5k | Coco = coco(scores, targets)
    else:
        figures = corel5k(scores, targets, columns, translated=_translates(data, tagger))
    return ProtocolReport(
        protocol=protocol,
        model=tagger.folder.id,
        precision=tagger.embedder.session.precision,
        size=tagger.embedder.size,
        data=data.name,
        split=split,
        photos=len(readable),
        failed=(*failed, *data.problems),
        figures=figures,
    )


def corel5k(scores: FloatArray, targets: ByteArray, words: Sequence[str], *, translated: bool = False) -> Corel5k:
    """The protocol "corel5k".

    Args:
        scores: (N, W); minus infinity for a word that the model does not know.
        targets: (N, W) uint8, 0 or 1.
        words: (W,) the columns' names.
        translated: as in `Corel5k`.
    """
    tested = (targets == 1).any(axis=0)  # (W,)
    known = np.isfinite(scores).all(axis=0)  # (W,)
    five: AtFive = at_k(scores, targets, 5)
    missing = tuple(word for word, lacks in zip(words, tested & ~known, strict=True) if lacks)
    return Corel5k(int(tested.sum()), missing, translated, five.precision, five.recall, five.f1, five.n_plus)


def coco(scores: FloatArray, targets: ByteArray) -> Coco:
    """The protocol "coco": (N, C) scores in [0, 1], (N, C) uint8 targets, 0 or 1."""
    precisions = average_precision(scores, targets)
    return Coco(
        categories=scores.shape[1],
        judged=int((~np.isnan(precisions)).sum()),
        map=mean_over_tags(precisions),
        at_half=averages(scores >= CUT, targets),
        top_three=averages(top_k(scores, targets, 3), targets),
    )


def averages(predicted: npt.NDArray[np.bool_], targets: ByteArray) -> Averages:
    """By class and overall: (N, C) bool, (N, C) uint8, 0 or 1. NaN if no category has a positive."""
    counts = count(predicted, targets)
    tested = counts.positives > 0
    if not tested.any():
        return Averages(*[float("nan")] * 6)
    cp, cr = float(counts.precision[tested].mean()), float(counts.recall[tested].mean())
    hits = float(counts.hits.sum())
    precision, recall = hits / max(float(counts.predicted.sum()), 1.0), hits / float(counts.positives.sum())
    return Averages(cp, cr, _harmonic(cp, cr), precision, recall, counts.micro_f1)


def _harmonic(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


def _words_in(records: Iterable[Record]) -> list[str]:
    """All words of these records, in lower case."""
    return sorted({normalise(word) for record in records for word in record.words} - {""})


def _name(word: str, data: str, tagger: Tagger) -> str | None:
    """What the model's taxonomy calls a word: without one, the word itself; parents are not added."""
    return tagger.folder.manifest.taxonomy.canonical(word, dataset=data)


def _names_in(data: DataSet, tagger: Tagger) -> set[str]:
    return {name for word in _words_in(data.records) if (name := _name(word, data.name, tagger)) is not None}


def _learnt_from(data: DataSet, tagger: Tagger) -> set[str]:
    """The tags that the model learnt from a training set of this name."""
    info = tagger.folder.manifest.data_set(data.name)
    return set(info.known) & set(tagger.tags) if info else set()


def _targets(records: Sequence[Record], names: Sequence[str], tagger: Tagger) -> ByteArray:
    """(N, W) uint8: 1 if a photo has a word of that name, else 0."""
    index = {name: column for column, name in enumerate(names)}
    targets = np.zeros((len(records), len(names)), np.uint8)
    for row, record in zip(targets, records, strict=True):
        found = (_name(word, record.dataset, tagger) for word in record.words)
        row[[index[name] for name in found if name is not None]] = 1
    return targets


def _columns_of(scores: FloatArray, names: Sequence[str], tagger: Tagger) -> FloatArray:
    """(N, T) -> (N, W): the scores of these names; minus infinity for one that the model does not know."""
    chosen = np.full((len(scores), len(names)), -np.inf, np.float32)
    for column, name in enumerate(names):
        if name in tagger.tags:
            chosen[:, column] = scores[:, tagger.tags.index(name)]
    return chosen


def _translates(data: DataSet, tagger: Tagger) -> bool:
    return any(_name(word, data.name, tagger) != word for word in _words_in(data.records))


def _need_five_words(data: DataSet, tagger: Tagger, names: set[str]) -> None:
    known = len(names & set(tagger.tags))
    if known < 5:
        raise UnknownTagError(
            f'model "{tagger.folder.manifest.name}": it knows {known} of the {len(names)} words of {data.name}, and '
            "the protocol corel5k needs five for each photo. Train it on this set"
        )


def _need_all_categories(records: Sequence[Record], data: str, tagger: Tagger) -> None:
    words = _words_in(records)
    by_name: dict[str | None, list[str]] = {}
    for word in words:
        by_name.setdefault(_name(word, data, tagger), []).append(word)
    homeless = sorted(w for name, named in by_name.items() if name not in tagger.tags or len(named) > 1 for w in named)
    if homeless:
        raise UnknownTagError(
            f'model "{tagger.folder.manifest.name}": {len(homeless)} of the {len(words)} categories that these photos '
            f"of {data} show have no tag of their own: {', '.join(homeless)}. The protocol coco needs one for each"
        )
