"""`vectortag.apps.client` against a real service."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vectortag.apps.client import Client
from vectortag.core.errors import ServiceError
from vectortag.inference.tagger import Tagger
from vectortag.model.registry import DEFAULT_MODEL


@pytest.fixture
def client(server):
    with Client(server.address) as client:
        yield client


def test_tagging(client, cat, tmp_path):
    expected = Tagger.load(precision="exact").tag(cat)
    (tmp_path / "cat.jpg").write_bytes(cat)

    photo = client.tag(tmp_path / "cat.jpg")

    assert [tag.tag for tag in photo.tags] == [tag.tag for tag in expected.tags]
    assert [tag.score for tag in photo.tags] == pytest.approx([tag.score for tag in expected.tags], abs=1e-5)
    assert photo.model == expected.model
    assert len(client.tag(cat, top_k=2).tags) == 2
    assert len(client.tag(cat, all_scores=True).tags) == len(expected.scores)
    assert all(tag.score >= 0.9 for tag in client.tag(cat, threshold=0.9, profile="thorough").tags)


def test_tagging_many(client, photos):
    tagged = client.tag_many([*photos.values(), b"?"])

    assert [photo.error is None for photo in tagged] == [True] * len(photos) + [False]
    assert tagged[0] == client.tag(next(iter(photos.values())))


def test_heat_maps(client, cat):
    expected = Tagger.load(precision="exact").explain(cat, "cat")

    (heatmap,) = client.heatmaps(cat, ["cat"])

    np.testing.assert_allclose(heatmap.values, expected.values, atol=1e-5)
    assert client.explain(cat, "cat").startswith(b"\x89PNG")


def test_models(client):
    assert [model["name"] for model in client.models()] == [DEFAULT_MODEL]
    assert client.model(DEFAULT_MODEL)["card"].startswith(f"# {DEFAULT_MODEL}")


def test_a_tag_of_ones_own(serve, photos, cat):
    with Client(serve().address, model=DEFAULT_MODEL) as client:
        added = client.add_tag("pet", [cat, photos["dogs.jpg"], photos["bird.jpg"]], [photos["temple.jpg"]])

        assert (added.tag, added.parents, added.examples, added.counterexamples) == ("pet", (), 3, 1)
        assert client.tag(cat, all_scores=True).tags[-1].tag == "pet"
        client.remove_tag("pet")
        with pytest.raises(ServiceError, match='No tag "pet"'):
            client.remove_tag("pet")


def test_refusals_are_errors_that_say_what_the_service_said(client, cat):
    with pytest.raises(ServiceError, match="not a photo in a known format") as caught:
        client.tag(b"?")
    assert (caught.value.status, caught.value.kind) == (422, "unreadable-photo")
    with pytest.raises(ServiceError, match='Did you mean "cat"'):
        client.explain(cat, "catt")
    with pytest.raises(FileNotFoundError):
        client.tag(Path("nowhere.jpg"))


def test_a_key(serve, tmp_path, cat):
    from vectortag.apps.server.auth import new_key, read_keys

    key = new_key(tmp_path / "keys", "test")
    started = serve(access={"keys": read_keys(tmp_path / "keys")})

    with Client(started.address, key=key) as client:
        assert client.tag(cat).tags
    with Client(started.address) as client:
        assert client.ready()
        with pytest.raises(ServiceError, match="An API key is needed"):
            client.tag(cat)
