"""vectortag tag with lists of tags, and with photos that are in a library."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.library.packet import Packet

Cli = Callable[..., Any]


@pytest.fixture
def tag(cli: Cli, tiny_model: Path) -> Cli:
    """tag(path, "--not", "dog"): the tags of each photo, all that have a score, by the lines of JSON."""

    def run(*arguments: object) -> list[list[str]]:
        done = cli("tag", *arguments, "--threshold", "0.06", "-f", "jsonl", "--model", tiny_model)
        assert done.status == 0, done.stderr
        return [[one["tag"] for one in json.loads(line)["tags"]] for line in done.stdout.splitlines()]

    return run


def paths_in_sidecar(photo: Path) -> list[str]:
    return Packet(photo.with_name(photo.name + ".xmp").read_bytes()).lists["TagsList"]


class TestLists:
    def test_hide_tags(self, tag: Cli, photo_folder: Path):
        for whole, some in zip(tag(photo_folder), tag(photo_folder, "--not", "ship, puppy"), strict=True):
            assert {"boat", "dog"} <= set(whole)
            assert some == [one for one in whole if one not in {"boat", "dog"}]

    def test_leave_as_many_tags_as_were_asked_for(self, tag: Cli, photo_folder: Path):
        assert tag(photo_folder, "--only", "boat, dog, sea", "--top-k", 2) == [
            [one for one in whole if one in {"boat", "dog", "sea"}][:2] for whole in tag(photo_folder)
        ]

    def test_hold_for_all_scores(self, tag: Cli, photo_folder: Path):
        assert tag(photo_folder, "--all-scores", "--not", "dog") == [["animal", "beach", "sea", "boat", "vehicle"]] * 3

    def test_rename_tags(self, cli: Cli, photo_folder: Path, tiny_model: Path):
        command = ("tag", photo_folder / "0.jpg", "--threshold", 0, "--rename", "dog: Rex", "--model", tiny_model)

        rows = cli(*command, "-f", "csv").stdout
        (line,) = map(json.loads, cli(*command, "-f", "jsonl").stdout.splitlines())

        assert ",Rex," in rows
        assert ",dog," not in rows
        assert {one["tag"]: one["name"] for one in line["tags"]}["dog"] == "Rex"
        assert " Rex " in cli(*command).stdout

    def test_are_part_of_a_job(self, cli: Cli, photo_folder: Path, tiny_model: Path, tmp_path: Path):
        output = tmp_path / "tags.jsonl"
        command = ("tag", photo_folder, "-f", "jsonl", "--output", output, "--resume", "--model", tiny_model)
        (tmp_path / "tags.jsonl.part").write_text(_header_of(cli, command, output), "utf-8")

        done = cli(*command, "--not", "dog")

        assert done.status == 2
        assert "was begun with not None, and now it is ['dog']" in done.stderr

    def test_are_of_one_language_in_a_job(self, cli: Cli, photo_folder: Path, tiny_model: Path, tmp_path: Path):
        output = tmp_path / "tags.jsonl"
        command = ("tag", photo_folder, "-f", "jsonl", "--output", output, "--resume", "--model", tiny_model)
        (tmp_path / "tags.jsonl.part").write_text(_header_of(cli, (*command, "--language", "de"), output), "utf-8")

        done = cli(*command)

        assert done.status == 2
        assert "was begun with language de, and now it is None" in done.stderr

    def test_of_an_unknown_tag_are_wrong_usage(self, cli: Cli, photo_folder: Path, tiny_model: Path):
        done = cli("tag", photo_folder, "--not", "dig", "--model", tiny_model)

        assert done.status == 2
        assert 'no tag "dig". Did you mean "dog"?' in done.stderr


def _header_of(cli: Cli, command: tuple[object, ...], output: Path) -> str:
    """The first line of the job's file, of a run that was broken off before its end."""
    from vectortag.apps.cli.tag_job import TagJob

    headers: list[str] = []
    real = TagJob.writing

    def noted(self: TagJob) -> Any:
        headers.append(json.dumps(self.header) + "\n")
        return real(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TagJob, "writing", noted)
        assert cli(*command).status == 0
    output.unlink()
    return headers[0]


class TestPhotosOfALibrary:
    def test_are_shown_by_its_lists(self, tag: Cli, library: Cli, photo_folder: Path, make_photo):
        before = tag(photo_folder)
        library("lists", "--not", "dog", "--rename", "boat: Nina")

        assert tag(photo_folder) == [[one for one in whole if one != "dog"] for whole in before]
        assert tag(photo_folder, "--no-library") == before
        assert tag(photo_folder, "--not", "") == before
        assert "dog" in tag(photo_folder, make_photo("elsewhere.jpg", seed=9))[0]

    def test_are_shown_in_its_language(self, cli: Cli, tag: Cli, library: Cli, photo_folder: Path, tiny_model: Path):
        before = tag(photo_folder)
        library("lists", "--language", "de")
        command = ("tag", photo_folder, "--threshold", 0, "-f", "csv", "--model", tiny_model)

        german, english = cli(*command).stdout, cli(*command, "--language", "en").stdout

        assert ",Hund," in german
        assert ",dog," not in german
        assert ",dog," in english
        assert ",Hund," not in english
        assert tag(photo_folder, "--not", "Hund") == [[one for one in whole if one != "dog"] for whole in before]


def test_a_library_that_cannot_be_used_is_named_and_left_aside(
    cli: Cli, photo_folder: Path, tiny_model: Path, tmp_path: Path
):
    (tmp_path / "broken.sqlite").write_bytes(b"no library")

    done = cli("tag", photo_folder, "--library", tmp_path / "broken.sqlite", "--model", tiny_model)

    assert done.status == 0
    assert "broken.sqlite" in done.stderr
    assert "It is not used" in done.stderr
