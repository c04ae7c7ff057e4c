"""Jobs on the library: what can be begun for the photos found or ticked, and a panel of the jobs."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.ui.library.jobs import Job
from vectortag.apps.ui.library.open_library import OpenLibrary
from vectortag.apps.ui.library.page_query import LibraryQuery
from vectortag.core.errors import LibraryError

pytest.importorskip("streamlit")


@pytest.fixture(autouse=True)
def _jobs_end(opened: OpenLibrary) -> Iterator[None]:
    yield
    for job in opened.jobs.all:
        job.stop()
    opened.jobs.wait(60)


@pytest.fixture
def menu(draw: Any, opened: OpenLibrary) -> Any:
    """menu({1, 2}, LibraryQuery("dog")): with these photos ticked."""
    from vectortag.apps.ui.views.library_jobs import job_menu

    def show(ticked: Any = (), query: LibraryQuery | None = None, count: int = 7) -> Any:
        return draw(job_menu, opened, query or LibraryQuery(), count, set(ticked))

    return show


@pytest.fixture
def panel(draw: Any, opened: OpenLibrary) -> Any:
    from vectortag.apps.ui.views.library_jobs import job_panel

    return lambda **session: draw(job_panel, opened, **session)


@pytest.fixture
def _editing(start: Any, library_home: Path) -> None:
    start("--library", library_home, "--edit")


def ended(opened: OpenLibrary, job: Job, work: Any = lambda job: None) -> Job:
    """The job, after its end."""
    assert opened.jobs.start(job, work)
    opened.jobs.wait(60)
    return job


class TestMenu:
    def test_without_leave_to_edit_photos_can_be_exported_only(self, menu: Any):
        labels = [one.label for one in menu().button]

        assert labels == ["Table (CSV)", "For programs (JSON Lines)", "Contact sheet (HTML)"]

    @pytest.mark.usefixtures("_editing")
    def test_where_nothing_was_found_only_the_whole_library_can_be_updated(self, menu: Any):
        page = menu(count=0)

        assert [one.label for one in page.button if not one.disabled] == ["Update: look for new photos"]

    def test_what_is_exported_are_the_ticked_photos_in_the_order_of_the_search(
        self, menu: Any, click: Any, opened: OpenLibrary
    ):
        query = LibraryQuery("vehicle")
        rows = opened.rows(query.node())
        first, second = next((one, other) for one, other in itertools.pairwise(rows) if one > other)

        page = click(menu({first, second}, query), "export-jsonl")
        opened.jobs.wait(60)

        (job,) = opened.jobs.all
        assert job.title == "For programs (JSON Lines): 2 photos ticked"
        assert list(job.rows or ()) == [first, second]
        assert job.file is not None
        assert len([json.loads(line) for line in job.file[2].decode().splitlines()]) == 2
        assert "begun" in page.session_state["job_note"]

    def test_a_ticked_photo_that_is_not_found_any_more_is_exported_too(
        self, menu: Any, click: Any, opened: OpenLibrary
    ):
        rows = opened.rows(None)

        click(menu({rows[0], rows[1]}, LibraryQuery("path:nowhere"), count=0), "export-csv")

        assert sorted(opened.jobs.all[0].rows or ()) == sorted(rows[:2])

    @pytest.mark.usefixtures("_editing")
    def test_sidecars_are_looked_at_before_they_are_written(
        self, menu: Any, panel: Any, click: Any, said: Any, opened: OpenLibrary, tmp_path: Path
    ):
        opened.change(lambda library: library.accept_on(opened.rows(None)[:1], "dog"))
        click(menu(opened.rows(None)[:1]), "preview")
        opened.jobs.wait(60)
        assert list((tmp_path / "holiday").glob("*.xmp")) == []

        page = panel()
        assert "Sidecars: 1 would be made. Nothing was written yet." in said(page)
        assert any("dog" in one.value for one in page.code)
        click(page, "Write 1 sidecar")
        opened.jobs.wait(60)

        assert len(list((tmp_path / "holiday").glob("*.xmp"))) == 1

    def test_of_one_kind_only_one_job_runs(self, menu: Any, click: Any, opened: OpenLibrary):
        waiting = threading.Event()
        opened.jobs.start(Job("export", "Export"), lambda job: waiting.wait(60))

        page = click(menu(), "export-csv")
        waiting.set()

        assert page.session_state["job_note"] == "Such a job runs already. Stop it first, or wait."
        assert [job.title for job in opened.jobs.all] == ["Export"]


class TestPanel:
    def test_without_jobs_there_is_none(self, panel: Any):
        assert len(panel().container) == 0 or len(panel().button) == 0

    def test_a_running_job_says_how_far_it_is_and_can_be_stopped(
        self, panel: Any, click: Any, said: Any, opened: OpenLibrary
    ):
        job, stopped = Job("export", "**Export**"), threading.Event()
        opened.jobs.start(job, lambda job: stopped.wait(60))
        job.progress(30, 60)

        page = panel()
        assert r"**\*\*Export\*\***" in said(page)
        click(page, "Stop")

        assert job.is_stopping
        assert [one.label for one in panel().button] == ["Ending …"]
        stopped.set()

    def test_what_it_did_stays_until_it_is_closed(self, panel: Any, click: Any, said: Any, opened: OpenLibrary):
        def work(job: Job) -> None:
            job.summary, job.file = "7 photos.", ("photos.csv", "text/csv", b"path\n")

        ended(opened, Job("export", "Export"), work)

        page = panel()
        assert {"**Export**, done", "7 photos."} <= set(said(page))
        assert [one.label for one in page.download_button] == ["Download"]
        click(page, "Close")
        assert opened.jobs.all == []

    def test_why_it_failed_is_an_error(self, panel: Any, said: Any, opened: OpenLibrary):
        def work(job: Job) -> None:
            raise LibraryError("the library is damaged")

        ended(opened, Job("update", "Update"), work)

        page = panel()
        assert "**Update**, failed" in said(page)
        assert [one.value for one in page.error] == ["the library is damaged"]

    def test_causes_are_counted_and_the_first_examples_are_named(self, panel: Any, opened: OpenLibrary):
        def work(job: Job) -> None:
            for number in range(25):
                job.add_problem("not a photo", f"{number}.jpg")

        ended(opened, Job("update", "Update"), work)

        page = panel()
        assert [one.label for one in page.expander] == ["25 × not a photo"]
        assert page.code[0].value.splitlines()[::19] == ["0.jpg", "19.jpg"]
        assert page.code[0].value.endswith("… and 5 more")

    @pytest.mark.parametrize(
        ("kind", "expected"), [("update", ["Go on", "Close"]), ("write", ["Go on", "Close"]), ("export", ["Close"])]
    )
    @pytest.mark.usefixtures("_editing")
    def test_a_job_that_was_paused_goes_on_if_it_can(
        self, panel: Any, opened: OpenLibrary, kind: str, expected: list[str]
    ):
        ended(opened, Job(kind, "A job"), lambda job: job.stop())

        assert [one.label for one in panel().button] == expected

    def test_without_leave_to_edit_it_goes_on_for_nobody(self, panel: Any, opened: OpenLibrary):
        ended(opened, Job("update", "Update"), lambda job: job.stop())

        assert [one.label for one in panel().button] == ["Close"]

    def test_that_the_last_job_has_ended_is_said_once(self, panel: Any, opened: OpenLibrary):
        ended(opened, Job("update", "Update"))

        page = panel(jobs_ran=True)

        assert [one.value for one in page.toast] == ["Update: done."]
        assert len(page.run().toast) == 0
