"""The sidecars of a whole library."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from packets import LIGHTROOM, copy_beside

from vectortag.data.keywords import read_keywords
from vectortag.inference.tagger import Tagger
from vectortag.library.library import Library
from vectortag.library.lists import TagNames
from vectortag.library.packet import Packet
from vectortag.library.sidecars import record_in
from vectortag.library.write_xmp import Choice


@pytest.fixture
def photos(make_photo: Callable[..., Path]) -> list[Path]:
    return [make_photo(f"photos/{seed}.jpg", seed=seed) for seed in range(6)]


@pytest.fixture
def library(photos: list[Path], tiny_model: Path, tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.sqlite") as library:
        library.add(tmp_path / "photos")
        library.update(model=tiny_model)
        yield library


def flat(photo: Path) -> list[str]:
    """The flat keywords of a photo's sidecar."""
    sidecar = photo.with_name(photo.name + ".xmp")
    return Packet(sidecar.read_bytes()).lists.get("subject", []) if sidecar.exists() else []


def test_the_sidecars_have_the_tags_that_the_model_shows(library: Library, photos: list[Path], tiny_model: Path):
    outcomes = list(library.write_xmp())

    tagger = Tagger.load(tiny_model)
    assert any(flat(photo) for photo in photos)
    assert {one.what for one in outcomes} <= {"made", "unchanged"}
    for photo in photos:
        shown = {one.tag for one in tagger.tag(photo).tags}
        implied = {above for tag in shown for above in tagger.folder.manifest.taxonomy.ancestors(tag)}
        assert set(flat(photo)) == shown | implied


def test_written_twice_is_written_once(library: Library, photos: list[Path]):
    list(library.write_xmp())
    files = {file: file.stat().st_mtime_ns for file in photos[0].parent.iterdir()}

    outcomes = list(library.write_xmp())

    assert {one.what for one in outcomes} == {"unchanged"}
    assert {file: file.stat().st_mtime_ns for file in photos[0].parent.iterdir()} == files


def test_a_decision_reaches_the_sidecar(library: Library, photos: list[Path]):
    library.accept(photos[0], "dog")
    library.reject(photos[1], "vehicle")
    library.rename(photos[2], "dog", "Rex")

    list(library.write_xmp())

    assert {"animal", "dog"} <= set(flat(photos[0]))
    assert not {"boat", "vehicle"} & set(flat(photos[1]))
    assert "Rex" in flat(photos[2])
    record = record_in(photos[0].with_name("0.jpg.xmp").read_bytes())
    assert record is not None
    assert {one.tag: one.by for one in record.tags}["dog"] == "person"


def test_lists_reach_the_sidecars(library: Library, photos: list[Path]):
    library.accept(photos[0], "dog")
    library.accept(photos[0], "boat")
    library.change_names(TagNames(hidden=("vehicle",), renames={"puppy": "Hund"}))

    list(library.write_xmp(photos[:1]))

    assert {"Hund", "animal", "boat"} <= set(flat(photos[0]))
    assert not {"dog", "vehicle"} & set(flat(photos[0]))
    assert not any(flat(photo) for photo in photos[1:])


def test_tags_that_were_rejected_in_bulk_do_not_come_back(library: Library, photos: list[Path], tiny_model: Path):
    """They came back from stale sidecars elsewhere (immich#23792)."""
    for photo in photos:
        library.accept(photo, "dog")
    list(library.write_xmp())
    for photo in photos:
        library.reject(photo, "dog")

    list(library.write_xmp())
    library.update(model=tiny_model)
    list(library.write_xmp())

    for photo in photos:
        assert "dog" not in flat(photo)
        assert "dog" not in read_keywords(photo).words
    assert library.database.execute("SELECT count(*) FROM keywords").fetchone() == (0,)


def test_an_accepted_tag_that_was_deleted_by_hand_is_not_accepted_any_more(library: Library, photos: list[Path]):
    library.accept(photos[0], "dog")
    list(library.write_xmp(photos[:1]))
    sidecar = photos[0].with_name("0.jpg.xmp")
    head, mark, record = sidecar.read_bytes().partition(b"<vectortag:TaggingModel>")
    gone = head.replace(b"<rdf:li>dog</rdf:li>", b"").replace(b"<rdf:li>animal|dog</rdf:li>", b"")
    sidecar.write_bytes(gone.replace(b"<rdf:li>animal/dog</rdf:li>", b"") + mark + record)

    first, _, third = (list(library.write_xmp(photos[:1])) for _ in range(3))

    assert first[0].deleted == ("dog",)
    assert not {"animal", "dog"} & set(flat(photos[0]))  # "animal" came with it
    assert third[0].what == "unchanged"
    assert library.database.execute("SELECT count(*) FROM decisions").fetchone() == (0,)


CHANGES: dict[str, Callable[[Library], Choice | None]] = {
    "nothing": lambda library: None,
    "another name": lambda library: Choice(TagNames(renames={"dog": "Hund", "animal": "Tier"})),
    "a branch": lambda library: Choice(parent="auto"),
    "both": lambda library: Choice(TagNames(renames={"dog": "Hund"}), parent="auto"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("other_model", [False, True], ids=["the same model", "another model"])
def test_a_tag_that_was_deleted_by_hand_does_not_come_back_whatever_changes(
    library: Library, photos: list[Path], write_tiny_model, tiny_fields, tmp_path: Path, change: str, other_model: bool
):
    photo = next(photo for photo in photos if "dog" in library.tags_on(library.photo(row_of(library, photo))))
    list(library.write_xmp([photo]))
    sidecar = photo.with_name(photo.name + ".xmp")
    head, mark, record = sidecar.read_bytes().partition(b"<vectortag:TaggingModel>")
    for entry in (b"dog", b"animal|dog", b"animal/dog"):
        assert b"<rdf:li>%b</rdf:li>" % entry in head
        head = head.replace(b"<rdf:li>%b</rdf:li>" % entry, b"")
    sidecar.write_bytes(head + mark + record)
    if other_model:
        (point,) = tiny_fields["operating_points"]
        fields = {"operating_points": [{**point, "slope": [0.2, *point["slope"][1:]]}]}
        library.update(model=write_tiny_model(tmp_path / "other", **fields).path)

    for _ in range(2):
        list(library.write_xmp([photo], choice=CHANGES[change](library)))
        words = {level for entry in Packet(sidecar.read_bytes()).lists["TagsList"] for level in entry.split("/")}
        assert not {"dog", "Hund"} & {*flat(photo), *words}
        library.update()


def row_of(library: Library, photo: Path) -> int:
    (row,) = library.database.execute("SELECT id FROM photos WHERE path = ?", (photo.name,)).fetchone()
    return int(row)


def test_a_program_that_dropped_our_namespace_is_seen_through(library: Library, photos: list[Path]):
    library.accept(photos[0], "dog")
    library.accept(photos[0], "boat")
    list(library.write_xmp(photos[:1]))
    others = LIGHTROOM.replace(b"Rex", b"boat").replace(b"Pets|boat", b"vehicle|boat").replace(b"Pets", b"vehicle")
    sidecar = copy_beside(photos[0], others)  # it has read our tags, and "dog" was deleted in it

    list(library.write_xmp(photos[:1]))

    assert "dog" not in flat(photos[0])
    assert "boat" in flat(photos[0])
    assert record_in(sidecar.read_bytes()) is not None


def test_forgotten_sidecars_are_gone(library: Library, photos: list[Path]):
    copy_beside(photos[0], LIGHTROOM)
    for photo in photos:
        library.accept(photo, "dog")
    list(library.write_xmp())

    outcomes = list(library.forget_xmp())

    assert sorted(one.what for one in outcomes) == ["changed"] + ["removed"] * 5
    assert photos[0].with_name("0.jpg.xmp").read_bytes() == LIGHTROOM
    assert len(list(photos[0].parent.iterdir())) == 7
    assert library.database.execute("SELECT count(*) FROM written").fetchone() == (0,)


def test_no_byte_and_no_time_of_a_photo_changes(library: Library, photos: list[Path], tiny_model: Path):
    for photo in photos:
        os.utime(photo, ns=(10**18, 10**18 + 1))
    before = {photo: (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) for photo in photos}

    library.update(model=tiny_model)
    library.accept(photos[0], "dog")
    library.rename(photos[0], "dog", "Rex")
    library.reject(photos[1], "boat")
    list(library.write_xmp())
    list(library.write_xmp(dry_run=True))
    list(library.forget_xmp())

    assert {photo: (photo.read_bytes(), photo.stat().st_mtime_ns, photo.stat().st_ino) for photo in photos} == before
