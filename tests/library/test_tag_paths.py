"""The path of a tag in the tree of other programs."""

from __future__ import annotations

from vectortag.library.tag_paths import TagPaths
from vectortag.model.taxonomy import Taxonomy

TAXONOMY = Taxonomy(
    implications={"pug": ["dog"], "dog": ["animal", "pet"], "bride": ["wedding", "person"], "wedding": ["event"]}
)
TAGS = ["pug", "dog", "animal", "pet", "bride", "person", "event"]
PATHS = TagPaths(TAXONOMY, [*TAGS, "Rex"], {"Rex": ["animal", "dog", "pet"]})


def test_every_level_up_to_the_top():
    assert PATHS.of("pug") == ("animal", "dog", "pug")


def test_below_the_first_of_several_parents():
    assert PATHS.of("bride") == ("person", "bride")  # "wedding" is no tag


def test_what_has_no_parent_stands_alone():
    assert PATHS.of("pet") == ("pet",)
    assert PATHS.of("unknown") == ("unknown",)


def test_an_added_tag_is_below_the_lowest_that_it_implies():
    assert PATHS.of("Rex") == ("animal", "dog", "Rex")
    assert PATHS.above("Rex") == {"animal", "dog", "pet"}


def test_what_a_tag_implies_on_every_branch():
    assert PATHS.above("pug") == {"dog", "animal", "pet"}
