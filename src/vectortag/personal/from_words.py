"""A tag from its name or a description, without photos."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from vectortag.core.errors import WordsError
from vectortag.core.types import FloatArray
from vectortag.model.added_block import new_tag_parts
from vectortag.model.calibration import Calibration
from vectortag.model.folder import ModelFolder
from vectortag.model.taxonomy import Taxonomy
from vectortag.model.words import signs
from vectortag.model.words.similarity import WordEmbedding, Words, values
from vectortag.model.words.word_vectors import word_vector
from vectortag.personal.added_tags import AddedTag, Wording, save_addition
from vectortag.personal.few_shot import FittedTag, Values
from vectortag.personal.names import ancestors, check_name
from vectortag.runtime.embedder import VIEWS

NEAREST = 5
EVERY = 2
"""Every second photo of the bank is enough to see whether a word stands out."""

COMMON_TO = 3
"""Of the `NEAREST` known words, this many must imply a tag for it to be proposed as a parent."""


def add_from_words(
    folder: ModelFolder, name: str, description: str | None = None, *, parents: Iterable[str] = ()
) -> AddedTag:
    """Add a tag from its name, or its name and what it means, without any photo; the network is not needed.

    Args:
        name: normalised.
        parents: tags of the model that it implies; parents in the taxonomy are added anyway.

    Raises:
        NewTagError: the name is taken, or nothing can be saved.
        UnknownTagError: the model does not have a parent.
        MissingExtraError, WordsError: as `embed_tag`; or the network does not see what they say.
    """
    check_name(folder, name)
    above = ancestors(folder, name, parents)
    wording, fitted = embed_tag(folder, name, description)
    refuse_unseen(folder, wording.text, fitted)
    manifest = folder.manifest
    none = np.empty((0, VIEWS, manifest.backbone.width), np.float32)
    return save_addition(
        folder,
        name,
        fitted,
        parents=above,
        size=manifest.sizes[0],
        examples=none,
        counterexamples=none,
        wording=wording,
    )


def embed_tag(folder: ModelFolder, name: str, description: str | None) -> tuple[Wording, FittedTag]:
    """Embed a tag's name and description; its calibration is that of held-out words as near to a known word.

    Raises:
        MissingExtraError: the words are not in the bank, and the text model is not installed.
        WordsError: the model knows no words or has no background; or the text cannot be read, or is too far from all
            known words.
    """
    words, background = knows_words(folder), folder.background
    if background is None:
        raise WordsError(f"{folder.path}: the model has no background photos to tell a new tag from. Train it again")
    text = name if description is None else f"{name}, {description}"
    vector = word_vector(name, description)
    near = words.nearest(vector, NEAREST)
    nearness = near[0][1]
    if words.evidence is None or words.evidence.group(nearness) < 0:
        raise WordsError(
            f'"{text}": too far from everything that the model "{folder.manifest.name}" knows. The nearest: '
            f"{', '.join(f'{word} ({cosine:.2f})' for word, cosine in near)}. Say what it is, --description "
            '"a striped horse of Africa", or show photos of it'
        )
    embedded = words.embed_word(vector, words.views(background))
    wording = Wording(text, embedded, tuple(word for word, _ in near), nearness, signs.class_nearness(words, vector))
    return wording, fit_of_words(folder, wording)


def fit_of_words(folder: ModelFolder, wording: Wording) -> FittedTag:
    """The fit of a tag that no photo was shown of: its row is zero, and its curve that of words like it.

    Where trust was measured, like it are words of which as much is seen; elsewhere, those as near to a known one.
    """
    words, row = knows_words(folder), np.zeros(sum(new_tag_parts(folder.head)), np.float32)
    evidence = words.evidence
    if evidence is None:
        raise WordsError(f'model "{folder.manifest.name}": how reliable tags from words are was not measured')
    group = max(evidence.group(wording.nearness), 0)
    separation = float(evidence.separation[group])
    trust = words.trust if words.trust is not None and words.trust.middle.size == signs.COUNT else None
    if trust is None or folder.bank is None or wording.class_nearness is None:
        return FittedTag(row, Calibration.of_one(*evidence.calibration.one(group)), separation)
    views = words.views(folder.bank.embeddings[::EVERY])
    seen = signs.signs_of_word(
        wording.embedded, views, nearness=wording.nearness, class_nearness=wording.class_nearness
    )
    return FittedTag(row, trust.calibration(seen), separation, trust.promise(seen))


def refuse_unseen(folder: ModelFolder, name: str, fitted: FittedTag) -> None:
    """Refuse a tag from words alone of which too little is expected.

    Raises:
        WordsError: so it is; the message says what is expected.
    """
    promise = fitted.promise
    if promise is None or promise.is_useful:
        return
    right, found = (f"{10 * share:.0f} of 10" for share in (promise.precision, promise.recall))
    raise WordsError(
        f'"{name}": search only. As a tag of "{folder.manifest.name}" it would not be reliable: about {right} photos '
        f"that get the tag would show it, and about {found} photos that show it would get the tag. Search for it: "
        f'vectortag find "{name}" PHOTOS. Or add it from photos: vectortag add-tag "{name}" PHOTOS'
    )


def knows_words(folder: ModelFolder) -> Words:
    """What a model knows of words.

    Raises:
        WordsError: it has not learnt them.
    """
    if folder.words is None:
        raise WordsError(
            f'model "{folder.manifest.name}" knows no words. Teach it: vectortag learn-words {folder.manifest.name} '
            "DATA --captions CSV"
        )
    return folder.words


def word_values(words: Words, embedded: WordEmbedding, parts: tuple[FloatArray, FloatArray, FloatArray]) -> Values:
    """What words say of three groups of photos, (n, K) embeddings each -> (n,) each."""
    first, second, third = (
        values(embedded, words.views(part)) if len(part) else np.empty(0, np.float32) for part in parts
    )
    return first, second, third


def propose_parents(taxonomy: Taxonomy, tags: Sequence[str], nearest: Sequence[str]) -> tuple[str, ...]:
    """The tags that most of the nearest known words imply: perhaps the new one does, too."""
    implied = [taxonomy.ancestors(taxonomy.canonical(word) or word) for word in nearest]
    return tuple(tag for tag in tags if sum(tag in above for above in implied) >= COMMON_TO)
