"""From raw words to tags: synonyms, parents, ignored words, rules of one data set; and the taxonomy that ships."""

from __future__ import annotations

import json
import re

import pytest

from vectortag.core.errors import TaxonomyError
from vectortag.core.schema import from_json, to_json
from vectortag.core.text import normalise
from vectortag.model.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def shipped() -> Taxonomy:
    return Taxonomy.load()


def test_a_synonym_becomes_its_canonical_tag():
    taxonomy = Taxonomy(synonyms={"couch": ["sofa", "settee"]})

    assert taxonomy.tags_of(["sofa", "settee", "lamp"]) == {"couch", "lamp"}


def test_case_and_blanks_of_a_raw_word_do_not_matter():
    taxonomy = Taxonomy(synonyms={"golden gate": ["golden gate bridge"]}, ignored={"tags": ["very big"]})

    assert taxonomy.tags_of(["  Golden  GATE\tBridge ", "Very  Big"]) == {"golden gate"}


def test_an_empty_word_is_no_tag():
    assert Taxonomy().tags_of(["", "  ", "sea"]) == {"sea"}
    assert normalise(" \t") == ""


def test_implication_adds_every_ancestor():
    taxonomy = Taxonomy(implications={"oak": ["tree"], "tree": ["plant"]})

    assert taxonomy.expand({"oak"}) == {"oak", "tree", "plant"}
    assert taxonomy.ancestors("oak") == {"tree", "plant"}
    assert taxonomy.ancestors("plant") == frozenset()


def test_a_tag_may_have_several_parents_that_meet_again():
    taxonomy = Taxonomy(
        implications={"jockey": ["person", "horse"], "horse": ["animal"], "animal": ["living"], "person": ["living"]}
    )

    assert taxonomy.expand(["jockey"]) == {"jockey", "person", "horse", "animal", "living"}


def test_a_synonym_is_translated_before_its_parents_are_added():
    taxonomy = Taxonomy(synonyms={"couch": ["sofa"]}, implications={"couch": ["furniture"]})

    assert taxonomy.tags_of(["sofa"]) == {"couch", "furniture"}


def test_an_ignored_word_adds_neither_itself_nor_a_parent():
    taxonomy = Taxonomy(synonyms={"little": ["tiny"]}, implications={"little": ["size"]}, ignored={"tags": ["little"]})

    assert taxonomy.tags_of(["little", "tiny", "dog"]) == {"dog"}


def test_a_word_that_one_data_set_ignores_counts_in_the_others():
    taxonomy = Taxonomy(dataset={"corel5k": {"ignored": ["plane"]}})

    assert taxonomy.canonical("plane", dataset="corel5k") is None
    assert taxonomy.canonical("plane", dataset="coco") == "plane"
    assert taxonomy.canonical("plane") == "plane"


def test_what_a_data_set_ignores_comes_before_its_own_synonyms():
    taxonomy = Taxonomy(dataset={"corel5k": {"ignored": ["plane"], "synonyms": {"airplane": ["plane"]}}})

    assert taxonomy.canonical("plane", dataset="corel5k") is None


def test_a_word_that_a_data_set_translates_skips_the_general_rules():
    taxonomy = Taxonomy(
        synonyms={"colour": ["black"], "ursine": ["bear"]},
        ignored={"tags": ["colour", "bear"]},
        implications={"bear": ["animal"]},
        dataset={"corel5k": {"synonyms": {"bear": ["black"]}}},
    )

    assert taxonomy.canonical("black", dataset="corel5k") == "bear"
    assert taxonomy.tags_of(["black"], dataset="corel5k") == {"bear", "animal"}
    assert taxonomy.tags_of(["black"]) == set()


def test_the_general_rules_hold_for_what_a_data_set_does_not_mention():
    taxonomy = Taxonomy(
        synonyms={"couch": ["sofa"]},
        ignored={"tags": ["red"]},
        dataset={"coco": {"synonyms": {"computer mouse": ["mouse"]}}},
    )

    assert taxonomy.tags_of(["sofa", "red", "mouse"], dataset="coco") == {"couch", "computer mouse"}


def test_parents_among_some_tags_skip_the_generations_that_are_missing():
    taxonomy = Taxonomy(implications={"poodle": ["dog"], "dog": ["animal"], "animal": ["living"]})

    assert taxonomy.parents_among(["living", "animal", "poodle", "sea"]) == {
        "animal": ("living",),
        "poodle": ("living", "animal"),
    }


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ("synonym = {}", "synonym", "version, careful, synonyms, implications, ignored, complete, groups, dataset"),
        ("[ignored]\nwords = []", "ignored.words", "tags"),
        ("[dataset.coco]\nignore = []", "dataset.coco.ignore", "ignored, synonyms"),
    ],
)
def test_an_unknown_key_is_refused_and_the_allowed_ones_are_named(text, key, allowed):
    with pytest.raises(TaxonomyError) as refusal:
        Taxonomy.parse(text, where="my.toml")

    assert str(refusal.value) == f'my.toml: unknown key "{key}". Keys allowed there: {allowed}'


@pytest.mark.parametrize(
    ("implications", "circle"),
    [
        ('oak = ["tree"]\ntree = ["plant"]\nplant = ["tree"]', "tree -> plant -> tree"),
        ('oak = ["oak"]', "oak -> oak"),
        ('a = ["x", "b"]\nb = ["c"]\nc = ["a"]', "a -> b -> c -> a"),
    ],
)
def test_a_circle_of_implications_is_refused_and_spelled_out(implications, circle):
    with pytest.raises(TaxonomyError, match=f"the implications go in a circle: {circle}$"):
        Taxonomy.parse(f"[implications]\n{implications}")


def test_parents_that_meet_again_at_every_step_are_no_circle_and_take_no_time():
    levels = range(60)  # 2**60 ways from the bottom to the top
    implications = {f"{side}{n}": [f"left{n + 1}", f"right{n + 1}"] for n in levels for side in ("left", "right")}

    assert len(Taxonomy(implications=implications).ancestors("left0")) == 120


@pytest.mark.parametrize("table", ["synonyms", "dataset.coco.synonyms"])
def test_one_word_under_two_tags_is_refused(table):
    with pytest.raises(TaxonomyError, match=f'^taxonomy: {table}: "sofa" is listed under both "couch" and "seat"$'):
        Taxonomy.parse(f'[{table}]\ncouch = ["sofa"]\nseat = ["sofa"]')


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"implications": {"oak": ["tree"], "tree": ["oak"]}}, "the implications go in a circle: oak -> tree -> oak"),
        (
            {"synonyms": {"couch": ["sofa"], "seat": ["sofa"]}},
            'synonyms: "sofa" is listed under both "couch" and "seat"',
        ),
        ({"synonyms": {"couch": "sofa"}}, "synonyms.couch: expected `array`, got 'sofa'"),
        ({"dataset": {"coco": {"ignore": []}}}, 'unknown key "dataset.coco.ignore"'),
    ],
)
def test_a_taxonomy_that_is_made_by_hand_is_checked_as_one_that_is_read(fields, problem):
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}"):
        Taxonomy(**fields)


def test_lists_and_tables_by_hand_are_what_is_read():
    fields = {"synonyms": {"couch": ["sofa"]}, "ignored": {"tags": ["red"]}, "dataset": {"a": {"ignored": ["b"]}}}

    assert Taxonomy(**fields) == from_json(Taxonomy, json.dumps(fields))


def test_a_taxonomy_of_a_later_version_is_refused():
    with pytest.raises(TaxonomyError, match="version 2 is not known"):
        Taxonomy.parse("version = 2")


def test_a_value_of_the_wrong_type_is_refused_with_its_place():
    with pytest.raises(TaxonomyError, match=r"synonyms\.couch: expected `array`, got 'sofa'$"):
        Taxonomy.parse('[synonyms]\ncouch = "sofa"')


def test_text_that_is_not_toml_is_refused_with_its_place(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("[synonyms\n")

    with pytest.raises(TaxonomyError, match=r"my\.toml: not valid TOML: .*line 1"):
        Taxonomy.load(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "my.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(TaxonomyError, match=r"my\.toml: cannot be read as a taxonomy file"):
        Taxonomy.load(path)


def test_a_taxonomy_survives_being_written_as_json(shipped):
    again = from_json(Taxonomy, to_json(shipped))

    assert again == shipped


@pytest.mark.parametrize(
    ("word", "tags"),
    [
        ("boat", {"boat", "vehicle"}),
        ("sofa", {"couch", "furniture"}),
        ("sunset", {"sunset", "sky", "outdoors"}),
        ("poodle", {"poodle", "dog", "animal"}),
        ("motorbikes", {"motorcycle", "vehicle"}),
        ("teddy bears", {"teddy bear", "stuffed animal", "toy"}),
        ("snow", {"snow", "outdoors"}),
        ("red", set()),
    ],
)
def test_the_shipped_taxonomy_knows(shipped, word, tags):
    assert shipped.tags_of([word]) == tags


@pytest.mark.parametrize(
    ("word", "dataset", "tags"),
    [
        ("black", "corel5k", {"black bear", "bear", "wild animal", "animal"}),
        ("black", "coco", set()),
        ("plane", "corel5k", set()),
        ("plane", "coco", {"airplane", "vehicle"}),
        ("mouse", "coco", {"computer mouse", "electronics"}),
        ("bear", "flickr8k", set()),
    ],
)
def test_the_shipped_taxonomy_knows_what_a_word_means_in_one_data_set(shipped, word, dataset, tags):
    assert shipped.tags_of([word], dataset=dataset) == tags


def test_no_tag_of_the_shipped_taxonomy_is_a_synonym_of_another(shipped):
    tags = _tags(shipped)

    assert {tag: shipped.canonical(tag) for tag in tags} == {tag: tag for tag in tags}


def test_every_word_of_the_shipped_taxonomy_is_written_as_words_are_compared(shipped):
    rules = shipped.dataset.values()
    words = {*_tags(shipped), *shipped.ignored.tags, *_others(shipped.synonyms)}
    words |= {word for rule in rules for word in (*rule.ignored, *_others(rule.synonyms))}

    assert {word for word in words if word != normalise(word) or not word} == set()


def test_no_word_of_the_shipped_taxonomy_is_listed_twice(shipped):
    words = [*shipped.ignored.tags, *_others(shipped.synonyms)]

    assert sorted(words) == sorted(set(words))


def test_every_tag_that_a_data_set_is_complete_for_is_known_by_another_rule(shipped):
    parents = {parent for tags in shipped.implications.values() for parent in tags}
    known = {*shipped.synonyms, *shipped.implications, *shipped.groups, *parents, "black and white"}

    for name, tags in shipped.complete.items():
        assert set(tags) <= known, name


def _tags(taxonomy: Taxonomy) -> set[str]:
    """Every tag that a photo can get: canonical names of all rules, children and parents."""
    parents = {parent for tags in taxonomy.implications.values() for parent in tags}
    own = {tag for rules in taxonomy.dataset.values() for tag in rules.synonyms}
    complete = {tag for tags in taxonomy.complete.values() for tag in tags}
    return {*taxonomy.synonyms, *taxonomy.implications, *parents, *own, *complete}


def _others(synonyms) -> list[str]:
    return [word for words in synonyms.values() for word in words]


def test_the_groups_of_the_default_taxonomy_are_classes_of_imagenet(need_module):
    need_module("timm")
    known = set(need_module("vectortag.train.network")._imagenet_names())

    for tag, classes in Taxonomy.load().groups.items():
        assert set(classes) <= known, tag


def test_a_group_is_a_tag_under_the_name_that_its_synonyms_lead_to():
    taxonomy = Taxonomy.load()

    assert [tag for tag in taxonomy.groups if taxonomy.canonical(tag) != tag] == []


@pytest.mark.parametrize(
    ("below", "above"),
    [("violin", "musical instrument"), ("pug", "dog"), ("snake", "reptile"), ("suspension bridge", "bridge")],
)
def test_the_classes_of_a_group_are_among_those_of_its_parent(below: str, above: str):
    groups = Taxonomy.load().groups

    assert set(groups[below]) < set(groups[above])
