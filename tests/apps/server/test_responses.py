"""What the service answers, and how it is made from what the library returns."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from vectortag.core.errors import PhotoError
from vectortag.core.types import Heatmap, Tagging, TagScore
from vectortag.model.language import Language

responses = pytest.importorskip("vectortag.apps.server.responses")
parameters = pytest.importorskip("vectortag.apps.server.parameters")

DOG, ANIMAL, SEA = TagScore("dog", 0.7234567, 0.5), TagScore("animal", 0.4, 0.6), TagScore("sea", 0.1, None)


def tagging(*tags: TagScore, guesses: tuple[TagScore, ...] = ()) -> Tagging:
    return Tagging(None, "m@1", "openvino", "f32", 224, tags, (DOG, ANIMAL, SEA), guesses)


def answered(content: msgspec.Struct) -> Any:
    return json.loads(responses.answer(content).body)


class TestTaggings:
    def photo(self, result: Tagging | PhotoError, language: Language | None = None, **options: Any) -> Any:
        """The entry of a photo in an answer, beside one that could be read."""
        photos = [("0.jpg", result), ("1.jpg", tagging(DOG))]
        found = responses.taggings(iter(photos), parameters.TagOptions(**options), language or Language())
        return answered(found)["photos"][0]

    def test_a_photo_has_its_tags_and_those_that_its_children_brought(self):
        assert self.photo(tagging(DOG, ANIMAL)) == {
            "name": "0.jpg",
            "tags": [
                {"tag": "dog", "score": 0.723457, "threshold": 0.5},
                {"tag": "animal", "score": 0.4, "threshold": 0.6},
            ],
            "implied": ["animal"],
        }

    def test_the_options_of_a_request_choose_tags(self):
        assert [tag["tag"] for tag in self.photo(tagging(DOG, ANIMAL), top_k=1)["tags"]] == ["dog"]
        assert [tag["tag"] for tag in self.photo(tagging(DOG), threshold=0.3)["tags"]] == ["dog", "animal"]
        assert [tag["tag"] for tag in self.photo(tagging(DOG), all_scores=True)["tags"]] == ["dog", "animal", "sea"]

    def test_guesses_stand_apart_and_only_where_there_is_no_tag(self):
        assert self.photo(tagging(guesses=(ANIMAL,))) == {
            "name": "0.jpg",
            "tags": [],
            "implied": [],
            "guesses": [{"tag": "animal", "score": 0.4, "threshold": 0.6}],
        }
        assert "guesses" not in self.photo(tagging(guesses=(ANIMAL,)), threshold=0.3)

    def test_a_photo_that_cannot_be_read_has_an_error_alone(self):
        assert self.photo(PhotoError("photo: no photo")) == {
            "name": "0.jpg",
            "error": {"type": "PhotoError", "message": "photo: no photo"},
        }

    def test_another_language_adds_a_name_and_leaves_the_tag(self):
        (dog,) = self.photo(tagging(DOG), Language.load("de"))["tags"]

        assert (dog["tag"], dog["name"]) == ("dog", "Hund")

    def test_the_answer_says_which_model_made_the_scores_also_if_the_first_photo_failed(self):
        photos = [("0.jpg", PhotoError("no")), ("1.jpg", tagging())]

        answer = answered(responses.taggings(photos, parameters.TagOptions(), Language()))

        assert {key: answer[key] for key in ("model", "runtime", "precision", "size")} == {
            "model": "m@1",
            "runtime": "openvino",
            "precision": "f32",
            "size": 224,
        }


def test_heat_maps_are_rows_of_rounded_cells():
    values = np.float32([[0, 1 / 3], [1, 0.5]])

    answer = answered(responses.heatmaps(tagging(DOG), [Heatmap(values, "animal", "dog", 2 / 3)], Language.load("de")))

    assert answer["heatmaps"] == [
        {
            "tag": "animal",
            "source": "dog",
            "score": 0.666667,
            "values": [[0.0, 0.333333], [1.0, 0.5]],
            "name": "Tier",
        }
    ]


@pytest.fixture(scope="module")
def details(small: Any) -> Any:
    """Of the tiny model; "sea" has no threshold, and "animal" is a parent of "dog"."""
    return msgspec.json.decode(small.ask("GET", "/v1/models/tiny").body, type=responses.ModelDetails)


class TestModels:
    def test_a_model_that_is_served_is_summed_up(self, small: Any, details: Any, tiny_fields: Any):
        (model,) = msgspec.json.decode(small.ask("GET", "/v1/models").body, type=responses.Models).models

        assert (model.name, model.default, model.tags) == ("tiny", True, 6)
        assert (model.size, model.sizes, model.precision) == (32, [32], "f32")
        assert model.architecture == tiny_fields["backbone"]["architecture"]
        assert {name: getattr(details, name) for name in model.__struct_fields__} == msgspec.to_builtins(model)

    def test_each_tag_has_its_parents_and_the_thresholds_of_each_profile(self, details: Any):
        tags = {one.tag: one for one in details.vocabulary}

        assert list(tags) == ["animal", "beach", "dog", "sea", "boat", "vehicle"]
        assert tags["dog"].parents == ["animal"]
        assert tags["dog"].thresholds == {"precise": 0.7, "balanced": 0.5, "thorough": 0.3}
        assert tags["sea"].thresholds == {"precise": None, "balanced": None, "thorough": None}
        assert details.card == "# tiny\n"

    def test_names_come_in_the_language_of_the_request(self, small: Any):
        model = small.ask("GET", "/v1/models/tiny?language=de").json

        names = {one["tag"]: one["name"] for one in model["vocabulary"]}
        assert (names["dog"], names["vehicle"]) == ("Hund", "Fahrzeug")

    def test_a_tag_that_was_added_has_no_source_among_the_models_own(
        self, serve_tiny: Callable[..., Any], make_photo: Callable[..., Path]
    ):
        started = serve_tiny()
        files = [("photos", make_photo(f"{seed}.jpg", seed=seed).read_bytes()) for seed in range(3)]
        body = started.form("/v1/tags?name=pet&parent=dog", *files).body

        added = msgspec.json.decode(body, type=responses.AddedTagAnswer)
        *_, pet = msgspec.json.decode(
            started.ask("GET", "/v1/models/tiny").body, type=responses.ModelDetails
        ).vocabulary

        assert (added.tag, added.parents, added.examples, added.counterexamples) == ("pet", ["animal", "dog"], 3, 0)
        assert (pet.tag, pet.added, pet.taught_by, pet.parents) == ("pet", True, None, ["animal", "dog"])


def test_the_answer_is_what_the_schema_says(small: Any, make_photo: Callable[..., Path]):
    reply = small.form("/v1/tag", ("photos", make_photo().read_bytes()), ("photos", b"no photo"))

    answer = msgspec.json.decode(reply.body, type=responses.Taggings)
    assert answer.model.startswith("tiny@")
    assert [list(photo) for photo in reply.json["photos"]] == [["name", "tags", "implied"], ["name", "error"]]


def test_the_document_has_a_schema_of_every_answer():
    schemas = responses.answer_schemas()

    assert {kind.__name__ for kind in responses.ANSWERS} <= set(schemas)
    assert {"PhotoResult", "HeatmapArray", "ModelTag", "ScoredTag"} <= set(schemas)  # what the answers are made of
    declared = responses.declared_answer(responses.AddedTagAnswer, 201)[201]
    assert declared["description"] == "Created"
    assert declared["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/AddedTagAnswer"}
