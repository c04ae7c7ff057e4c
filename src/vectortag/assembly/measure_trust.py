"""How far a model's new tags, words and searches can be trusted, measured on tagged photos of many sources.

photos of all sets -> embeddings, and what is known of them          judge_photos
tags of one source, tried on others -> trust of tags from photos     try_attempts, fit_trust
names of tags, tried on photos -> trust of words                     try_words, fit_trust
captions and names, searched -> the line of a search                 fit_line
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vectortag.assembly.judged_photos import JudgedPhotos, judge_photos
from vectortag.assembly.photo_trials import (
    BANK_PHOTOS,
    attempts_of,
    head_without,
    said_by_names,
    transfers_of,
    try_attempts,
)
from vectortag.assembly.trust_curves import fit_trust
from vectortag.assembly.word_trials import Captions, fit_line, try_words, views_of
from vectortag.core.types import FloatArray
from vectortag.data.records import DataSet
from vectortag.inference.tagger import Tagger
from vectortag.model.bank import Bank
from vectortag.model.folder import ModelFolder
from vectortag.model.trust import Trust
from vectortag.model.words.similarity import Views, WordEmbedding, Words
from vectortag.model.words.text_model import TextModel
from vectortag.model.words.word_vectors import read_words, word_bank

MOST_TAGS = 60
"""Tags that are tried from photos."""

SIGNS_OF = 2
"""Every second photo of the bank is enough for the signs of a word."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a model folder gets; `words` are those that were measured, with trust and line."""

    bank: Bank
    words: Words | None


def measure_trust(
    tagger: Tagger, words: Words | None, sets: Sequence[DataSet], captioned: Sequence[Captions], model: TextModel | None
) -> Measured:
    """Measure all of it; what too few photos show is None.

    Args:
        words: what the model knows of words; None draws the bank alone.
        sets: tagged sets, the more sources the better; their training photos are used.
        captioned: held-out photos with captions.
        model: reads names that are not among the common nouns; None leaves them out.
    """
    photos = judge_photos(tagger, sets)
    bank = photos.embeddings[photos.draw(BANK_PHOTOS)]
    log.info("a bank of %d photos of %d sets", len(bank), len(sets))
    if words is None:
        return Measured(Bank(bank), None)
    texts = read_names(photos, model)
    embedded = embed_names(tagger.folder, words, texts)
    views, seen = views_of(words, photos.embeddings), views_of(words, bank[::SIGNS_OF])
    named = _trust_of_photos(tagger.folder, photos, embedded, views)
    trust = fit_trust(try_words(words, photos, texts, embedded, views, seen))
    line = fit_line(words, photos, texts, views, seen, captioned)
    return Measured(Bank(bank, named), replace(words, trust=trust, line=line))


def _trust_of_photos(
    folder: ModelFolder, photos: JudgedPhotos, embedded: Mapping[int, WordEmbedding], views: Views
) -> Trust | None:
    """Of tags from photos whose name is read as well."""
    transfers = transfers_of(photos, folder.manifest.taxonomy, most=MOST_TAGS)
    transfers = [one for one in transfers if one.tag in embedded]
    if not transfers:
        return None
    log.info("trying %d tags of one source on photos of others", len({one.tag for one in transfers}))
    head = head_without(folder, photos, [one.tag for one in transfers])
    attempts = attempts_of(photos, transfers)
    return fit_trust(try_attempts(photos, attempts, head, said=said_by_names(embedded, views)))


def read_names(photos: JudgedPhotos, model: TextModel | None) -> dict[int, FloatArray]:
    """The names of the tags that photos show, as texts, by the tag's index."""
    found: dict[int, FloatArray] = {}
    for tag in np.flatnonzero((photos.labels == 1).any(axis=0)).tolist():
        name = photos.tags[tag]
        vector = word_bank().vector(name.lower())
        if vector is None and model is not None:
            vector = read_words(model, [name])[0]
        if vector is not None:
            found[tag] = vector
    return found


def embed_names(folder: ModelFolder, words: Words, texts: dict[int, FloatArray]) -> dict[int, WordEmbedding]:
    """By the tag's index; empty where the folder has no background."""
    if folder.background is None:
        return {}
    background: Views = words.views(folder.background)
    return {tag: words.embed_word(text, background) for tag, text in texts.items()}
