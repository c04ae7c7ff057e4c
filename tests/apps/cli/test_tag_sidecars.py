"""The sidecars of `vectortag tag --write-xmp`, without a library and for photos that are in one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packets import LIGHTROOM, copy_beside

from vectortag.library.packet import Packet
from vectortag.library.sidecars import record_in

Cli = Callable[..., Any]


def lists(photo: Path) -> dict[str, list[str]]:
    return Packet(photo.with_name(photo.name + ".xmp").read_bytes()).lists


class TestWithoutALibrary:
    def test_tag_writes_sidecars(self, cli: Cli, photo_folder: Path, tiny_model: Path):
        copy_beside(photo_folder / "0.jpg", LIGHTROOM)

        done = cli("tag", photo_folder, "--write-xmp", "--parent", "auto", "--threshold", "0", "-m", tiny_model)

        assert done.status == 0
        assert "sidecars: 2 made, 1 changed" in done.stderr
        assert "auto/animal/dog" in lists(photo_folder / "1.jpg")["TagsList"]
        assert lists(photo_folder / "0.jpg")["subject"][:2] == ["Pets", "Rex"]
        again = cli("tag", photo_folder, "--write-xmp", "--parent", "auto", "--threshold", "0", "-m", tiny_model)
        assert "sidecars: 3 unchanged" in again.stderr

    def test_corrections_count(self, cli: Cli, photo_folder: Path, tiny_model: Path):
        cli("correct", photo_folder / "0.jpg", "--yes", "boat", "--no", "dog", "-m", tiny_model)

        cli("tag", photo_folder, "--write-xmp", "--threshold", "0", "-m", tiny_model)

        assert "dog" not in lists(photo_folder / "0.jpg")["subject"]
        record = record_in((photo_folder / "0.jpg.xmp").read_bytes())
        assert record is not None
        assert {one.tag: one.by for one in record.tags}["boat"] == "person"

    def test_a_dry_run_shows_and_writes_nothing(self, cli: Cli, photo_folder: Path, tiny_model: Path):
        done = cli("tag", photo_folder, "--write-xmp", "--dry-run", "--threshold", "0", "-m", tiny_model)

        assert "+    <rdf:Bag>" in done.stderr
        assert len(list(photo_folder.iterdir())) == 3

    def test_embedding_without_exiftool_is_refused(
        self, cli: Cli, photo_folder: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.setenv("PATH", "")

        done = cli("tag", photo_folder, "--write-xmp", "--embed", "-m", tiny_model)

        assert done.status == 1
        assert "--embed needs the program exiftool" in done.stderr

    def test_the_lowest_score_of_a_sidecar_holds_beside_each_tags_own(
        self, cli: Cli, photo_folder: Path, tiny_model: Path
    ):
        photo = photo_folder / "1.jpg"
        command = ("tag", photo, "--write-xmp", "--min-score")

        assert cli(*command, 0, "-m", tiny_model).status == 0
        assert "dog" in lists(photo)["subject"]
        assert cli(*command, 1, "-m", tiny_model).status == 0
        assert not photo.with_name("1.jpg.xmp").exists()

    def test_a_photo_that_fails_gets_none(self, cli: Cli, photo_folder: Path, tiny_model: Path):
        (photo_folder / "0.jpg").write_bytes(b"no photo")

        done = cli("tag", photo_folder, "--write-xmp", "--threshold", 0, "-m", tiny_model)

        assert done.status == 1
        assert sorted(file.name for file in photo_folder.glob("*.xmp")) == ["1.jpg.xmp", "2.jpg.xmp"]


class TestPhotosOfALibrary:
    def test_get_the_sidecars_that_the_library_would_write(
        self, cli: Cli, library: Cli, photo_folder: Path, tiny_model: Path
    ):
        library("accept", photo_folder / "0.jpg", "dog")
        library("rename", photo_folder / "1.jpg", "boat", "Nina")
        library("reject", photo_folder / "2.jpg", "vehicle")
        library("lists", "--not", "beach")
        library("write-xmp", "--parent", "auto")
        before = {file: file.read_bytes() for file in photo_folder.iterdir()}
        assert "auto/vehicle/Nina" in lists(photo_folder / "1.jpg")["TagsList"]

        done = cli("tag", photo_folder, "--write-xmp", "--model", tiny_model)

        assert "unchanged" in done.stderr
        assert {file: file.read_bytes() for file in photo_folder.iterdir()} == before
        for file in photo_folder.glob("*.xmp"):
            file.unlink()
        cli("tag", photo_folder, "--write-xmp", "--model", tiny_model)
        assert {file.name for file in photo_folder.iterdir()} == {file.name for file in before}
        assert "auto/vehicle/Nina" in lists(photo_folder / "1.jpg")["TagsList"]
        assert "unchanged" in library("write-xmp").stderr

    def test_may_get_others_by_options(self, cli: Cli, library: Cli, photo_folder: Path, tiny_model: Path):
        library("accept", photo_folder / "0.jpg", "dog")
        library("write-xmp", "--parent", "auto", "--not", "animal")

        cli("tag", photo_folder, "--write-xmp", "--parent", "", "--not", "", "--model", tiny_model)

        assert "animal/dog" in lists(photo_folder / "0.jpg")["TagsList"]

    def test_a_tag_that_was_deleted_by_hand_stays_out_where_the_record_is_the_librarys(
        self, cli: Cli, library: Cli, photo_folder: Path, tiny_model: Path
    ):
        photo = photo_folder / "0.jpg"
        library("accept", photo, "dog", "boat")
        library("write-xmp", photo)
        sidecar = photo.with_name("0.jpg.xmp")
        lists = Packet(sidecar.read_bytes()).lists
        sidecar.write_bytes(_by_another_program([one for one in lists["subject"] if one != "dog"]))

        cli("tag", photo, "--write-xmp", "--model", tiny_model)

        assert "dog" not in Packet(sidecar.read_bytes()).lists["subject"]
        assert "boat" in Packet(sidecar.read_bytes()).lists["subject"]


def _by_another_program(words: list[str]) -> bytes:
    """A sidecar of flat keywords alone."""
    items = "".join(f"<rdf:li>{word}</rdf:li>" for word in words)
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
        f"{items}</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()
