"""What words are learnt from: the embeddings of photos, with the texts of captions, of words and of classes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.assembly.contrastive import EPOCHS, Described, Tagged, learn_words
from vectortag.core.errors import DataError
from vectortag.core.folders import PACKAGE
from vectortag.core.numerics import unit
from vectortag.core.types import FloatArray
from vectortag.data.embedding_cache import Embeddings, embed_photos
from vectortag.data.records import DataSet, Record, photo_in
from vectortag.data.tables import opened_table
from vectortag.evaluation.evaluate import choose_part
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder
from vectortag.model.precision import Precision, open_model
from vectortag.model.words.similarity import LIST_PROMPT, Words, no_classes, prompts_of
from vectortag.model.words.text_model import TextModel
from vectortag.model.words.tokenizer import word_pieces
from vectortag.model.words.word_vectors import read_words
from vectortag.runtime.embedder import Embedder

log = logging.getLogger(__name__)

MOST_KNOWN = 1000
"""How many words are stored, to tell what a new word is near to: the most frequent of all sets."""
FEWEST_PHOTOS = 3
"""A word of a tagged set is learnt from at least so many photos."""
CAPTIONS, LISTS = 5, 3
"""Texts a photo: captions, and lists of its words, in other orders and with words left out."""
LONGEST_CAPTION = 60
"""Word pieces; a longer caption is left out."""


@dataclass(frozen=True, slots=True)
class Captioned:
    """Photos with their captions, each as many as the first of them has at most `CAPTIONS`."""

    photos: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Material:
    """What words are learnt from: (N, K) embeddings, and the lessons that name their rows.

    Attributes:
        sets: by name, the words of each tagged set.
        with_captions: the sets whose photos have captions; their words cannot be held out.
    """

    photos: FloatArray
    classifier: Classifier
    class_texts: FloatArray
    captions: tuple[Described, ...]
    lists: dict[str, Described]
    tagged: dict[str, Tagged]
    sets: dict[str, tuple[str, ...]]
    with_captions: frozenset[str]

    def learn(self, *, without: str | None = None, epochs: int = EPOCHS) -> Words:
        """Learn from all sets, or from all but one, which is held out."""
        named = [name for name in self.tagged if name != without]
        counts: Counter[str] = Counter()
        vectors: dict[str, FloatArray] = {}
        for name in named:
            one = self.tagged[name]
            counts.update(dict(zip(self.sets[name], one.has.sum(axis=0).tolist(), strict=True)))
            vectors.update(zip(self.sets[name], one.texts, strict=True))
        known = tuple(word for word, _ in counts.most_common(MOST_KNOWN))
        return learn_words(
            self.photos,
            self.classifier,
            self.class_texts,
            described=[*self.captions, *(self.lists[name] for name in named if name in self.lists)],
            tagged=[self.tagged[name] for name in named],
            known=known,
            known_texts=np.stack([vectors[word] for word in known]),
            epochs=epochs,
        )


def gather(
    folder: ModelFolder,
    captions: Sequence[Path],
    sets: Sequence[DataSet],
    model: TextModel,
    *,
    precision: Precision = "exact",
) -> Material:
    """Embed photos and texts, of training photos alone.

    Raises:
        DataError: the captions cannot be read, or nothing is left of them.
    """
    read = [read_captions(file) for file in captions]
    training = {one.name: choose_part(one, "train", folder.manifest) for one in sets}
    kept = {record.path for one in sets for record in one.records}
    kept -= {record.path for records in training.values() for record in records}
    described = [_without(one, kept) for one in read]
    captioned = {photo for one in described for photo in one.photos}
    paths = dict.fromkeys([*captioned, *(record.path for part in training.values() for record in part)])
    embeddings = embed_all(folder, sorted(paths), precision)
    rows = {path: row for row, path in enumerate(embeddings)}
    photos = np.stack(list(embeddings.values()))
    classifier = folder.classifier or no_classes(photos.shape[1])
    log.info("reading %d captions", sum(len(texts) for one in described for texts in one.captions))
    lists, tagged, words = {}, {}, {}
    for name, records in training.items():
        here = [record for record in records if record.path in rows]
        words[name], tagged[name] = _tagged(here, rows, model)
        if captioned.isdisjoint(record.path for record in here):
            lists[name] = _lists(here, rows, model)
    return Material(
        photos,
        classifier,
        describe_classes(classifier, model),
        tuple(_described(one, rows, model) for one in described),
        lists,
        tagged,
        words,
        frozenset(training) - frozenset(lists),
    )


def read_captions(file: Path) -> Captioned:
    """Captions by photo, those first that come first.

    Raises:
        DataError: the file cannot be read, or has not the columns image_path and caption.
    """
    by_photo: dict[Path, list[str]] = {}
    with opened_table(file, ("image_path", "caption")) as table:
        for _, row in table.rows:
            if isinstance(row, DataError):
                raise row
            if len(word_pieces(row["caption"])) <= LONGEST_CAPTION:
                by_photo.setdefault(photo_in(file.parent, row["image_path"]), []).append(row["caption"])
    if not by_photo:
        raise DataError(f"{file}: there is no caption in it")
    count = min(CAPTIONS, max(map(len, by_photo.values())))
    filled = [tuple((said * count)[:count]) for said in by_photo.values()]
    return Captioned(tuple(by_photo), tuple(filled))


def describe_classes(classifier: Classifier, model: TextModel) -> FloatArray:
    """What each class is, (C, D): a class of ImageNet by its kind and its meaning in WordNet, any other by its name."""
    lines = (PACKAGE / "model" / "words" / "text" / "imagenet.tsv").read_text("utf-8").splitlines()
    described = {name: texts for name, *texts in (line.split("\t") for line in lines)}
    texts = [described.get(name, [name, name]) for name in classifier.names]
    both = model.embed(prompts_of([text for pair in texts for text in pair]))
    return unit(both[0::2] + both[1::2])


def _without(described: Captioned, kept: set[Path]) -> Captioned:
    pairs = [pair for pair in zip(described.photos, described.captions, strict=True) if pair[0] not in kept]
    if not pairs:
        raise DataError("every photo with captions is kept for validation. Give captions of other photos")
    return Captioned(*(tuple(side) for side in zip(*pairs, strict=True)))


def embed_all(folder: ModelFolder, paths: Sequence[Path], precision: Precision) -> Embeddings:
    """The embeddings of photos at the model's default size; photos that cannot be read are left out with a warning.

    Raises:
        DataError: none of them can be read.
    """
    session = open_model(folder, precision=precision)
    embedder = Embedder(session, folder.manifest.pixels, folder.manifest.operating_points[0].size)
    network = folder.network_in(session.precision)
    embeddings, failed = embed_photos(embedder, folder.manifest.files[network.name], paths)
    for error in failed:
        log.warning("left out: %s", error)
    if not embeddings:
        raise DataError(f"none of {len(paths)} photos can be read")
    return embeddings


def _described(described: Captioned, rows: dict[Path, int], model: TextModel) -> Described:
    readable = [index for index, photo in enumerate(described.photos) if photo in rows]
    texts = model.embed([text for index in readable for text in described.captions[index]])
    shape = (len(readable), len(described.captions[0]), texts.shape[1])
    return Described(np.array([rows[described.photos[index]] for index in readable], np.intp), texts.reshape(shape))


def _tagged(records: Sequence[Record], rows: dict[Path, int], model: TextModel) -> tuple[tuple[str, ...], Tagged]:
    counts = Counter(word for record in records for word in set(record.words))
    words = tuple(sorted(word for word, count in counts.items() if count >= FEWEST_PHOTOS))
    indexes = {word: index for index, word in enumerate(words)}
    has: npt.NDArray[np.bool_] = np.zeros((len(records), len(words)), np.bool_)
    for row, record in enumerate(records):
        has[row, [indexes[word] for word in set(record.words) if word in indexes]] = True
    return words, Tagged(np.array([rows[one.path] for one in records], np.intp), read_words(model, words), has)


def _lists(records: Sequence[Record], rows: dict[Path, int], model: TextModel) -> Described:
    """Texts in place of captions: "a photo of sky, sea, boat"."""
    random = np.random.default_rng(0)
    texts = []
    for record in records:
        for index in range(LISTS):
            words = [record.words[chosen] for chosen in random.permutation(len(record.words))]
            listed = words if index == 0 else words[: random.integers(1, len(words) + 1)]
            texts.append(", ".join(listed))
    vectors = model.embed(prompts_of(texts, LIST_PROMPT))
    return Described(
        np.array([rows[one.path] for one in records], np.intp), vectors.reshape(len(records), LISTS, vectors.shape[1])
    )
