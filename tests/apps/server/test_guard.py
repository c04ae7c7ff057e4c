"""Which requests the guard accepts, and the headers of every response."""

from __future__ import annotations

import pytest

PAGE = "https://photos.example"


@pytest.fixture(scope="module")
def keyed(start_for_file, tiny_model, tmp_path_factory):
    """A service with two keys, and the keys."""
    from vectortag.apps.server.auth import new_key, read_keys

    file = tmp_path_factory.mktemp("keys") / "keys"
    keys = [new_key(file, name) for name in ("web", "app")]
    return start_for_file(model=tiny_model, access={"keys": read_keys(file)}), keys


class TestKeys:
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

    def test_the_document_says_which_routes_need_a_key(self, keyed):
        service, _ = keyed

        document = service.ask("GET", "/openapi.json").json

        assert document["components"]["securitySchemes"] == {"key": {"type": "http", "scheme": "bearer"}}
        keyed_paths = {path for path, methods in document["paths"].items() if "security" in str(methods)}
        assert keyed_paths == set(document["paths"]) - {"/healthz", "/readyz"}


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

    def test_an_origin_can_be_allowed(self, serve_tiny, cat):
        started = serve_tiny(access={"origins": (PAGE,)})

        preflight = started.ask("OPTIONS", "/v1/tag", origin=PAGE, access_control_request_method="POST")

        assert preflight.status == 200
        reply = started.post("/v1/tag", cat, origin=PAGE)
        assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, PAGE)
        assert started.post("/v1/tag", cat, origin="https://other.example").status == 403

    def test_a_page_that_calls_this_machine_by_its_own_name_is_kept_out(self, serve_tiny):
        started = serve_tiny(access={"hosts": frozenset({"127.0.0.1", "localhost"})})

        assert started.ask("GET", "/v1/models", host="rebound.example").kind == "wrong-host"
        assert started.ask("GET", "/v1/models", host="localhost:8000").status == 200

    @pytest.mark.parametrize(
        "headers", [{"host": "["}, {"host": "localhost:x"}, {"origin": "http://["}, {"origin": "null"}]
    )
    def test_hosts_and_origins_that_are_none_are_refused(self, serve_tiny, cat, headers):
        started = serve_tiny(access={"hosts": frozenset({"127.0.0.1"})})

        assert started.post("/v1/tag", cat, **headers).kind in {"wrong-host", "wrong-origin"}

    @pytest.mark.parametrize(
        "hosts",
        [
            b"",
            b"host: 127.0.0.1\r\nhost: 127.0.0.1\r\n",
            b"host: 127.0.0.1\r\nhost: evil.example\r\n",
            b"host: 127.0.0.1, evil.example\r\n",
            b"host:\r\n",
            b"host: 127.0.0.1/\r\n",
            b"host: 127.0.0.1:65536\r\n",
            b"host: 127.0.0.1/?x=\r\n",
            b"host: user@127.0.0.1\r\n",
            b"host: 127.0.0.1:80:80\r\n",
            b"host: [::1\r\n",
            b"host: loc\xc3\xa4lhost\r\n",
            b"host: a b\r\n",
        ],
    )
    def test_a_request_has_one_host_and_it_is_well_formed(self, server, hosts):
        with server.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n" + hosts + b"\r\n")
            reply = server.read(connection)

        assert reply.startswith(b"HTTP/1.1 400 "), reply
        assert b"urn:vectortag:wrong-host" in reply

    @pytest.mark.parametrize(
        "host", ["photos.example", "[::1]:8000", "LOCALHOST:1", "x:", "a_b.internal", "10.0.0.1:65535"]
    )
    def test_any_well_formed_host_will_do_where_keys_are_needed_or_nothing_is(self, server, host):
        assert server.ask("GET", "/healthz", host=host).status == 200

    @pytest.mark.parametrize("coding", ["gzip, chunked", "gzip"])
    def test_a_body_in_another_transfer_coding_is_refused(self, server, coding):
        with server.connect() as connection:
            head = (
                f"POST /v1/tag HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: {coding}\r\nconnection: close\r\n\r\n"
            )
            connection.sendall(head.encode() + b"1\r\na\r\n0\r\n\r\n")
            assert server.read(connection).split()[1] in {b"400", b"501"}

    def test_http_1_0_needs_no_host(self, server):
        with server.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert server.read(connection).startswith(b"HTTP/1.1 200 ")

    def test_one_of_two_origins_is_foreign(self, server, cat):
        with server.connect() as connection:
            own = f"http://127.0.0.1:{server.port}"
            head = f"POST /v1/tag HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\norigin: {own}\r\norigin: {PAGE}\r\n\r\n"
            connection.sendall(head.encode())
            assert server.read(connection).startswith(b"HTTP/1.1 403 ")
