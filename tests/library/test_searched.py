"""What a search has in memory is read again when the library has changed, and only then."""

from __future__ import annotations

import numpy as np
import pytest
from made_photos import found, photo
from synthetic_library import MadePhoto
from tiny_encoder import PIXELS

from vectortag.core.errors import QueryError
from vectortag.library.library import Library
from vectortag.library.searched import SearchCache
from vectortag.model.language import Language


def test_settings_rename_and_hide_tags(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", boat=0.8, beach=0.7))
    library.change_setting("renames", {"boat": "Beach", "beach": "Strand"})
    library.change_setting("not", ["dog"])

    assert library.search("boat").matches[0].why == library.search("beach").matches[0].why == ("Beach 0.80",)
    assert library.search("strand").matches[0].why == ("Strand 0.70",)
    with pytest.raises(QueryError, match='"dog" is no tag'):
        library.search("tag:dog")
    library.change_setting("only", ["boat"])
    assert library.stats().tags == {"Beach": 1}


def test_a_search_sees_what_another_process_wrote_meanwhile(make, tmp_path):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", seed=1))
    assert found(library, "dog") == ["a.jpg"]
    assert len(found(library, "near:a.jpg")) == 2

    with Library.open(library.file) as other:
        other.database.execute("UPDATE photos SET gone = 1 WHERE path = 'a.jpg'")
        other.database.execute(
            "DELETE FROM analyses WHERE content IN (SELECT content FROM photos WHERE path = 'a.jpg')"
        )

    assert found(library, "dog") == []
    assert found(library, "near:b.jpg") == ["b.jpg"]


def test_a_search_is_evaluated_again_after_a_decision(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", dog=0.6))
    assert found(library, "dog") == ["a.jpg", "b.jpg"]

    library.database.execute(
        "INSERT INTO decisions SELECT content, 'dog', 'rejected', NULL, 0 FROM photos WHERE path = 'a.jpg'"
    )

    assert found(library, "dog") == ["b.jpg"]


def test_what_is_in_memory_stays_until_the_library_changes(make):
    library = make(photo("a.jpg", dog=0.9))
    cache = SearchCache(library.database, library.file)
    first = cache.searched(model_row=1, offline=False)

    assert cache.searched(model_row=1, offline=False) is first
    german = cache.searched(model_row=1, offline=False, language=Language.load("de"))
    assert len({id(one) for one in (first, cache.searched(model_row=1, offline=True), german)}) == 3

    library.database.execute("UPDATE photos SET rating = 5")
    assert cache.searched(model_row=1, offline=False) is not first


def test_the_cosine_of_a_photo_is_that_of_its_content_and_some_have_none(make):
    shared = b"0123456789abcdef"
    library = make(photo("a.jpg", seed=1, content=shared), MadePhoto("new.jpg"), photo("b.jpg", seed=1, content=shared))
    searched = SearchCache(library.database, library.file).searched(model_row=1, offline=False)

    vectors = searched.embeddings

    assert vectors.known.tolist() == [True, False, True]
    embedding = photo("a.jpg", seed=1).embedding
    cosines = vectors.cosines(embedding / np.linalg.norm(embedding))
    assert cosines[[0, 2]] == pytest.approx(1, abs=1e-4)
    assert vectors.have_near(np.array([0, 2]), 0.999).all()


def test_an_encoder_that_was_replaced_is_told_and_the_model_reads_the_sentence(
    library, update, write_own_encoder, caplog, worded
):
    update(model=worded.path, encoder=write_own_encoder())
    assert library.search('"a red"').doubt is None

    write_own_encoder(pixels={**PIXELS, "resize_mode": "shortest"})
    library.database.execute("UPDATE photos SET rating = 1")
    library.search('"zebra"')

    assert "the model reads the sentence, since the encoder cannot: it is another one now" in caplog.text
