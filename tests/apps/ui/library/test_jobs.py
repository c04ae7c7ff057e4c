"""Jobs in the background."""

from __future__ import annotations

import threading

import pytest

from vectortag.apps.ui.library import jobs
from vectortag.apps.ui.library.jobs import Job, Jobs
from vectortag.core.errors import LibraryError


def fail(job: Job) -> None:
    raise LibraryError("the library is damaged")


def break_down(job: Job) -> None:
    raise ZeroDivisionError


def test_a_job_runs_until_it_is_asked_to_stop_and_others_of_its_kind_wait():
    running, started = Jobs(), threading.Event()
    job = Job("update", "Update")

    def work(job: Job) -> None:
        started.set()
        while not job.is_stopping:
            job._stop.wait(1)

    assert running.start(job, work)
    started.wait(10)
    assert running.is_running
    assert (running.runs("update"), running.runs("export")) == (True, False)
    assert not running.start(Job("update", "Again"), fail)
    running.dismiss(job)
    assert running.all == [job]

    job.stop()
    running.wait(10)

    assert (job.state, running.is_running) == ("stopped", False)
    running.dismiss(job)
    assert running.all == []


@pytest.mark.parametrize(("work", "text"), [(fail, "the library is damaged"), (break_down, "the log of the server")])
def test_an_error_ends_a_job_and_is_told(work, text):
    running, job = Jobs(), Job("update", "Update")

    running.start(job, work)
    running.wait(10)

    assert job.state == "failed"
    assert text in job.summary


def test_problems_are_grouped_by_cause_with_the_first_examples(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_EXAMPLES", 2)
    job = Job("update", "Update")

    for number in range(5):
        job.add_problem("no photo", f"{number}.jpg")
    job.add_problem("too large", "a.jpg")

    assert {cause: (one.count, one.examples) for cause, one in job.causes.items()} == {
        "no photo": (5, ["0.jpg", "1.jpg"]),
        "too large": (1, ["a.jpg"]),
    }


def test_the_last_jobs_of_each_kind_are_kept_the_newest_first(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_FINISHED", 3)
    running = Jobs()
    for kind in ("a", "b", "b", "c", "d"):
        running.start(Job(kind, kind), lambda job: None)
        running.wait(10)

    assert [job.kind for job in running.all] == ["d", "c", "b"]
