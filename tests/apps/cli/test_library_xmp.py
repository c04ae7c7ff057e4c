"""vectortag library write-xmp, forget, accept, reject, rename, lists; vectortag tag --write-xmp"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packets import BROKEN, LIGHTROOM, copy_beside

from vectortag.library.packet import Packet

Cli = Callable[..., Any]


@pytest.fixture
def photos(make_photo: Callable[..., Path]) -> Path:
    """A folder of two photos."""
    for seed in range(2):
        photo = make_photo(f"photos/{seed}.jpg", seed=seed)
    return photo.parent


@pytest.fixture
def library(cli: Cli, photos: Path, tiny_model: Path) -> Cli:
    """library("accept", photo, "dog"): a command on the user's library, which has the photos."""
    assert cli("library", "add", photos, "--model", tiny_model).status == 0
    return lambda *arguments: cli("library", *arguments)


def lists(photo: Path) -> dict[str, list[str]]:
    return Packet(photo.with_name(photo.name + ".xmp").read_bytes()).lists


def test_the_way_through(library: Cli, photos: Path):
    photo = photos / "0.jpg"
    assert library("accept", photo, "puppy", "boat").stdout == f"{photo}: dog\n{photo}: boat\n"
    assert library("reject", photo, "beach").stdout == f"{photo}: no beach\n"
    assert library("rename", photo, "boat", "Nina").stdout == f"{photo}: boat, shown as Nina\n"
    assert library("lists", "--rename", "dog: Hund", "--not", "").stdout == "only: -\nnot: -\nrenames: dog: Hund\n"

    shown = library("write-xmp", photos, "--dry-run")
    assert "+     <rdf:li>animal|Hund</rdf:li>" in shown.stdout
    assert "2 would be made (nothing was written)" in shown.stderr
    assert len(list(photos.iterdir())) == 2

    done = library("write-xmp", photos)
    assert done.status == 0
    assert {"animal/Hund", "vehicle/Nina"} <= set(lists(photo)["TagsList"])
    assert "unchanged" in library("write-xmp", photos).stderr

    assert library("forget", photos).status == 0
    assert len(list(photos.iterdir())) == 2


def test_choices_are_kept_for_the_next_time(library: Cli, photos: Path):
    photo = photos / "0.jpg"
    library("accept", photo, "dog")

    library("write-xmp", photo, "--parent", "auto", "--not", "animal")
    assert "auto/dog" in lists(photo)["TagsList"]
    assert library("write-xmp", photo).stderr.startswith("sidecars: 1 unchanged")
    library("write-xmp", photo, "--parent", "")
    assert "dog" in lists(photo)["TagsList"]
    assert "animal" not in lists(photo)["subject"]


def test_new_sidecars_may_have_the_stem_of_the_photo(cli: Cli, library: Cli, photos: Path, tiny_model: Path):
    for number in range(2):
        library("accept", photos / f"{number}.jpg", "dog")

    library("write-xmp", photos / "0.jpg", "--stem")
    cli("tag", photos / "1.jpg", "--write-xmp", "--model", tiny_model)

    assert sorted(file.name for file in photos.glob("*.xmp")) == ["0.xmp", "1.xmp"]
    assert "unchanged" in library("write-xmp", "--full-name").stderr
    assert library("forget", photos).status == 0
    library("write-xmp")
    assert sorted(file.name for file in photos.glob("*.xmp")) == ["0.jpg.xmp", "1.jpg.xmp"]


def test_a_broken_sidecar_is_named_and_the_others_are_written(library: Cli, photos: Path):
    for name in ("0.jpg", "1.jpg"):
        library("accept", photos / name, "dog")
    broken = copy_beside(photos / "0.jpg", BROKEN["a raw ampersand"])

    done = library("write-xmp")

    assert done.status == 1
    assert f"{broken}: left alone: it is not XML" in done.stderr
    assert "dog" in lists(photos / "1.jpg")["subject"]


def test_a_correction_reaches_the_library(cli: Cli, library: Cli, photos: Path, tiny_model: Path):
    photo = photos / "0.jpg"
    cli("correct", photo, "--yes", "dog", "--model", tiny_model)
    library("write-xmp")
    assert "dog" in lists(photo)["subject"]

    cli("correct", "--undo")
    cli("correct", photo, "--no", "dog", "--model", tiny_model)
    library("write-xmp")
    assert "dog" not in lists(photo)["subject"]


class TestWithoutALibrary:
    def test_forget_finds_them_also_without_their_photos(self, cli: Cli, photos: Path, tiny_model: Path):
        copy_beside(photos / "0.jpg", LIGHTROOM)
        cli("tag", photos, "--write-xmp", "--threshold", "0", "-m", tiny_model)
        (photos / "1.jpg").unlink()

        assert cli("library", "forget", photos, "--dry-run").status == 0
        assert (photos / "1.jpg.xmp").exists()
        done = cli("library", "forget", photos)

        assert "sidecars: 1 changed, 1 removed" in done.stderr
        assert (photos / "0.jpg.xmp").read_bytes() == LIGHTROOM


class TestEmbedding:
    @pytest.fixture(autouse=True)
    def _exiftool(self, need: Callable[[object, str], None]) -> None:
        need(shutil.which("exiftool"), "exiftool")

    def test_a_librarys_photo_keeps_all_that_is_known_of_it(self, library: Cli, photos: Path):
        photo = photos / "0.jpg"
        before = photo.read_bytes()
        library("accept", photo, "dog")

        assert library("write-xmp", photo, "--embed").status == 0
        assert photo.read_bytes() != before
        assert "no changes" in library("update").stderr
        assert "2 unchanged" in library("write-xmp", photo, "--embed").stderr
        assert "dog" in lists(photo)["subject"]

        assert library("forget", photo, "--embed").status == 0
        assert photo.read_bytes() == before
