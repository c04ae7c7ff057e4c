"""The Host and Origin headers that service and page accept."""

from __future__ import annotations

import pytest

from vectortag.apps.hosts import LOOPBACK, foreign, host_name, one_host, split_address

HERE = "127.0.0.1:8000"


@pytest.mark.parametrize(
    "host", [HERE, "localhost", "LocalHost:1", "[::1]:8000", "[::ffff:1.2.3.4]", "a_b.internal", "x:", "h:65535"]
)
def test_a_name_or_an_address_and_perhaps_a_port_is_a_host(host: str):
    assert one_host([host]) == host


@pytest.mark.parametrize(
    "host",
    [
        "",
        " ",
        ":80",
        "a b",
        "a/b",
        "a/?x=",
        "user@a",
        "a,b",
        "a:80:80",
        "a:x",
        "a:65536",
        "[::1",
        "::1",
        "a\n",
        "lücke",
    ],
)
def test_what_is_malformed_is_no_host(host: str):
    assert one_host([host]) is None


def test_a_request_has_exactly_one_host():
    assert one_host([]) is None
    assert one_host([HERE, HERE]) is None


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1:8000", "127.0.0.1"),
        ("LOCALHOST", "localhost"),
        ("[::1]:8000", "::1"),
        ("127.0.0.1.evil.example", "127.0.0.1.evil.example"),
        ("[", ""),
    ],
)
def test_the_name_of_a_host_has_no_port_and_small_letters(host: str, name: str):
    assert host_name(host) == name
    assert (name in LOOPBACK) == (name in {"127.0.0.1", "localhost", "::1"})


class TestOrigins:
    @pytest.mark.parametrize("origins", [[], [f"http://{HERE}"], [f"https://{HERE}"], [f"http://{HERE}"] * 2])
    def test_the_hosts_own_pages_are_at_home(self, origins: list[str]):
        assert not foreign(origins, HERE)

    @pytest.mark.parametrize(
        "origin",
        [
            "http://evil.example",
            "http://127.0.0.1:9999",
            "http://127.0.0.1",
            f"http://{HERE}.evil.example",
            f"http://user@{HERE}",
            "null",
            "",
            "http://[",
            HERE,
        ],
    )
    def test_all_others_are_foreign_also_beside_an_own_one(self, origin: str):
        assert foreign([origin], HERE)
        assert foreign([f"http://{HERE}", origin], HERE)

    def test_an_allowed_origin_is_compared_as_a_whole(self):
        allowed = {"https://photos.example"}

        assert not foreign(["https://photos.example"], HERE, allowed)
        assert foreign(["http://photos.example"], HERE, allowed)
        assert foreign(["https://photos.example:444"], HERE, allowed)
        assert not foreign(["https://anywhere.example"], HERE, {"*"})


def test_a_malformed_address_has_no_parts():
    assert split_address("http://[::1") == split_address("")
