"""The service names tags in the language that a request asks for, beside their English names."""

from __future__ import annotations

from typing import Any

import pytest


def names(answer: Any) -> dict[str, str | None]:
    return {one["tag"]: one.get("name") for one in answer}


def test_the_names_are_those_of_the_language_and_the_tag_stays_english(server, cat):
    german = server.post("/v1/tag?all_scores=true", cat, accept_language="gsw, de-CH;q=0.9, en;q=0.8").json
    french = server.post("/v1/tag?all_scores=true&language=fr", cat, accept_language="de").json
    english = server.post("/v1/tag?all_scores=true", cat, accept_language="en-GB, de;q=0.5").json

    assert names(german["photos"][0]["tags"])["cat"] == "Katze"
    assert names(french["photos"][0]["tags"])["cat"] == "chat"
    assert set(names(english["photos"][0]["tags"]).values()) == {None}


@pytest.mark.parametrize("header", ["", "*", ";q=x,,", "xx, yy;q=0.1"])
def test_a_header_that_names_no_language_is_english(server, cat, header: str):
    reply = server.post("/v1/tag?all_scores=true", cat, accept_language=header)

    assert set(names(reply.json["photos"][0]["tags"]).values()) == {None}


def test_heat_maps_are_asked_for_in_it(server, cat):
    reply = server.post("/v1/explain?form=array&tag=Katze&language=de", cat)

    assert [(one["tag"], one["name"]) for one in reply.json["heatmaps"]] == [("cat", "Katze")]


def test_the_vocabulary_has_the_names(server):
    name = server.ask("GET", "/v1/models").json["models"][0]["name"]

    reply = server.ask("GET", f"/v1/models/{name}?language=de")

    assert names(reply.json["vocabulary"])["cat"] == "Katze"


@pytest.mark.parametrize("language", ["xx", "de.toml", "..%2Fsecret.toml", "%2Fetc%2Fpasswd", ""])
def test_another_language_is_refused_and_no_file_is_read(server, cat, language: str):
    reply = server.post(f"/v1/tag?language={language}", cat)

    assert (reply.status, reply.kind) == (422, "wrong-parameter")
