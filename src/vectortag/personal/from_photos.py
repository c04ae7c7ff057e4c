"""A tag from example photos, from words, or from both, beside a model that stays as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from vectortag.core.errors import NewTagError, PhotoError
from vectortag.core.file_names import escape_path
from vectortag.core.files import read_file
from vectortag.core.numerics import roc_auc
from vectortag.core.text import normalise
from vectortag.core.types import FloatArray, StoredPhoto
from vectortag.model.added_block import new_tag_features, new_tag_parts
from vectortag.model.folder import ModelFolder
from vectortag.model.words.signs import class_nearness
from vectortag.model.words.word_vectors import word_bank
from vectortag.personal.added_tags import AddedTag, Wording, read_additions, save_addition
from vectortag.personal.few_shot import MIN_EXAMPLES, SIGNS, FittedTag, fit_tag
from vectortag.personal.from_words import EVERY, NEAREST, add_from_words, embed_tag, knows_words, word_values
from vectortag.personal.names import ancestors, check_name
from vectortag.personal.series import merge_series
from vectortag.runtime.embedder import VIEWS, Embedder
from vectortag.runtime.pixels import Photo, content_of, name_of

AGREEING = 0.75
"""A name counts where what it says is higher for an example than for other photos, so often (the area under the ROC
curve)."""


def add_tag(
    folder: ModelFolder,
    embedder: Embedder,
    name: str,
    positives: Iterable[Photo],
    negatives: Iterable[Photo],
    *,
    parents: Iterable[str],
    words: bool | str,
) -> AddedTag:
    """Fit a tag and keep it in the user's data folder; arguments and errors are those of `Tagger.add_tag`.

    Args:
        folder: the model.
        embedder: its network at its default size, at which its background photos were seen.
    """
    name, positives = normalise(name), list(positives)
    description = words if isinstance(words, str) else None
    if words is not False and not positives:
        return add_from_words(folder, name, description, parents=parents)
    refined = _wording_of(folder, name) if positives else None
    if refined is None:
        check_name(folder, name)
    above = ancestors(folder, name, parents)
    wording = refined
    if refined is None and words is not False:
        wording, _ = embed_tag(folder, name, description)
    shown, others = _different(positives, negatives)
    examples, counterexamples = (_views(embedder, photos, folder.manifest.backbone.width) for photos in (shown, others))
    if wording is None:
        wording = _name_that_fits(folder, name, examples)
    return save_addition(
        folder,
        name,
        fit_examples(folder, examples, counterexamples, wording),
        parents=above,
        size=embedder.size,
        examples=examples,
        counterexamples=counterexamples,
        wording=wording,
        replacing=refined is not None,
    )


def fit_examples(
    folder: ModelFolder, examples: FloatArray, counterexamples: FloatArray, wording: Wording | None
) -> FittedTag:
    """Fit a tag on the (n, V, K) embeddings of photos, beside words where there are some, against the background.

    Raises:
        NewTagError: there are too few examples, or the model has no background.
    """
    head, background, trust = folder.head, folder.background, None
    if wording is not None and folder.bank is not None and folder.bank.named is not None:
        trusted = folder.bank.named.middle.size == SIGNS  # else it is of another version, which saw other signs
        background, trust = (folder.bank.embeddings, folder.bank.named) if trusted else (background, None)
    if background is None:
        raise NewTagError(f"{folder.path}: the model has no background photos to tell a new tag from. Train it again")
    merged, counterexamples = (merge_series(photos, background) for photos in (examples, counterexamples))
    examples = merged if len(merged) >= MIN_EXAMPLES else examples  # photos of one thing that all look the same
    by_words = None
    if wording is not None:
        plain = (examples[:, 0], counterexamples[:, 0], background)
        by_words = word_values(knows_words(folder), wording.embedded, plain)
    shown_as = (new_tag_features(head, embeddings) for embeddings in (examples, counterexamples, background))
    return fit_tag(*shown_as, parts=new_tag_parts(head), by_words=by_words, trust=trust)


def _name_that_fits(folder: ModelFolder, name: str, examples: FloatArray) -> Wording | None:
    """The name of a tag as its words, where it is a common noun and the examples (n, V, K) stand out by it."""
    text = word_bank().vector(name)
    if text is None or folder.words is None or folder.bank is None or not len(examples):
        return None
    words, bank = folder.words, folder.bank.embeddings[::EVERY]
    background = bank if folder.background is None else folder.background
    near = words.nearest(text, NEAREST)
    embedded = words.embed_word(text, words.views(background))
    said, usual, _ = word_values(words, embedded, (examples[:, 0], bank, bank[:0]))
    if roc_auc(said, usual) < AGREEING:
        return None
    return Wording(name, embedded, tuple(word for word, _ in near), near[0][1], class_nearness(words, text))


def _wording_of(folder: ModelFolder, name: str) -> Wording | None:
    """The words of a tag that was added from words alone."""
    additions = read_additions(folder)
    for row, tag in enumerate(additions.tags):
        if tag.name == name and tag.words is not None and not tag.examples:
            return Wording(tag.words, additions.embedded[row], tag.nearest, tag.nearness or 0.0, tag.class_nearness)
    return None


def _different(positives: Iterable[Photo], negatives: Iterable[Photo]) -> tuple[list[Photo], list[Photo]]:
    """Both without copies.

    Raises:
        NewTagError: a photo is in both.
        PhotoError: a file cannot be read.
    """
    shown, others = ({_content_hash(photo): photo for photo in photos} for photos in (positives, negatives))
    if both := shown.keys() & others.keys():
        names = ", ".join(name_of(shown[key]) or "a photo" for key in sorted(both))
        raise NewTagError(f"{names}: given both as having the tag and as not having it")
    return list(shown.values()), list(others.values())


def _views(embedder: Embedder, photos: Iterable[Photo], width: int) -> FloatArray:
    """(n, V, K) embeddings of all views, K of them the width."""
    views = [embedder.embed_views(photo) for photo in photos]
    return np.stack(views) if views else np.empty((0, VIEWS, width), np.float32)


def _content_hash(photo: Photo) -> str:
    if isinstance(photo, str | Path):
        try:
            content = read_file(photo)
        except OSError as error:
            raise PhotoError(f"{escape_path(photo)}: cannot be read: {error.strerror}") from error
    elif isinstance(photo, bytes | StoredPhoto):
        content = content_of(photo)
    else:
        content = np.asarray(photo).tobytes()
    return hashlib.sha256(content).hexdigest()
