"""exiftool and exiv2, the library of digiKam, darktable and gThumb, read what VectorTag writes, and write over it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

import pytest
from packets import LIGHTROOM, READ_BY_EXIFTOOL, READ_BY_EXIV2, SIDECARS

from vectortag.library.keyword_fields import WantedTag
from vectortag.library.packet import Packet
from vectortag.library.sidecars import ModelRun, merge, record_in, without_ours

RUN = ModelRun("tiny@12345678", "2026-11-30T16:00:00+00:00")
WANTED = [
    WantedTag("animal", ("animal",), 0.95),
    WantedTag("dog", ("animal", "dog"), 0.91),
    WantedTag("AC/DC", ("AC/DC",), 0.8),
    WantedTag("Möwe & 海", ("Möwe & 海",), 0.7),
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


def by_exiftool(folder: Path) -> dict[str, dict[str, list[str]]]:
    """The lists of each file."""
    found = json.loads(run("exiftool", "-json", "-G1", "-struct", "-charset", "filename=utf8", "-ext", "xmp", folder))
    return {
        Path(one["SourceFile"]).name: {
            name: [str(entry) for entry in (one[tag] if isinstance(one[tag], list) else [one[tag]])]
            for name, (tag, _) in FIELDS.items()
            if tag in one
        }
        for one in found
    }


def by_exiv2(file: Path) -> dict[str, str]:
    """exiv2 prints a list as one text."""
    found = {}
    for name, (_, key) in FIELDS.items():
        text = subprocess.run(["exiv2", "-Pt", "-K", key, str(file)], capture_output=True, check=False).stdout.decode()
        if text:
            found[name] = text.rstrip("\n")
    return found


def write_all(folder: Path, names: Collection[str], wanted: list[WantedTag]) -> dict[str, bytes]:
    """Each sidecar with the tags, and a new one."""
    existing: dict[str, bytes | None] = {"new": None, **{name: SIDECARS[name] for name in names}}
    contents = {f"Möwe 海 {name}.jpg.xmp": merge(one, wanted, run=RUN) or b"" for name, one in existing.items()}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return contents


@pytest.fixture
def exiftool(need: Callable[[object, str], None]) -> None:
    need(shutil.which("exiftool"), "exiftool")


@pytest.fixture
def exiv2(need: Callable[[object, str], None]) -> None:
    need(shutil.which("exiv2"), "exiv2")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "Möwe 海.jpg.xmp"


@pytest.mark.usefixtures("exiftool")
class TestExiftool:
    @pytest.mark.parametrize("wanted", [WANTED, TWO_HUNDRED], ids=["few", "200"])
    def test_reads_every_field_as_it_was_written(self, wanted: list[WantedTag], tmp_path: Path):
        contents = write_all(tmp_path, READ_BY_EXIFTOOL, wanted)

        assert by_exiftool(tmp_path) == {name: Packet(content).lists for name, content in contents.items()}

    def test_finds_nothing_that_it_would_take_for_the_photos_own(self, file: Path):
        """Immich lays what exiftool reads in a sidecar over what it reads in the photo, without its namespaces."""
        file.write_bytes(merge(None, WANTED, run=RUN) or b"")
        (found,) = json.loads(run("exiftool", "-json", "-XMP:all", file))

        ours = {name for name in found if not name.startswith("Tagging")}
        assert ours == {"SourceFile", "XMPToolkit", "Subject", "HierarchicalSubject", "TagsList"}

    def test_finds_no_new_fault(self, tmp_path: Path):
        write_all(tmp_path, READ_BY_EXIFTOOL, WANTED)
        for name in READ_BY_EXIFTOOL:
            (tmp_path / f"before {name}.xmp").write_bytes(SIDECARS[name])

        found = json.loads(run("exiftool", "-json", "-a", "-validate", "-warning", "-ext", "xmp", tmp_path))

        warnings = {Path(one.pop("SourceFile")).name: one for one in found}
        assert warnings.pop("Möwe 海 new.jpg.xmp") == {"Validate": "OK"}
        for name in READ_BY_EXIFTOOL:
            assert warnings[f"Möwe 海 {name}.jpg.xmp"] == warnings[f"before {name}.xmp"], name

    def test_what_it_wrote_anew_is_known_again(self, tmp_path: Path):
        contents = write_all(tmp_path, READ_BY_EXIFTOOL, WANTED)

        run("exiftool", "-overwrite_original", "-XMP-xmp:Label=Green", "-ext", "xmp", tmp_path)

        for name, content in contents.items():
            now = (tmp_path / name).read_bytes()
            assert now != content
            assert record_in(now) == record_in(content), name
            assert merge(now, WANTED, run=RUN) is None, name

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
    def test_reads_every_field_as_it_was_written(self, wanted: list[WantedTag], tmp_path: Path):
        for name, content in write_all(tmp_path, READ_BY_EXIV2, wanted).items():
            lists = {field: ", ".join(entries) for field, entries in Packet(content).lists.items()}

            assert by_exiv2(tmp_path / name) == lists, name

    def test_what_it_wrote_anew_is_known_again(self, tmp_path: Path):
        for name, content in write_all(tmp_path, READ_BY_EXIV2, WANTED).items():
            run("exiv2", "-M", "set Xmp.xmp.Label Green", tmp_path / name)

            now = (tmp_path / name).read_bytes()
            assert now != content
            assert record_in(now) == record_in(content), name
            assert merge(now, WANTED, run=RUN) is None, name

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
