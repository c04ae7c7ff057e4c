"""Who comes back within an hour finds their photos; nobody else does."""

from __future__ import annotations

import pytest

from vectortag.apps.ui import visits
from vectortag.apps.ui.session_photos import SessionPhotos
from vectortag.apps.ui.visits import MOST_VISITS, Visits


@pytest.fixture
def photos(content) -> SessionPhotos:
    made = SessionPhotos()
    made.add("a.png", content())
    return made


class TestVisits:
    def test_the_visitor_finds_the_photos_of_the_visit_and_may_change_them_alone(self, photos):
        kept = Visits()
        kept.keep("anna", "first", photos)

        found = kept.find("anna", "first")

        assert found == photos
        found.clear()
        assert len(photos.photos) == 1

    @pytest.mark.parametrize(
        ("visitor", "name"), [("ben", "first"), ("anna", "second"), (None, "first"), ("anna", None)]
    )
    def test_a_link_or_a_cookie_alone_opens_nothing(self, photos, visitor, name):
        kept = Visits()
        kept.keep("anna", "first", photos)

        assert kept.find(visitor, name) is None

    def test_a_visit_is_forgotten_an_hour_after_its_last_use(self, photos):
        kept = Visits()
        kept.keep("anna", "first", photos, now=0)
        kept.keep("anna", "first", photos, now=3000)

        assert kept.find("anna", "first", now=6599) is not None
        assert kept.find("anna", "first", now=6601) is None

    def test_its_photos_leave_the_memory_also_if_nobody_comes(self, photos):
        kept = Visits()
        kept.keep("anna", "first", photos, now=0)

        assert [kept.forget_old(now=now) for now in (3599, 3601)] == [1, 0]

    def test_of_too_many_visits_the_oldest_is_forgotten(self, photos):
        kept = Visits()
        for number in range(MOST_VISITS + 1):
            kept.keep("anna", str(number), photos)

        assert [bool(kept.find("anna", str(number))) for number in (0, 1, MOST_VISITS)] == [False, True, True]

    def test_of_too_large_visits_the_last_is_kept(self, photos, monkeypatch):
        monkeypatch.setattr(visits, "MOST_BYTES", 1)
        kept = Visits()
        for name in ("one", "two"):
            kept.keep("anna", name, photos)

        assert [bool(kept.find("anna", name)) for name in ("one", "two")] == [False, True]
