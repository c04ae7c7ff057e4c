"""Labels that look wrong, as a table and as a page."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.assembly import doubts as doubts_module
from vectortag.assembly.doubts import doubts_csv, doubts_page
from vectortag.assembly.label_errors import Doubt
from vectortag.data.records import Record

DOUBTS = [Doubt(1, 0, True, 0.01), Doubt(0, 1, False, 0.97)]


@pytest.fixture
def records(make_photo: Callable[..., Path]) -> list[Record]:
    return [Record(make_photo(name), (), 2, None, "photos") for name in ("a.jpg", "<b>.jpg")]


def test_the_table_has_a_row_for_each_in_their_order(records: list[Record]):
    rows = list(csv.DictReader(io.StringIO(doubts_csv(DOUBTS, ("dog", "sea"), records).decode())))

    assert rows == [
        {"photo": str(records[1].path), "tag": "dog", "has": "yes", "score": "0.0100"},
        {"photo": str(records[0].path), "tag": "sea", "has": "no", "score": "0.9700"},
    ]


def test_the_page_has_a_picture_of_each_and_nothing_that_a_browser_would_load(records: list[Record]):
    page = doubts_page(DOUBTS, ("dog", "<script>"), records, labels=2000).decode()

    assert "<h1>2 of 2,000 labels look wrong</h1>" in page
    assert page.count("<img ") == 2
    assert page.index("labelled dog, score 0.01") < page.index("not labelled &lt;script&gt;, score 0.97")
    assert "<script>" not in page
    assert "&lt;b&gt;.jpg" in page
    assert "http" not in page.replace("http-equiv", "")


def test_a_photo_that_is_gone_is_named(records: list[Record]):
    records[0].path.unlink()

    assert "a.jpg" in doubts_page(DOUBTS, ("dog", "sea"), records, labels=9).decode()


def test_a_long_page_ends_and_says_so(records: list[Record], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doubts_module, "ON_PAGE", 1)

    page = doubts_page(DOUBTS, ("dog", "sea"), records, labels=9).decode()

    assert page.count("<img ") == 1
    assert "2 of 9 labels look wrong, the first 1 of them" in page
