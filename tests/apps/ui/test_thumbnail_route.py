"""The address of thumbnails: only photos of the library, and only for the page itself."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from vectortag.apps.ui.thumbnail_route import ROUTE, address_of


@pytest.fixture
def client(library_home: Path, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    monkeypatch.setattr(sys, "argv", ["app.py", "--library", str(library_home)])
    return TestClient(Starlette(routes=[ROUTE]))


def test_a_photo_of_the_library_is_a_jpeg_that_no_other_site_may_show(client):
    answer = client.get(address_of(1).removeprefix("."))

    assert answer.status_code == 200
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.format == "JPEG"


@pytest.mark.parametrize("row", ["0", "99", str(10**40), "..%2f..%2fetc%2fpasswd", "a"])
def test_nothing_else_has_an_address(client, row):
    assert client.get(f"/library-thumbnails/{row}").status_code == 404


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)]
)
def test_pages_of_other_sites_are_refused(client, site, status):
    assert client.get("/library-thumbnails/1", headers={"Sec-Fetch-Site": site}).status_code == status


def test_without_a_library_there_is_nothing(client, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["app.py"])
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "empty"))

    assert client.get("/library-thumbnails/1").status_code == 404
