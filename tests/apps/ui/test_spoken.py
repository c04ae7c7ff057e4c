"""The language of the tags on the page, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from vectortag.model.language import Language

Come = Callable[..., Any]


def test_tags_are_named_in_the_browsers_language(visitor: Come):
    someone = visitor("/?photo=dogs", locale="de-AT")

    assert "Hund" in someone.found
    someone.screenshot("german")


def test_a_search_takes_names_and_synonyms_of_that_language(visitor: Come):
    someone = visitor("/?photo=dogs&language=de")
    search = someone.page.get_by_placeholder("Search all")

    for typed, name in (("kätzchen", "Katze"), ("regensch", "Regenschirm"), ("umbrella", "Regenschirm")):
        search.fill(typed)
        search.press("Enter")
        someone.settle()
        assert someone.tags == [name]
    someone.pick("Regenschirm")
    assert "tag=umbrella" in someone.page.url


def test_a_language_can_be_chosen_and_downloads_keep_the_english_tag(visitor: Come):
    someone = visitor("/?photo=dogs")
    someone.page.get_by_test_id("tag").first.wait_for()
    assert "dog" in someone.found

    someone.page.get_by_test_id("stExpandSidebarButton").click()
    someone.page.get_by_role("combobox", name="Language of the tags").click()
    someone.page.get_by_role("option", name="日本語").click()
    someone.settle()

    assert "犬" in someone.found
    assert "language=ja" in someone.page.url
    tags = json.loads(someone.download("Tags as JSON"))["tags"]
    assert {tag["tag"]: tag["name"] for tag in tags}["dog"] == Language.load("ja").name("dog")
