"""Tags inside JPEG files, by exiftool."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from packets import LIGHTROOM
from PIL import Image

from vectortag.core.errors import OutputError
from vectortag.data.keywords import read_keywords
from vectortag.library import embed
from vectortag.library.embed import XMP, change_embedded, packet_in, segments
from vectortag.library.keyword_fields import WantedTag
from vectortag.library.sidecars import ModelRun, merge, without_ours

RUN = ModelRun("tiny@12345678", "2026-11-30T16:00:00+00:00")
WANTED = [WantedTag("dog", ("animal", "dog"), 0.91, "person")]


def tagged(packet: bytes | None) -> bytes | None:
    return merge(packet, WANTED, run=RUN)


@pytest.fixture
def photo(make_photo: Callable[..., Path]) -> Path:
    file = make_photo("-Möwe.jpg")
    os.utime(file, ns=(10**18, 10**18 + 7))
    return file


class TestWithExiftool:
    @pytest.fixture(autouse=True)
    def _exiftool(self, need: Callable[[object, str], None]) -> None:
        need(shutil.which("exiftool"), "exiftool")

    def test_the_tags_are_in_the_photo_and_nothing_else_has_changed(self, photo: Path):
        before, pixels = photo.read_bytes(), np.asarray(Image.open(photo))

        assert change_embedded(photo, tagged)

        after = photo.read_bytes()
        assert read_keywords(photo).words == ("animal", "dog")
        assert np.array_equal(np.asarray(Image.open(photo)), pixels)
        assert after[after.index(b"\xff\xda") :] == before[before.index(b"\xff\xda") :]
        assert photo.stat().st_mtime_ns == 10**18 + 7
        assert [file.name for file in photo.parent.iterdir()] == [photo.name]

    def test_the_persons_packet_is_kept_and_restored(self, photo: Path):
        with Image.open(photo) as image:
            image.load()
        image.save(photo, xmp=LIGHTROOM)
        before = photo.read_bytes()

        change_embedded(photo, tagged)
        assert read_keywords(photo).words == ("Pets", "Rex", "animal", "dog")
        change_embedded(photo, lambda packet: without_ours(packet or b""))

        assert LIGHTROOM in (packet_in(photo.read_bytes(), photo) or b"")
        assert list(segments(photo.read_bytes(), photo))[-1] == list(segments(before, photo))[-1]

    def test_forgotten_the_photo_is_what_it_was(self, photo: Path):
        before = photo.read_bytes()
        change_embedded(photo, tagged)
        change_embedded(photo, lambda packet: without_ours(packet or b""))

        assert photo.read_bytes() == before

    def test_an_unchanged_photo_is_not_written(self, photo: Path):
        change_embedded(photo, tagged)
        node = photo.stat().st_ino

        assert not change_embedded(photo, tagged)
        assert photo.stat().st_ino == node

    def test_another_format_is_refused(self, make_photo: Callable[..., Path]):
        with pytest.raises(OutputError, match="is not a JPEG"):
            change_embedded(make_photo("a.png"), tagged)

    def test_a_cut_photo_is_refused_and_left_alone(self, photo: Path):
        photo.write_bytes(photo.read_bytes()[:100])

        with pytest.raises(OutputError, match="is a broken JPEG"):
            change_embedded(photo, tagged)

    def test_a_packet_in_several_parts_is_refused(self, photo: Path):
        content = photo.read_bytes()
        more = embed.MORE_XMP + b"0" * 40
        photo.write_bytes(content[:2] + b"\xff\xe1" + (len(more) + 2).to_bytes(2, "big") + more + content[2:])

        with pytest.raises(OutputError, match="in several parts"):
            change_embedded(photo, tagged)


class TestAnotherExiftool:
    """Programs of that name which do not do what is asked."""

    @pytest.fixture
    def exiftool(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """exiftool(code): a program of this name that runs Python code with the name of the photo in `file`."""

        def install(code: str) -> None:
            program = tmp_path / "bin/exiftool"
            program.parent.mkdir()
            program.write_text(f"#!{sys.executable}\nimport sys, time\nfile = sys.argv[-1]\n{code}\n")
            program.chmod(0o755)
            monkeypatch.setenv("PATH", str(program.parent))

        return install

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            (
                "data = open(file, 'rb').read(); open(file, 'wb').write(data[:-3] + b'\\0\\xff\\xd9')",
                "would change more than",
            ),
            ("", "would change more than its XMP"),  # it changes nothing at all
            ("sys.exit('cannot write')", "exiftool failed, and the photo is left alone: cannot write"),
            ("sys.exit(7)", "exiftool failed, and the photo is left alone: status 7"),
            ("time.sleep(60)", "exiftool did not end within 0 seconds"),
        ],
    )
    def test_is_found_out_and_the_photo_stays_as_it_is(
        self, exiftool: Callable[[str], None], photo: Path, monkeypatch: pytest.MonkeyPatch, code: str, message: str
    ):
        exiftool(code)
        if "sleep" in code:
            monkeypatch.setattr(embed, "PATIENCE", 0.2)
        before = photo.read_bytes(), photo.stat().st_mtime_ns

        with pytest.raises(OutputError, match=message):
            change_embedded(photo, tagged)

        assert (photo.read_bytes(), photo.stat().st_mtime_ns) == before
        assert [file.name for file in photo.parent.iterdir() if file.is_file()] == [photo.name]

    def test_one_that_only_changes_the_packet_is_as_good(self, exiftool: Callable[[str], None], photo: Path):
        """The packet is what is left of "-xmp<=" in its arguments."""
        exiftool(
            "import struct\n"
            "packet = open(sys.argv[-2][len('-xmp<='):], 'rb').read()\n"
            "data = open(file, 'rb').read()\n"
            f"block = {XMP!r} + packet\n"
            "open(file, 'wb').write(data[:2] + b'\\xff\\xe1' + struct.pack('>H', 2 + len(block)) + block + data[2:])"
        )

        assert change_embedded(photo, tagged)
        assert read_keywords(photo).words == ("animal", "dog")
        assert photo.stat().st_mtime_ns == 10**18 + 7


def test_without_exiftool_it_says_how_to_get_it(photo: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")

    with pytest.raises(OutputError, match="--embed needs the program exiftool, which is not installed"):
        change_embedded(photo, tagged)
