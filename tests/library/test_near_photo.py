"""The photo that `near:` names."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from made_photos import found, photo

from vectortag.core.errors import QueryError
from vectortag.core.numerics import unit


def test_near_ranks_by_the_cosine_of_embeddings(make, tmp_path):
    photos = [photo(f"in/{n}.jpg", seed=n) for n in range(40)]
    library = make(*photos)
    units = unit(np.stack([one.embedding for one in photos]))
    expected = np.argsort(-(units @ units[7]), kind="stable")[:5]

    for name in ("/photos/in/7.jpg", "in/7.jpg"):
        result = library.search(f"near:{name}", top=5)
        assert [one.path.name for one in result.matches] == [f"{n}.jpg" for n in expected]
        assert result.matches[0].score == pytest.approx(1, abs=1e-5)
        assert result.order == "likeness"


def test_near_takes_any_photo_and_the_network_looks_at_it(make, make_photo, worded_tagger):
    other = make_photo("other.png", seed=5)
    embedding = worded_tagger.embedder.embed(worded_tagger.embedder.pixels(other)[None])[0]
    alike = photo("alike.jpg", seed=1)
    alike.embedding = embedding
    library = make(alike, *(photo(f"{n}.jpg", seed=n) for n in range(5)))

    assert found(library, f"near:{other}")[0] == "alike.jpg"
    with pytest.raises(QueryError, match=r"nothing\.jpg"):
        library.search("near:nothing.jpg")


def test_a_relative_path_of_two_photos_is_ambiguous(make):
    library = make(photo("a.jpg"), photo("a.jpg", root="/other", seed=1))

    with pytest.raises(QueryError, match="several folders"):
        library.search("near:a.jpg")


def test_a_copy_of_a_photo_of_the_library_is_known_by_its_content_without_a_network(make, make_photo):
    copy = make_photo("copy.jpg", seed=3)
    content = hashlib.blake2b(copy.read_bytes(), digest_size=16).digest()
    library = make(photo("a.jpg", content=content), *(photo(f"{n}.jpg", seed=n) for n in range(1, 4)))
    library.change_setting("model", "/nowhere")

    assert found(library, f"near:{copy}")[0] == "a.jpg"
    assert library.search(f"near:{copy}").matches[0].score == pytest.approx(1, abs=1e-5)


def test_another_photo_needs_the_model_which_may_be_gone(make, make_photo):
    library = make(photo("a.jpg"))
    library.change_setting("model", "/nowhere")

    with pytest.raises(
        QueryError, match=r'other\.jpg" is not in the library, and the model "tiny" .* is not installed'
    ):
        library.search(f"near:{make_photo('other.jpg')}")


def test_a_whole_path_finds_also_a_photo_that_is_gone_and_the_end_of_one_does_not(make):
    library = make(photo("a.jpg", seed=1), photo("gone.jpg", seed=2, gone=True))

    assert found(library, "near:/photos/gone.jpg") == ["a.jpg"]
    with pytest.raises(QueryError, match=r"gone\.jpg.*Name a photo of the library"):
        library.search("near:gone.jpg")
