"""Teach a model words, from captions and tagged photos, in minutes on a CPU and without torch.

photos -> embeddings, kept in the cache; captions, words and classes -> texts     gather
both -> how words relate to the embeddings                                        learn_words
the words of one set, held out from the training -> how well untaught words do    fit_evidence
all of it, tried on photos of many sources -> how far tags and searches are trusted  measure_trust
all of it -> words.safetensors and the bank in the model folder, which is replaced as a whole
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vectortag.assembly.contrastive import EPOCHS, Described, Tagged, learn_words
from vectortag.assembly.measure_trust import measure_trust
from vectortag.assembly.word_trials import Captions
from vectortag.assembly.word_trust import Trial, fit_evidence
from vectortag.core.errors import DataError
from vectortag.core.folders import PACKAGE
from vectortag.core.numerics import unit
from vectortag.core.types import FloatArray
from vectortag.data.embedding_cache import Embeddings, embed_photos
from vectortag.data.records import DataSet, Record, photo_in
from vectortag.data.shards.reading import refuse_shards
from vectortag.data.tables import opened_table
from vectortag.data.usable import read_usable
from vectortag.evaluation.evaluate import as_known, choose_part
from vectortag.evaluation.model_card import write_card
from vectortag.inference.tagger import Tagger
from vectortag.model.classifier import Classifier
from vectortag.model.folder import ModelFolder, check_destination, rewrite_model_folder
from vectortag.model.precision import Precision, open_model
from vectortag.model.registry import find_model_folder
from vectortag.model.words.similarity import LIST_PROMPT, Words, no_classes, prompts_of, values
from vectortag.model.words.text_model import TextModel
from vectortag.model.words.tokenizer import word_pieces
from vectortag.model.words.word_vectors import read_words
from vectortag.runtime.embedder import Embedder

log = logging.getLogger(__name__)

MOST_KNOWN = 1000
"""How many words are stored, to tell what a new word is near to: the most frequent of all sets."""
FEWEST_PHOTOS, FEWEST_FOR_TRIAL = 3, 10
CAPTIONS, LISTS = 5, 3
"""Texts a photo: captions, and lists of its words, in other orders and with words left out."""
LONGEST_CAPTION = 60
TRIAL_EPOCHS = 12

BACKGROUND_PHOTOS = 1000

MOST_HELD_OUT = 700
"""Photos of a file of captions that searches are tried on."""


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


def learn(
    model: str | Path | ModelFolder,
    captions: Sequence[Path],
    data: Sequence[str | Path],
    *,
    tried: Sequence[str | Path] = (),
    keep_words: bool = False,
    output: Path | None = None,
    precision: Precision = "exact",
) -> ModelFolder:
    """Teach a model words, and measure how far they, tags from few photos and searches can be trusted.

    The folder is written again with its `words.safetensors` and its bank. All else in it stays as it is.

    Args:
        model: a model's name or folder.
        captions: CSV files with the columns image_path and caption, a row a caption.
        data: tagged sets; those photos that the model keeps for validation are left out, with their captions.
        tried: tagged sets that teach nothing: only trust is measured on them, beside the others.
        keep_words: the words stay as they are, and only trust is measured.
        output: the new model folder; None replaces the model's own.
        precision: of the network; "bf16" takes embeddings that a training cached.

    Raises:
        DataError: the captions or a set cannot be read.
        MissingExtraError: the text model is not installed.
        ModelFolderError: the folder cannot be written.
        OverwriteError: something else than a model folder lies there.
    """
    folder = find_model_folder(model)
    check_destination(output or folder.path)
    for one in (*data, *tried):
        refuse_shards(one, "vectortag learn-words")
    sets, others = (
        [as_known(read_usable(one, skip_bad_rows=True), "train", folder.manifest) for one in some]
        for some in (data, tried)
    )
    texts = TextModel()
    words = folder.words
    if not keep_words:
        material = gather(folder, captions, sets, texts, precision=precision)
        log.info("learning words from %d photos", len(material.photos))
        words = replace(material.learn(), evidence=fit_evidence(try_unheard(material)))
    tagger = Tagger.load(folder, additions=False, precision=precision)
    kept = [] if words is None else _held_out(tagger, words, captions, sets, texts, precision)
    measured = measure_trust(tagger, words, [*sets, *others], kept, texts)
    return rewrite_model_folder(
        folder,
        output or folder.path,
        int8_network=folder.int8_content(),
        words=measured.words,
        bank=measured.bank,
        card=write_card,
        name=folder.manifest.name if output is None else output.name,
    )


def _held_out(
    tagger: Tagger,
    words: Words,
    captions: Sequence[Path],
    sets: Sequence[DataSet],
    model: TextModel,
    precision: Precision,
) -> list[Captions]:
    """Validation photos of the sets that have captions, a collection for each file."""
    manifest = tagger.folder.manifest
    kept = {record.path for one in sets for record in choose_part(one, "val", manifest)}
    found = []
    for file in captions:
        read = read_captions(file)
        pairs = [pair for pair in zip(read.photos, read.captions, strict=True) if pair[0] in kept][:MOST_HELD_OUT]
        embeddings = _embed(tagger.folder, [photo for photo, _ in pairs], precision) if pairs else {}
        said = [(embeddings[photo], texts) for photo, texts in pairs if photo in embeddings]
        if said:
            vectors = model.embed([text for _, texts in said for text in texts])
            directions = words.views(np.stack([photo for photo, _ in said])).directions
            found.append(Captions(directions, vectors.reshape(len(said), len(said[0][1]), -1)))
    return found


def try_unheard(material: Material) -> list[Trial]:
    """Hold out each set without captions in turn, and try its words on its photos."""
    trials = []
    for name in material.tagged:
        if name in material.with_captions or len(material.tagged) == 1:
            continue
        log.info("how far to trust it: the words of %s, from all others", name)
        trials += trials_of(material.learn(without=name, epochs=TRIAL_EPOCHS), material, name)
    return trials


def trials_of(words: Words, material: Material, name: str) -> list[Trial]:
    """The words of one set, tried on its photos by what was learnt without that set."""
    tagged = material.tagged[name]
    background = words.views(material.photos[:: max(1, len(material.photos) // BACKGROUND_PHOTOS)])
    views = words.views(material.photos[tagged.rows])
    trials = []
    for text, has in zip(tagged.texts, tagged.has.T, strict=True):
        if has.sum() >= FEWEST_FOR_TRIAL:
            nearness = words.nearest(text, 1)[0][1]
            trials.append(Trial(nearness, values(words.embed_word(text, background), views), has))
    return trials


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
    embeddings = _embed(folder, sorted(paths), precision)
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


def _embed(folder: ModelFolder, paths: Sequence[Path], precision: Precision) -> Embeddings:
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
