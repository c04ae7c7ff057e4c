"""exiftool and exiv2, the library of digiKam, darktable and gThumb, read what VectorTag writes, and write over it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from packets import LIGHTROOM, SIDECARS
from vectortag.library.keyword_fields import WantedTag
from vectortag.library.packet import Packet
from vectortag.library.sidecars import ModelRun, merge, record_in, without_ours

RUN = ModelRun("tiny@12345678", "2026-11-30T16:00:00+00:00")
WANTED = [
    WantedTag("animal", ("animal",), 0.95),
    WantedTag("dog", ("animal", "dog"), 0.91),
    WantedTag("AC/DC", ("AC/DC",), 0.8),
    WantedTag("Möwe & 海 🐕", ("Möwe & 海 🐕",), 0.7),
    WantedTag("a, b", ("a, b",), 0.6),
]
TWO_HUNDRED = [WantedTag(f"tag {number}", ("all", f"tag {number}"), 0.5) for number in range(200)]
FIELDS = {
    "subject": ("XMP-dc:Subject", "Xmp.dc.subject"),
    "hierarchicalSubject": ("XMP-lr:HierarchicalSubject", "Xmp.lr.hierarchicalSubject"),
    "TagsList": ("XMP-digiKam:TagsList", "Xmp.digiKam.TagsList"),
    "LastKeywordXMP": ("XMP-microsoft:LastKeywordXMP", "Xmp.MicrosoftPhoto.LastKeywordXMP"),
}


def run(*command: object) -> str:
    return subprocess.run([*map(str, command)], capture_output=True, check=True).stdout.decode()


def by_exiftool(file: Path) -> dict[str, list[str]]:
    (found,) = json.loads(run("exiftool", "-json", "-G1", "-struct", "-charset", "filename=utf8", file))
    lists = {name: found.get(tag) for name, (tag, _) in FIELDS.items()}
    return {
        name: [str(entry) for entry in (entries if isinstance(entries, list) else [entries])]
        for name, entries in lists.items()
        if entries is not None
    }


def by_exiv2(file: Path) -> dict[str, list[str]]:
    """exiv2 prints a list with ", " between its entries: each is asked for by itself."""
    found = {}
    for name, (_, key) in FIELDS.items():
        text = subprocess.run(["exiv2", "-Pt", "-K", key, str(file)], capture_output=True, check=False).stdout.decode()
        if text:
            found[name] = text.rstrip("\n")
    return found


@pytest.fixture
def exiftool(need: Callable[[object, str], None]) -> None:
    need(shutil.which("exiftool"), "exiftool")


@pytest.fixture
def exiv2(need: Callable[[object, str], None]) -> None:
    need(shutil.which("exiv2"), "exiv2")


@pytest.fixture(params=[None, *SIDECARS], ids=["new", *SIDECARS])
def existing(request: pytest.FixtureRequest) -> bytes | None:
    return None if request.param is None else SIDECARS[request.param]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "Möwe 海.jpg.xmp"


@pytest.mark.usefixtures("exiftool")
class TestExiftool:
    @pytest.mark.parametrize("wanted", [WANTED, TWO_HUNDRED], ids=["few", "200"])
    def test_reads_every_field_as_it_was_written(self, existing: bytes | None, wanted: list[WantedTag], file: Path):
        content = merge(existing, wanted, run=RUN) or b""
        file.write_bytes(content)

        assert by_exiftool(file) == Packet(content).lists

    def test_finds_nothing_that_it_would_take_for_the_photos_own(self, file: Path):
        """Immich lays what exiftool reads in a sidecar over what it reads in the photo, without its namespaces."""
        file.write_bytes(merge(None, WANTED, run=RUN) or b"")
        (found,) = json.loads(run("exiftool", "-json", "-XMP:all", file))

        ours = {name for name in found if not name.startswith("Tagging")}
        assert ours == {"SourceFile", "XMPToolkit", "Subject", "HierarchicalSubject", "TagsList"}

    def test_what_it_wrote_anew_is_known_again(self, existing: bytes | None, file: Path):
        file.write_bytes(merge(existing, WANTED, run=RUN) or b"")
        before = record_in(file.read_bytes())

        run("exiftool", "-overwrite_original", "-XMP-xmp:Label=Green", file)

        assert record_in(file.read_bytes()) == before
        assert merge(file.read_bytes(), WANTED, run=RUN) is None

    def test_it_finds_no_fault(self, existing: bytes | None, file: Path):
        file.write_bytes(merge(existing, WANTED, run=RUN) or b"")

        assert "Warning" not in run("exiftool", "-validate", "-warning", "-a", file)

    def test_a_tag_that_it_deleted_stays_out_and_one_that_it_added_stays(self, file: Path):
        file.write_bytes(merge(LIGHTROOM, WANTED, run=RUN) or b"")
        run("exiftool", "-overwrite_original", "-TagsList-=animal/dog", "-TagsList+=Rome", file)

        content = merge(file.read_bytes(), WANTED, run=RUN) or b""

        assert "dog" not in Packet(content).lists["subject"]
        assert "Rome" in Packet(content).lists["TagsList"]
        assert "Rome" in Packet(without_ours(content) or b"").lists["TagsList"]


@pytest.mark.usefixtures("exiv2")
class TestExiv2:
    @pytest.mark.parametrize("wanted", [WANTED, TWO_HUNDRED], ids=["few", "200"])
    def test_reads_every_field_as_it_was_written(self, existing: bytes | None, wanted: list[WantedTag], file: Path):
        content = merge(existing, wanted, run=RUN) or b""
        file.write_bytes(content)

        assert by_exiv2(file) == {name: ", ".join(entries) for name, entries in Packet(content).lists.items()}

    def test_what_it_wrote_anew_is_known_again(self, existing: bytes | None, file: Path):
        file.write_bytes(merge(existing, WANTED, run=RUN) or b"")
        before = record_in(file.read_bytes())

        run("exiv2", "-M", "set Xmp.xmp.Label Green", file)

        assert record_in(file.read_bytes()) == before
        assert merge(file.read_bytes(), WANTED, run=RUN) is None

    def test_what_it_wrote_anew_is_forgotten_as_well(self, file: Path):
        file.write_bytes(merge(LIGHTROOM, WANTED, run=RUN) or b"")
        run("exiv2", "-M", "set Xmp.xmp.Label Green", file)

        left = without_ours(file.read_bytes()) or b""

        assert Packet(left).lists == Packet(LIGHTROOM).lists
        assert b"vectortag" not in left

    def test_a_sidecar_of_ours_that_it_wrote_anew_is_still_ours(self, file: Path):
        file.write_bytes(merge(None, WANTED, run=RUN) or b"")
        run("exiv2", "-M", "set Xmp.xmp.Label Green", "-M", "del Xmp.xmp.Label", file)

        assert without_ours(file.read_bytes()) == b""
