"""POST and DELETE /v1/tags: one after the other, seen by all later taggings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import read_additions


@pytest.fixture
def started(serve):
    return serve()


def add(service, name: str, photos: dict[str, bytes], *names: str, more: str = ""):
    files = [("photos", photos[f"{photo}.jpg"]) for photo in names or ("cat", "dogs", "bird")]
    return service.form(f"/v1/tags?name={name}{more}", *files, ("not", photos["temple.jpg"]))


def test_a_tag_is_added_found_explained_and_removed(started, photos, cat):
    from vectortag.apps.server.responses import AddedTagAnswer, Taggings

    before = started.post("/v1/tag?all_scores=true", cat).json["photos"][0]["tags"]

    reply = add(started, "pet", photos, more="&parent=animal")

    assert reply.status == 201
    answer = msgspec.json.decode(reply.body, type=AddedTagAnswer)
    assert (answer.tag, list(answer.parents), answer.examples, answer.counterexamples) == ("pet", ["animal"], 3, 1)
    assert [tag.name for tag in read_additions(find_model_folder()).tags] == ["pet"]
    tagged = msgspec.json.decode(started.post("/v1/tag?all_scores=true", cat).body, type=Taggings)
    *same, pet = msgspec.to_builtins(tagged.photos[0].tags)
    assert same == before
    assert pet["tag"] == "pet"
    assert pet["score"] > 0.5
    assert started.post("/v1/explain?tag=pet", cat).status == 200
    newest = started.ask("GET", "/v1/models/lite2").json["vocabulary"][-1]
    assert (newest["added"], newest["taught_by"]) == (True, None)

    assert started.ask("DELETE", "/v1/tags/pet").status == 204
    assert started.post("/v1/tag?all_scores=true", cat).json["photos"][0]["tags"] == before
    assert started.ask("DELETE", "/v1/tags/pet").kind == "unknown-tag"


def test_what_cannot_be_added(started, photos, cat):
    assert add(started, "pet", photos, "cat", "dogs").kind == "not-a-tag"
    assert add(started, "cat", photos).kind == "tag-exists"
    assert add(started, "pet", photos, more="&parent=nix").kind == "unknown-tag"
    assert add(started, "pet", photos, "cat", "dogs", "temple").kind == "not-a-tag"  # shown and not shown
    assert started.form("/v1/tags?name=pet", ("photos", cat), ("photos", b"?")).kind == "unreadable-photo"
    assert started.post("/v1/tags?name=pet", cat).kind == "unsupported-media-type"
    assert started.form("/v1/tags", ("photos", cat)).kind == "wrong-parameter"
    assert started.ask("DELETE", "/v1/tags/cat").kind == "unknown-tag"


def test_many_at_once_while_others_tag(started, photos, cat):
    with ThreadPoolExecutor(8) as pool:
        added = [pool.submit(add, started, f"tag{place % 3}", photos) for place in range(6)]
        tagged = [pool.submit(started.post, "/v1/tag?all_scores=true", cat) for _ in range(20)]

        assert sorted(reply.result().status for reply in added) == [201, 201, 201, 409, 409, 409]
        counts = [len(reply.result().json["photos"][0]["tags"]) for reply in tagged]

    own = len(find_model_folder().manifest.tags)
    assert set(counts) <= {own, own + 1, own + 2, own + 3}
    assert {tag.name for tag in read_additions(find_model_folder()).tags} == {"tag0", "tag1", "tag2"}
    assert started.ask("GET", "/v1/models").json["models"][0]["tags"] == own + 3


def test_tags_can_be_fixed(serve, photos):
    fixed = serve(additions=False)

    assert add(fixed, "pet", photos).kind == "fixed-tags"
    assert fixed.ask("DELETE", "/v1/tags/pet").kind == "fixed-tags"


def test_a_data_folder_that_cannot_be_written(started, photos, home):
    (home / "additions").write_text("in the way")

    reply = add(started, "pet", photos)

    assert (reply.status, reply.kind) == (507, "cannot-save")
