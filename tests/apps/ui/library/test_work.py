"""What jobs do with a library."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from vectortag.apps.ui.library import work
from vectortag.apps.ui.library.jobs import Job
from vectortag.apps.ui.library.work import exporting, updating, writing_sidecars
from vectortag.library.library import Library


def ran(what: work.Work) -> Job:
    """A job that has done this."""
    job = Job("kind", "title")
    job.run(what)
    return job


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_an_update_finds_new_photos_and_groups_those_that_cannot_be_read(library_home, tmp_path, make_photo):
    make_photo("holiday/new.jpg", seed=20)
    for name in ("bad.jpg", "worse.jpg"):
        (tmp_path / "holiday" / name).write_bytes(b"no photo")

    job = ran(updating(library_home))

    assert job.state == "done"
    assert job.summary == "10 photos: 3 new, 1 tagged."
    assert [one.count for one in job.causes.values()] == [2]
    assert (job.done, job.total) == (3, 3)


def test_an_update_that_is_paused_goes_on_where_it_was(library_home, make_photo):
    for seed in (20, 21):
        make_photo(f"holiday/{seed}.jpg", seed=seed)
    stopped = Job("update", "Update")
    stopped.stop()

    stopped.run(updating(library_home))
    assert stopped.state == "stopped"

    assert "2 tagged" in ran(updating(library_home)).summary


def test_sidecars_are_shown_as_a_diff_first_and_then_written_for_these_photos_only(library_home, tmp_path):
    with Library.open(library_home) as library:
        library.accept_on([1, 2, 3], "boat")
    before = snapshot(tmp_path / "holiday")

    dry = ran(writing_sidecars(library_home, [1, 2], dry_run=True))
    assert dry.changes == 2
    assert dry.summary == "Sidecars: 2 would be made. Nothing was written yet."
    assert len(dry.diffs) == 2
    assert "boat" in dry.diffs[0]
    assert snapshot(tmp_path / "holiday") == before

    wet = ran(writing_sidecars(library_home, [1, 2], dry_run=False))
    assert wet.summary == "Sidecars: 2 made."
    after = snapshot(tmp_path / "holiday")
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2

    assert ran(writing_sidecars(library_home, [1, 2], dry_run=False)).summary == "Sidecars: 2 unchanged."


def test_no_photos_are_not_taken_for_all(library_home, tmp_path):
    before = snapshot(tmp_path / "holiday")

    ran(writing_sidecars(library_home, [99], dry_run=False))

    assert snapshot(tmp_path / "holiday") == before


def test_a_sidecar_that_cannot_be_changed_is_told_and_the_others_are_written(library_home, tmp_path):
    with Library.open(library_home) as library:
        library.accept_on(library.rows(), "boat")
    (tmp_path / "holiday/3.jpg.xmp").write_bytes(b"<no xml")

    job = ran(writing_sidecars(library_home, None, dry_run=False))

    assert job.summary.count("6 made") == 1
    assert sum(one.count for one in job.causes.values()) == 1


def test_an_export_has_what_a_person_decided(library_home):
    with Library.open(library_home) as library:
        library.accept_on([1], "Anna", own=True)
        rows = library.rows()

    as_json = ran(exporting(library_home, rows, "jsonl", title="All"))
    as_table = ran(exporting(library_home, rows, "csv", title="All"))

    lines = [json.loads(line) for line in as_json.file[2].decode().splitlines()]
    table = list(csv.DictReader(io.StringIO(as_table.file[2].decode())))
    assert [Path(line["path"]).name for line in lines] == [Path(line["path"]).name for line in table]
    assert len(lines) == 7
    with_anna = [line for line in lines if {"tag": "Anna", "score": None, "confirmed": True} in line["tags"]]
    assert len(with_anna) == 1
    assert [line["confirmed"] for line in table if "Anna" in line["tags"].split("; ")] == ["Anna"]


def test_a_contact_sheet_leaves_out_what_a_link_leads_to(library_home, tmp_path, monkeypatch):
    monkeypatch.setattr(work, "MOST_ON_SHEET", 3)
    outside, photo = tmp_path / "outside.jpg", tmp_path / "holiday/0.jpg"
    photo.rename(outside)
    photo.symlink_to(outside)
    with Library.open(library_home) as library:
        rows = sorted(library.rows('file:"0.jpg"') + library.rows('file:"1.jpg"'))

    job = ran(exporting(library_home, [*rows, *rows], "html", title="<b>All</b>"))

    page = job.file[2].decode()
    assert page.count("<figure>") < 3
    assert "<b>All" not in page
    assert [one.examples for one in job.causes.values()] == [[str(photo)] * job.causes.popitem()[1].count]
    assert job.summary == "3 photos. A contact sheet has the first 3."


@pytest.mark.parametrize("form", ["csv", "jsonl", "html"])
def test_an_export_that_was_stopped_ends_early(library_home, form):
    job = Job("export", "Export")
    job.stop()

    job.run(exporting(library_home, [1, 2, 3], form, title="All"))

    assert (job.state, job.done) == ("stopped", 1)
