"""The score of a tag for each photo: the model's, and over it what a person decided."""

from __future__ import annotations

from made_photos import found, photo
from synthetic_library import MadePhoto


def test_a_tag_without_a_threshold_is_found_only_by_a_decision(make):
    library = make(photo("a.jpg", sea=0.9), photo("b.jpg", decisions={"sea": True}))

    assert found(library, "sea") == ["b.jpg"]


def test_decisions_override_the_model_and_reach_parents_and_children(make):
    library = make(
        photo("accepted.jpg", decisions={"dog": True}),
        photo("rejected.jpg", dog=0.9, decisions={"dog": False}),
        photo("neither.jpg", dog=0.9, decisions={"animal": False}),
        photo("plain.jpg", dog=0.8),
    )

    assert found(library, "dog") == ["accepted.jpg", "plain.jpg"]
    assert found(library, "animal") == ["accepted.jpg", "rejected.jpg", "plain.jpg"]
    assert found(library, "score:dog>=1") == ["accepted.jpg"]
    assert found(library, "score:dog<0.5") == ["rejected.jpg", "neither.jpg"]


def test_a_tag_that_was_renamed_for_a_photo_is_found_by_both_names(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", dog=0.8))
    library.database.execute(
        "INSERT INTO decisions SELECT content, 'dog', 'accepted', 'Rex', 0 FROM photos WHERE path = 'a.jpg'"
    )

    assert found(library, "rex") == ["a.jpg"]
    assert found(library, "dog") == ["a.jpg", "b.jpg"]


def test_scores_are_compared_also_below_what_the_index_keeps(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", dog=0.3), photo("c.jpg", dog=0.02), photo("d.jpg"))

    assert found(library, "score:dog>0.25") == ["a.jpg", "b.jpg"]
    assert found(library, "score:dog>=0.01") == ["a.jpg", "b.jpg", "c.jpg"]
    assert sorted(found(library, "score:dog<0.5")) == ["b.jpg", "c.jpg", "d.jpg"]
    assert sorted(found(library, "score:dog<=0")) == ["d.jpg"]
    assert sorted(found(library, "score:dog>=0")) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


def test_a_photo_without_scores_has_none_to_compare(make):
    library = make(photo("a.jpg", dog=0.1), MadePhoto("new.jpg"))

    assert found(library, "score:dog<0.5") == ["a.jpg"]
    assert found(library, "not dog") == ["a.jpg", "new.jpg"]
