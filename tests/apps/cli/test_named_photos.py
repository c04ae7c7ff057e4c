"""The photos that a command was given, and what it says of the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.named_photos import NamedPhotos, say_left_out
from vectortag.apps.cli.output import notes
from vectortag.data.find import LeftOut

Cli = Callable[..., Any]


@pytest.fixture(autouse=True)
def _fresh_notes() -> None:
    """Messages go to the stderr of this test."""
    notes.__dict__.pop("console", None)


def test_a_folder_without_photos_is_said_to_have_none(tag, tmp_path: Path):
    (tmp_path / "empty").mkdir()

    outcome = tag(tmp_path / "empty")

    assert (outcome.status, outcome.stdout) == (0, "")
    assert "no photos in" in outcome.stderr


def test_photos_come_in_the_order_of_the_arguments(tag, photos, make_photo: Callable[..., Path]):
    other = make_photo("a.jpg")

    lines = map(json.loads, tag(photos[2], other.parent / "photos", other, "--format", "jsonl").stdout.splitlines())

    assert [line["path"] for line in lines] == [*map(str, [photos[2], *photos, other])]


def test_photos_are_counted_before_they_are_read(photo_folder: Path):
    (photo_folder / "notes.txt").write_text("no photo")
    named = NamedPhotos([photo_folder], exclude=["1.jpg"])

    assert named.count() == 2
    assert named.left_out.counts == {"excluded": 1, "other": 1}
    assert named.count() == 2  # counting again counts nothing twice
    assert named.left_out.counts == {"excluded": 1, "other": 1}
    assert [Path(str(photo)).name for photo in named.read()] == ["0.jpg", "2.jpg"]
    assert named.left_out.counts == {"excluded": 1, "other": 1}


def test_what_is_done_is_not_read_again(photos: list[Path], photo_folder: Path):
    assert list(NamedPhotos([photo_folder]).read(done={str(photos[0]), str(photos[2])})) == [photos[1]]


def test_one_walk_may_count_what_is_left_out(photo_folder: Path):
    named = NamedPhotos([photo_folder], exclude=["1.jpg"])

    assert len(list(named.references())) == 2
    assert named.left_out.counts == {}
    assert len(list(named.references(counted=True))) == 2
    assert named.left_out.counts == {"excluded": 1}


class TestWhatIsSaid:
    def said(self, capsys: pytest.CaptureFixture[str], total: int, **counts: int) -> list[str]:
        left_out = LeftOut()
        left_out.counts.update(counts)
        say_left_out([Path("pictures"), Path("more")], total, left_out)
        return capsys.readouterr().err.splitlines()

    def test_nothing_where_all_was_read(self, capsys: pytest.CaptureFixture[str]):
        assert self.said(capsys, 3) == []

    def test_files_that_are_no_pictures_are_named_only_where_there_are_no_photos(
        self, capsys: pytest.CaptureFixture[str]
    ):
        assert self.said(capsys, 3, other=2) == []
        assert self.said(capsys, 0, other=2) == ["no photos in pictures, more: 2 other files"]

    def test_photos_that_an_extra_would_read_come_last_with_what_to_install(self, capsys: pytest.CaptureFixture[str]):
        assert self.said(capsys, 3, heic=1, excluded=2) == [
            "left out: 2 excluded files and folders",
            "1 HEIC photo was left out: pip install 'vectortag[heic]'",
        ]

    def test_quiet_hides_none_of_it(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(notes, "hushed", True)

        assert self.said(capsys, 3, excluded=1) == ["left out: 1 excluded file or folder"]
