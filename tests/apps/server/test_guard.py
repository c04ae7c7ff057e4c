"""Who may come in, and what every answer carries."""

from __future__ import annotations

import re

import pytest

PAGE = "https://photos.example"


@pytest.fixture
def key_file(tmp_path):
    return tmp_path / "keys"


class TestKeys:
    @pytest.fixture
    def keyed(self, serve, cli, key_file):
        """A service with two keys, and the keys."""
        from vectortag.apps.server.auth import read_keys

        keys = [cli("serve", "--api-key-file", key_file, "--new-key", name).stdout.strip() for name in ("web", "app")]
        return serve(access={"keys": read_keys(key_file)}), keys

    def test_nobody_comes_in_without_one(self, keyed, cat):
        service, keys = keyed

        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": f"Basic {keys[0]}"}):
            reply = service.post("/v1/tag", cat, **headers)
            assert (reply.status, reply.kind, reply.headers["www-authenticate"]) == (401, "no-key", "Bearer")
        assert service.ask("GET", "/metrics").status == 401
        assert service.ask("GET", "/v1/models").status == 401
        assert service.ask("GET", "/nowhere").status == 401

    def test_each_key_opens(self, keyed, cat):
        service, keys = keyed

        for key in keys:
            assert service.post("/v1/tag", cat, authorization=f"Bearer {key}").status == 200

    def test_probes_are_open(self, keyed):
        service, _ = keyed

        for path in ("/healthz", "/readyz", "/openapi.json"):
            assert service.ask("GET", path).status == 200

    def test_the_file_has_hashes_only(self, keyed, key_file):
        _, keys = keyed
        text = key_file.read_text()

        assert re.fullmatch(r"(web|app) sha256:[0-9a-f]{64}\n(web|app) sha256:[0-9a-f]{64}\n", text)
        assert not any(key in text for key in keys)
        assert all(len(key) > 40 for key in keys)

    def test_a_name_is_taken_once(self, cli, key_file):
        assert cli("serve", "--api-key-file", key_file, "--new-key", "web").status == 0
        outcome = cli("serve", "--api-key-file", key_file, "--new-key", "web")

        assert outcome.status == 2
        assert 'has a key "web" already' in outcome.stderr

    @pytest.mark.parametrize(("text", "message"), [("", "no keys"), ("web secret\n", ":1: expected NAME sha256:")])
    def test_a_file_that_is_none_of_keys(self, cli, key_file, text, message):
        key_file.write_text(text)

        outcome = cli("serve", "--port", 0, "--api-key-file", key_file)

        assert outcome.status == 2
        assert message in outcome.stderr


class TestListening:
    def test_another_address_needs_keys_or_a_loud_no(self, cli):
        outcome = cli("serve", "--host", "0.0.0.0", "--port", 0)

        assert outcome.status == 2
        assert "--no-auth" in outcome.stderr

    def test_keys_and_no_auth_contradict_each_other(self, cli, key_file):
        cli("serve", "--api-key-file", key_file, "--new-key", "web")

        assert cli("serve", "--no-auth", "--api-key-file", key_file).status == 2

    def test_a_port_that_is_taken(self, cli, server):
        outcome = cli("serve", "--port", server.port)

        assert outcome.status == 2
        assert f"port {server.port}: cannot listen there" in outcome.stderr

    def test_a_model_that_is_not_there(self, cli):
        assert cli("serve", "--port", 0, "--model", "lite00").status == 2


class TestBrowsers:
    def test_every_answer_has_security_headers(self, server, cat):
        for reply in (server.post("/v1/tag", cat), server.ask("GET", "/nowhere"), server.ask("GET", "/healthz")):
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["content-security-policy"].startswith("default-src 'none'")
            assert reply.headers["cache-control"] == "no-store"
            assert "server" not in reply.headers

    def test_pages_of_another_origin_are_kept_out(self, server, cat):
        reply = server.post("/v1/tag", cat, origin=PAGE)

        assert (reply.status, reply.kind) == (403, "wrong-origin")
        assert server.post("/v1/tag", cat, origin=server.address).status == 200
        assert "access-control-allow-origin" not in server.ask("GET", "/v1/models", origin=PAGE).headers

    def test_an_origin_can_be_allowed(self, serve, cat):
        started = serve(access={"origins": (PAGE,)})

        preflight = started.ask("OPTIONS", "/v1/tag", origin=PAGE, access_control_request_method="POST")

        assert preflight.status == 200
        reply = started.post("/v1/tag", cat, origin=PAGE)
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, PAGE)
        assert started.post("/v1/tag", cat, origin="https://other.example").status == 403

    def test_a_page_that_calls_this_machine_by_its_own_name_is_kept_out(self, serve):
        started = serve(access={"hosts": frozenset({"127.0.0.1", "localhost"})})

        assert started.ask("GET", "/v1/models", host="rebound.example").kind == "wrong-host"
        assert started.ask("GET", "/v1/models", host="localhost:8000").status == 200

    @pytest.mark.parametrize(
        "headers", [{"host": "["}, {"host": "localhost:x"}, {"origin": "http://["}, {"origin": "null"}]
    )
    def test_hosts_and_origins_that_are_none_are_refused(self, serve, cat, headers):
        started = serve(access={"hosts": frozenset({"127.0.0.1"})})

        assert started.post("/v1/tag", cat, **headers).kind in {"wrong-host", "wrong-origin"}
