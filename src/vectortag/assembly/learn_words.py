"""Teach a model words, from captions and tagged photos, in minutes on a CPU and without torch.

photos -> embeddings, kept in the cache; captions, words and classes -> texts     gather
both -> how words relate to the embeddings                                        learn_words
the words of one set, held out from the training -> how well untaught words do    fit_evidence
all of it, tried on photos of many sources -> how far tags and searches are trusted  measure_trust
all of it -> words.safetensors and the bank in the model folder, which is replaced as a whole
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vectortag.assembly.measure_trust import measure_trust
from vectortag.assembly.rewritten import check_rewritten
from vectortag.assembly.word_material import Material, embed_all, gather, read_captions
from vectortag.assembly.word_trials import Captions
from vectortag.assembly.word_trust import Trial, fit_evidence
from vectortag.data.records import DataSet
from vectortag.data.shards.reading import refuse_shards
from vectortag.data.usable import read_usable
from vectortag.evaluation.evaluate import as_known, choose_part
from vectortag.evaluation.model_card import write_card
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import BACKGROUND, WORDS, ModelFolder
from vectortag.model.precision import Precision
from vectortag.model.registry import find_model_folder
from vectortag.model.words.similarity import Words, values
from vectortag.model.words.text_model import TextModel
from vectortag.model.write_folder import rewrite_model_folder

log = logging.getLogger(__name__)

FEWEST_FOR_TRIAL = 10
"""A word is tried if at least so many photos show it."""
TRIAL_EPOCHS = 12

BACKGROUND_PHOTOS = 1000

MOST_HELD_OUT = 700
"""Photos of a file of captions that searches are tried on."""


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
        OverwriteError: another model lies there, or something else than a model folder.
    """
    folder = find_model_folder(model)
    check_rewritten(folder, output or folder.path, anew={WORDS, BACKGROUND})
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
        embeddings = embed_all(tagger.folder, [photo for photo, _ in pairs], precision) if pairs else {}
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
        log.info("testing how reliable words are: those of %s, learnt from all other sets", name)
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
