"""What reads the sentences of a search."""

from __future__ import annotations

import numpy as np
import pytest
from made_photos import photo

from vectortag.core.errors import QueryError
from vectortag.library.sentences import EncoderSentences, ModelSentences
from vectortag.model.encoder import Encoder
from vectortag.model.words.text_model import is_installed
from vectortag.model.words.word_vectors import sentence_vector


def test_a_sentence_ranks_what_the_rest_finds_as_a_scan_in_float32_does(make, worded):
    photos = [photo(f"{n}.jpg", seed=n, dog=0.9 if n % 2 else 0.1) for n in range(30)]
    library = make(*photos)
    words = worded.words
    query = words.queries(sentence_vector("dog zebra")[None])[0]
    cosines = words.views(np.stack([one.embedding for one in photos])).directions @ query

    result = library.search("dog zebra", top=5)

    assert result.sentence == "dog zebra"
    expected = sorted((n for n in range(30) if n % 2), key=lambda n: -cosines[n])[:5]
    assert [one.path.name for one in result.matches] == [f"{n}.jpg" for n in expected]


def test_what_no_model_of_words_can_read_is_an_error_with_its_column(make):
    library = make(photo("a.jpg", dog=0.9))

    with pytest.raises(QueryError, match="only English words can be read") as caught:
        library.search('dog "日本語"')
    assert caught.value.column == 5


def test_a_sentence_of_another_language_is_translated_by_its_tags(make, need):
    library = make(photo("dog.jpg", dog=0.9), photo("beach.jpg", beach=0.9, seed=1))
    need(is_installed(), "the text model")

    result = library.search("Boot am Strand ohne Hund")

    assert [match.path.name for match in result.matches] == ["beach.jpg"]
    assert "read as Deutsch: Boot = boat, Strand = beach" in result.readings
    assert "left out: photos with Hund" in result.readings


def test_a_model_points_where_its_words_do(make_words):
    words = make_words()
    sentences = ModelSentences(words, "tiny")

    for sentence in ("dog zebra", "horse", "dog zebra"):  # the text of the last one alone is kept
        np.testing.assert_array_equal(sentences.query(sentence), words.queries(sentence_vector(sentence)[None])[0])


def test_a_model_doubts_what_is_far_from_all_of_its_words(make_words, need):
    need(is_installed(), "the text model")
    sentences = ModelSentences(make_words(), "tiny")

    assert sentences.doubt("zebras") is None
    assert '"asdfgh" is far from everything that the model "tiny" knows' in (sentences.doubt("asdfgh") or "")


def test_an_encoder_reads_any_language_and_knows_of_no_doubt(write_own_encoder):
    sentences = EncoderSentences(Encoder.read(write_own_encoder()))

    query = sentences.query("red")

    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    assert (sentences.doubt("xyz"), sentences.no_match("xyz", 0.0)) == (None, None)
    assert not sentences.knows_english_only
