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
def photos(make_photo: Callable[..., Path]) -> Path:
    """A folder of three photos."""
    for seed in range(3):
        photo = make_photo(f"photos/{seed}.jpg", seed=seed)
    return photo.parent


@pytest.fixture
def tag(cli: Cli, tiny_model: Path) -> Cli:
    """tag(path, "--not", "dog"): the tags of each photo, all that have a score, by the lines of JSON."""

    def run(*arguments: object) -> list[list[str]]:
        done = cli("tag", *arguments, "--threshold", "0.06", "-f", "jsonl", "--model", tiny_model)
        assert done.status == 0, done.stderr
        return [[one["tag"] for one in json.loads(line)["tags"]] for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def library(cli: Cli, photos: Path, tiny_model: Path) -> Cli:
    """library("lists", "--not", "dog"): a command on the user's library, which has the photos."""
    assert cli("library", "add", photos, "--model", tiny_model).status == 0
    return lambda *arguments: cli("library", *arguments)


def paths_in_sidecar(photo: Path) -> list[str]:
    return Packet(photo.with_name(photo.name + ".xmp").read_bytes()).lists["TagsList"]


class TestLists:
    def test_hide_tags(self, tag: Cli, photos: Path):
        for whole, some in zip(tag(photos), tag(photos, "--not", "ship, puppy"), strict=True):
            assert {"boat", "dog"} <= set(whole)
            assert some == [one for one in whole if one not in {"boat", "dog"}]

    def test_leave_as_many_tags_as_were_asked_for(self, tag: Cli, photos: Path):
        assert tag(photos, "--only", "boat, dog, sea", "--top-k", 2) == [
            [one for one in whole if one in {"boat", "dog", "sea"}][:2] for whole in tag(photos)
        ]

    def test_hold_for_all_scores(self, tag: Cli, photos: Path):
        assert tag(photos, "--all-scores", "--not", "dog") == [["animal", "beach", "sea", "boat", "vehicle"]] * 3

    def test_rename_tags(self, cli: Cli, photos: Path, tiny_model: Path):
        command = ("tag", photos / "0.jpg", "--threshold", 0, "--rename", "dog: Rex", "--model", tiny_model)

        rows = cli(*command, "-f", "csv").stdout
        (line,) = map(json.loads, cli(*command, "-f", "jsonl").stdout.splitlines())

        assert ",Rex," in rows
        assert ",dog," not in rows
        assert {one["tag"]: one["name"] for one in line["tags"]}["dog"] == "Rex"
        assert " Rex " in cli(*command).stdout

    def test_are_part_of_a_job(self, cli: Cli, photos: Path, tiny_model: Path, tmp_path: Path):
        output = tmp_path / "tags.jsonl"
        command = ("tag", photos, "-f", "jsonl", "--output", output, "--resume", "--model", tiny_model)
        (tmp_path / "tags.jsonl.part").write_text(_header_of(cli, command, output), "utf-8")

        done = cli(*command, "--not", "dog")

        assert done.status == 2
        assert "was begun with not None, and now it is ['dog']" in done.stderr

    def test_are_of_one_language_in_a_job(self, cli: Cli, photos: Path, tiny_model: Path, tmp_path: Path):
        output = tmp_path / "tags.jsonl"
        command = ("tag", photos, "-f", "jsonl", "--output", output, "--resume", "--model", tiny_model)
        (tmp_path / "tags.jsonl.part").write_text(_header_of(cli, (*command, "--language", "de"), output), "utf-8")

        done = cli(*command)

        assert done.status == 2
        assert "was begun with language de, and now it is None" in done.stderr

    def test_of_an_unknown_tag_are_wrong_usage(self, cli: Cli, photos: Path, tiny_model: Path):
        done = cli("tag", photos, "--not", "dig", "--model", tiny_model)

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
    def test_are_shown_by_its_lists(self, tag: Cli, library: Cli, photos: Path, make_photo):
        before = tag(photos)
        library("lists", "--not", "dog", "--rename", "boat: Nina")

        assert tag(photos) == [[one for one in whole if one != "dog"] for whole in before]
        assert tag(photos, "--no-library") == before
        assert tag(photos, "--not", "") == before
        assert "dog" in tag(photos, make_photo("elsewhere.jpg", seed=9))[0]

    def test_are_shown_in_its_language(self, cli: Cli, tag: Cli, library: Cli, photos: Path, tiny_model: Path):
        before = tag(photos)
        library("lists", "--language", "de")
        command = ("tag", photos, "--threshold", 0, "-f", "csv", "--model", tiny_model)

        german, english = cli(*command).stdout, cli(*command, "--language", "en").stdout

        assert ",Hund," in german
        assert ",dog," not in german
        assert ",dog," in english
        assert ",Hund," not in english
        assert tag(photos, "--not", "Hund") == [[one for one in whole if one != "dog"] for whole in before]

    def test_get_the_sidecars_that_the_library_would_write(
        self, cli: Cli, library: Cli, photos: Path, tiny_model: Path
    ):
        library("accept", photos / "0.jpg", "dog")
        library("rename", photos / "1.jpg", "boat", "Nina")
        library("reject", photos / "2.jpg", "vehicle")
        library("lists", "--not", "beach")
        library("write-xmp", "--parent", "auto")
        before = {file: file.read_bytes() for file in photos.iterdir()}
        assert "auto/vehicle/Nina" in paths_in_sidecar(photos / "1.jpg")

        done = cli("tag", photos, "--write-xmp", "--model", tiny_model)

        assert "unchanged" in done.stderr
        assert {file: file.read_bytes() for file in photos.iterdir()} == before
        for file in photos.glob("*.xmp"):
            file.unlink()
        cli("tag", photos, "--write-xmp", "--model", tiny_model)
        assert {file.name for file in photos.iterdir()} == {file.name for file in before}
        assert "auto/vehicle/Nina" in paths_in_sidecar(photos / "1.jpg")
        assert "unchanged" in library("write-xmp").stderr

    def test_may_get_others_by_options(self, cli: Cli, library: Cli, photos: Path, tiny_model: Path):
        library("accept", photos / "0.jpg", "dog")
        library("write-xmp", "--parent", "auto", "--not", "animal")

        cli("tag", photos, "--write-xmp", "--parent", "", "--not", "", "--model", tiny_model)

        assert "animal/dog" in paths_in_sidecar(photos / "0.jpg")

    def test_a_tag_that_was_deleted_by_hand_stays_out_where_the_record_is_the_librarys(
        self, cli: Cli, library: Cli, photos: Path, tiny_model: Path
    ):
        photo = photos / "0.jpg"
        library("accept", photo, "dog", "boat")
        library("write-xmp", photo)
        sidecar = photo.with_name("0.jpg.xmp")
        lists = Packet(sidecar.read_bytes()).lists
        sidecar.write_bytes(_by_another_program([one for one in lists["subject"] if one != "dog"]))

        cli("tag", photo, "--write-xmp", "--model", tiny_model)

        assert "dog" not in Packet(sidecar.read_bytes()).lists["subject"]
        assert "boat" in Packet(sidecar.read_bytes()).lists["subject"]


def test_a_library_that_cannot_be_used_is_named_and_left_aside(
    cli: Cli, photos: Path, tiny_model: Path, tmp_path: Path
):
    (tmp_path / "broken.sqlite").write_bytes(b"no library")

    done = cli("tag", photos, "--library", tmp_path / "broken.sqlite", "--model", tiny_model)

    assert done.status == 0
    assert "broken.sqlite" in done.stderr
    assert "It is not used" in done.stderr


def _by_another_program(words: list[str]) -> bytes:
    """A sidecar of flat keywords alone."""
    items = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
        f"{items}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
