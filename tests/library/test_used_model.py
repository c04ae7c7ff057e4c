"""The model behind stored scores, also where its folder is gone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from made_photos import found, photo

from vectortag.core.errors import WordsError
from vectortag.library.used_model import UsedModel
from vectortag.model.folder import ModelFolder


def test_a_model_that_is_gone_leaves_tags_but_no_synonyms_and_no_sentences(make, worded):
    library = make(photo("a.jpg", dog=0.9))
    library.change_setting("model", "/nowhere")

    assert found(library, "dog") == ["a.jpg"]
    with pytest.raises(WordsError, match='the model "tiny" is not installed'):
        library.search("puppy")


TAGS = ("animal", "beach", "dog", "sea", "boat", "vehicle", "Rex", "kite")


def used(folder: ModelFolder | None = None, **changes: Any) -> UsedModel:
    """The tiny model with two added tags, "Rex", which is a dog, and "kite"."""
    thresholds = (0.5, 0.5, 0.3, None, 0.6, 0.5, 0.9, 0.5)
    fields: dict[str, Any] = {
        "row": 1,
        "name": "no such model",
        "digest": folder.digest if folder else "",
        "precision": "f32",
        "size": 32,
        "tags": TAGS,
        "thresholds": thresholds,
        "parents": {"Rex": ["dog"], "kite": []},
        "found_by": str(folder.path) if folder else None,
    }
    return UsedModel(**{**fields, **changes})


def names(indexes: Iterable[int]) -> set[str]:
    return {TAGS[index] for index in indexes}


def test_an_added_tag_is_below_all_that_its_parents_imply(worded):
    model = used(worded)

    assert {TAGS[parent]: names(below) for parent, below in model.descendants.items()} == {
        "animal": {"dog", "Rex"},
        "dog": {"Rex"},
        "vehicle": {"boat"},
    }
    assert names(model.ancestors(TAGS.index("Rex"))) == {"dog", "animal"}
    assert names(model.added) == {"Rex", "kite"}


def test_a_tag_is_shown_with_those_below_it_that_may_be_shown_while_it_is_not(worded):
    model = used(worded)

    assert names(model.showing(TAGS.index("animal"))) == {"animal", "dog", "Rex"}  # 0.3 is lower than 0.5
    assert names(model.showing(TAGS.index("vehicle"))) == {"vehicle"}  # a boat is shown from 0.6 on alone
    never = used(worded, thresholds=(None, 0.5, 0.3, None, None, None, 0.9, 0.5))
    assert names(never.showing(TAGS.index("animal"))) == {"animal", "dog", "Rex"}
    assert names(never.showing(TAGS.index("vehicle"))) == {"vehicle"}


def test_a_folder_counts_only_where_it_is_the_same_model(worded, tmp_path):
    assert used(worded).folder is not None
    assert used(worded, digest="of another").folder is None
    assert used(worded, found_by=str(tmp_path / "gone")).folder is None
    assert used(worded, digest="of another").descendants == {2: (6,)}  # no implication is known


def test_a_row_is_read_back_and_a_missing_one_is_none(make):
    library = make(photo("a.jpg", dog=0.9))

    model = UsedModel.read(library.database, 1)

    assert model is not None
    assert (model.name, model.tags, model.thresholds[3]) == ("tiny", TAGS[:6], None)
    assert UsedModel.read(library.database, 2) is None
