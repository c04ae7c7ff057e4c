"""What the browser asks for: only of the library, and only for the page itself."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from vectortag.apps.ui.library.routes import ROUTES, address_of, picture_address_of


@pytest.fixture
def client(library_home: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(sys, "argv", ["app.py", "--library", str(library_home)])
    return TestClient(Starlette(routes=ROUTES))


@pytest.mark.parametrize("address", [address_of(1), picture_address_of(1)])
def test_a_photo_of_the_library_is_a_jpeg_that_no_other_site_may_show(client, address):
    answer = client.get(address.removeprefix("."))

    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == "JPEG"


@pytest.mark.parametrize("path", ["thumbnails", "pictures"])
@pytest.mark.parametrize("row", ["0", "99", str(10**40), "..%2f..%2fetc%2fpasswd", "a"])
def test_nothing_else_has_an_address(client, path, row):
    assert client.get(f"/library-{path}/{row}").status_code == 404


@pytest.mark.parametrize("path", ["thumbnails", "pictures"])
def test_a_link_that_leads_out_of_the_library_is_not_followed(client, tmp_path, path):
    outside, photo = tmp_path / "outside.jpg", tmp_path / "holiday/1.jpg"
    photo.rename(outside)
    photo.symlink_to(outside)
    addresses = [f"/library-{path}/{row}" for row in range(1, 8)]

    assert sorted(client.get(address).status_code for address in addresses) == [200] * 6 + [404]


def test_suggestions_are_names_of_the_library_and_say_what_they_replace(client):
    answer = client.get("/library-suggestions", params={"q": "not do", "at": 6}).json()

    assert {"text": "dog ", "shown": "dog", "kind": "tag", "start": 4, "end": 6}.items() <= answer[0].items()


@pytest.mark.parametrize("at", ["", "x", "-1", "9" * 30, "99"])
def test_a_caret_that_is_nowhere_is_at_the_end(client, at):
    assert client.get("/library-suggestions", params={"q": "do", "at": at}).json()[0]["text"] == "dog "


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_pages_of_other_sites_are_refused(client, site, status):
    assert client.get("/library-thumbnails/1", headers={"Sec-Fetch-Site": site}).status_code == status


def test_without_a_library_there_is_nothing(client, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["app.py"])
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "empty"))

    assert client.get("/library-thumbnails/1").status_code == 404
