"""The routes for tags, heat maps and models, over a real connection."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor

import msgspec
import numpy as np
import pytest
from PIL import Image

from vectortag.inference.tagger import Tagger
from vectortag.model.registry import DEFAULT_MODEL, find_model_folder


@pytest.fixture(scope="module")
def answered(server, photos) -> dict[str, dict]:
    """What the service says of every example photo, each in a request of its own, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        replies = pool.map(lambda photo: server.post("/v1/tag?all_scores=true", photo), photos.values())
        return {name: reply.json["photos"][0] for name, reply in zip(photos, replies, strict=True)}


class TestTag:
    def test_scores_are_those_of_the_command_line(self, answered, cli, photos, tmp_path):
        for name, photo in photos.items():
            (tmp_path / name).write_bytes(photo)
        outcome = cli("tag", tmp_path, "--format", "jsonl", "--all-scores", "--precision", "exact")
        lines = [json.loads(line) for line in outcome.stdout.splitlines()]
        assert len(lines) == len(photos) == len(answered)

        for line in lines:
            theirs = answered[line["path"].rpartition("/")[2]]["tags"]
            assert [tag["tag"] for tag in theirs] == [tag["tag"] for tag in line["tags"]]
            assert [tag["threshold"] for tag in theirs] == [tag["threshold"] for tag in line["tags"]]
            np.testing.assert_allclose(
                [tag["score"] for tag in theirs], [tag["score"] for tag in line["tags"]], atol=1e-5, rtol=0
            )

    def test_photos_of_many_clients_share_batches(self, server, answered):
        assert server.metric("vectortag_batch_size_sum") >= len(answered)
        assert server.metric("vectortag_batch_size_count") < len(answered)

    def test_a_form_is_answered_in_its_order_with_its_names_and_errors(self, server, photos):
        reply = server.form(
            "/v1/tag", ("photos", photos["cat.jpg"]), ("photos", b"?"), ("photos", photos["temple.jpg"])
        )

        found = reply.json["photos"]
        assert [photo["name"] for photo in found] == ["0.jpg", "1.jpg", "2.jpg"]
        assert "cat" in {tag["tag"] for tag in found[0]["tags"]}
        assert found[1]["error"]["type"] == "PhotoError"
        assert "not a photo in a known format" in found[1]["error"]["message"]
        assert "building" in {tag["tag"] for tag in found[2]["tags"]}

    def test_a_video_is_an_error_whether_ffmpeg_is_there_or_not(self, server, cat):
        reply = server.form("/v1/tag", ("photos", cat), ("photos", b"\0\0\0\x18ftypisom" + bytes(100)))

        message = reply.json["photos"][1]["error"]["message"]
        assert "a video: it is read from a file, never from bytes" in message

    def test_options(self, server, photos):
        def tags(query: str) -> list[dict]:
            return server.post(f"/v1/tag?{query}", photos["stream.jpg"]).json["photos"][0]["tags"]

        assert len(tags("top_k=2")) == 2
        assert len(tags("threshold=0&top_k=7")) == 7
        assert all(tag["score"] >= 0.8 for tag in tags("threshold=0.8"))
        assert {tag["tag"] for tag in tags("profile=precise")} < {tag["tag"] for tag in tags("profile=thorough")}

    def test_a_photo_that_cannot_be_read_is_a_problem_where_it_is_alone(self, server):
        reply = server.post("/v1/tag", b"GIF89a, or so it says")

        assert (reply.status, reply.kind) == (422, "unreadable-photo")

    @pytest.mark.parametrize("model", ["nix", "../lite0", "/etc", "resnet18"])
    def test_a_model_that_is_not_served_is_unknown(self, server, cat, model):
        reply = server.ask("POST", f"/v1/tag?model={model}", cat, content_type="image/jpeg")

        assert (reply.status, reply.kind) == (404, "unknown-model")
        assert f"Served models: {DEFAULT_MODEL}" in reply.json["detail"]


class TestExplain:
    def test_an_overlay_is_the_photo_under_the_tags_map(self, server, cat):
        reply = server.post("/v1/explain?tag=cat", cat)

        assert reply.headers["content-type"] == "image/png"
        overlay = Image.open(io.BytesIO(reply.body))
        assert overlay.size == Image.open(io.BytesIO(cat)).size
        assert np.asarray(overlay).std() > 10

    def test_an_array_is_the_heat_map_of_the_library(self, server, cat):
        expected = Tagger.load(precision="exact").explain(cat, "animal")

        (heatmap,) = server.post("/v1/explain?tag=animal&form=array", cat).json["heatmaps"]

        assert (heatmap["tag"], heatmap["source"]) == ("animal", expected.source)
        np.testing.assert_allclose(heatmap["values"], expected.values, atol=1e-5)

    def test_a_coarse_map_is_that_of_the_tagging_pass(self, server, cat):
        expected = Tagger.load(precision="exact").explain(cat, "cat", fine=False)

        coarse, fine = (
            server.post(f"/v1/explain?tag=cat&form=array&fine={fine}", cat).json for fine in ("false", "true")
        )

        np.testing.assert_allclose(coarse["heatmaps"][0]["values"], expected.values, atol=1e-5)
        assert coarse["heatmaps"][0]["score"] == fine["heatmaps"][0]["score"]
        assert coarse["size"] == fine["size"] == Tagger.load().embedder.size

    def test_without_a_tag_all_that_were_found_are_explained(self, server, cat):
        tags = {tag["tag"] for tag in server.post("/v1/tag", cat).json["photos"][0]["tags"]}

        heatmaps = server.post("/v1/explain?form=array", cat).json["heatmaps"]

        assert {heatmap["tag"] for heatmap in heatmaps} == tags

    def test_a_large_photo_is_shrunk(self, server):
        file = io.BytesIO()
        Image.linear_gradient("L").resize((4000, 3000)).convert("RGB").save(file, "JPEG")

        overlay = Image.open(io.BytesIO(server.post("/v1/explain?tag=sky", file.getvalue()).body))

        assert overlay.size == (2048, 1536)

    def test_what_cannot_be_explained(self, server, cat):
        assert server.post("/v1/explain", cat).kind == "wrong-parameter"
        assert server.post("/v1/explain?tag=cat&tag=dog", cat).kind == "wrong-parameter"
        assert server.post("/v1/explain?tag=kat", cat).kind == "unknown-tag"
        assert server.post("/v1/explain?tag=cat", b"?").kind == "unreadable-photo"
        assert server.form("/v1/explain?tag=cat", ("photos", cat), ("photos", cat)).kind == "too-many-photos"


class TestModels:
    def test_the_served_models(self, server):
        from vectortag.apps.server.responses import Models

        (model,) = msgspec.json.decode(server.ask("GET", "/v1/models").body, type=Models).models
        tags = len(find_model_folder().manifest.tags)

        assert (model.name, model.default, model.tags, model.precision) == (DEFAULT_MODEL, True, tags, "f32")

    def test_a_model_tells_its_card_and_its_tags(self, server):
        from vectortag.apps.server.responses import ModelDetails

        model = msgspec.json.decode(server.ask("GET", f"/v1/models/{DEFAULT_MODEL}").body, type=ModelDetails)

        assert model.card.startswith(f"# {DEFAULT_MODEL}")
        assert len(model.vocabulary) == model.tags
        cat = next(tag for tag in model.vocabulary if tag.tag == "cat")
        assert "animal" in cat.parents
        assert (cat.added, cat.taught_by) == (False, "photos")
        assert cat.thresholds["thorough"] <= cat.thresholds["balanced"] <= cat.thresholds["precise"]

    def test_another_model_is_unknown(self, server):
        assert server.ask("GET", "/v1/models/resnet18").kind == "unknown-model"
        assert server.ask("GET", "/v1/models/..%2Flite0").status == 404
