"""Photos that lie or are damaged, through the command: what they show, or an error with their name; bounded always."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import chunk, empty_gif, encode, png, smooth_picture, tiff, with_directory
from PIL import Image

Cli = Callable[..., Any]

MAIN = "from vectortag.apps.entry import main; main()"
PICTURE = smooth_picture(240, 160, seed=3)
GREY = np.asarray(PICTURE.convert("L"))[:, :, None]
JPEG = encode(PICTURE, "JPEG", quality=90)
PNG = encode(PICTURE, "PNG")
BROKEN_EXIF = PNG[:33] + chunk(b"eXIf", b"GARBAGE!") + PNG[33:]


@pytest.fixture
def tagged(cli: Cli, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """tagged("a.jpg", content): the line of `tag --format jsonl`, and what stderr had."""
    monkeypatch.chdir(tmp_path)

    def tag(name: str, content: bytes) -> tuple[dict[str, Any], str]:
        Path(name).write_bytes(content)
        outcome = cli("tag", name, "--format", "jsonl", "--model", tiny_model)
        (line,) = outcome.stdout.splitlines()
        return json.loads(line), outcome.stderr

    return tag


@pytest.mark.parametrize(
    ("whole", "other"),
    [
        (("a.jpg", JPEG), ("b.jpg", JPEG[:-2])),
        (("a.jpg", JPEG), ("b.jpe", JPEG[:-1])),
        (("a.jpg", JPEG), ("b.jfif", JPEG[:-2] + bytes(4096))),
        (("a.jpg", JPEG), ("b.insp", b"\n" + JPEG)),
        (("a.png", PNG), ("b.apng", BROKEN_EXIF)),
        (("a.bmp", encode(PICTURE, "BMP")), ("b.dib", encode(PICTURE, "BMP"))),
        (("a.bmp", encode(PICTURE, "BMP")), ("b.dib", encode(PICTURE, "DIB"))),
        (("a.tif", tiff(GREY, 8)), ("b.tif", tiff(GREY.astype(np.uint64) * 257 >> 4, 12))),
        (("a.tif", tiff(GREY, 8)), ("b.tif", tiff((255 - GREY).astype(np.uint64) * 257, 16, photometric=0))),
        (("a.tif", tiff(GREY, 8)), ("b.tif", tiff(GREY.astype(np.uint64) * 257 - 32768, 16, kind=2))),
    ],
    ids=[
        *("no end", "half an end", "zeros behind", "a byte before", "Exif", "dib", "bare dib", "12 bits", "inverted"),
        "signed",
    ],
)  # fmt: skip
def test_it_has_the_tags_of_its_plain_twin(tagged, whole, other):
    (plain, _), (odd, stderr) = tagged(*whole), tagged(*other)

    assert "error" not in odd
    assert plain | {"path": ""} == odd | {"path": ""}
    assert stderr == ""


def test_a_truncated_photo_is_refused_by_name(tagged):
    line, _ = tagged("half.jpg", JPEG[: len(JPEG) // 2])

    assert line["error"]["message"].startswith("half.jpg: broken photo: image file is truncated")


@pytest.mark.parametrize(
    "content",
    [
        encode(PICTURE, "TIFF", compression="tiff_lzw").replace(b"\x80", b"\x81"),
        encode(PICTURE, "TIFF", compression="jpeg")[:900],
        tiff(GREY, 8).replace(struct.pack("<HHI", 262, 4, 1), struct.pack("<HHI", 262, 4, 9)),
        encode(PICTURE, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\1\3\0"),
        encode(PICTURE.convert("P"), "PNG", transparency=bytes(256)),
        tiff(GREY, 8).replace(struct.pack("<HHII", 277, 4, 1, 1), struct.pack("<HHII", 277, 4, 1, 2048)),
    ],
    ids=["broken LZW", "cut", "a tag with two values", "broken Exif", "a palette of clear colours", "2048 samples"],
)
def test_no_library_speaks_on_stderr(tmp_path: Path, tiny_model: Path, content: bytes):
    (tmp_path / "odd.tif").write_bytes(content)
    outcome = subprocess.run(
        [sys.executable, "-c", MAIN, "tag", "odd.tif", "--model", tiny_model],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert outcome.stdout.startswith("odd.tif\n")
    assert outcome.stderr in ("", "1 of 1 photos could not be tagged\n")


def repeated_exif() -> bytes:
    return JPEG[:2] + (b"\xff\xe1" + struct.pack(">H", 65_000) + b"Exif\0\0" + bytes(64_992)) * 400 + JPEG[2:]


def many_strips() -> bytes:
    return with_directory(
        b"\0\0", {256: [1], 257: [10**6], 258: [8], 262: [1], 273: [8] * 10**6, 278: [1], 279: [1] * 10**6}
    )


def many_chunks() -> bytes:
    whole = encode(PICTURE, "PNG")
    return whole[:33] + chunk(b"tEXt", b"a\0b") * 1_500_000 + whole[33:]


def layers() -> bytes:
    import zlib

    press, row = zlib.compressobj(1), bytes(1 + 4 * 14_000)
    data = b"".join(press.compress(row) for _ in range(14_000)) + press.flush()
    header = struct.pack(">IIBBBBB", 14_000, 14_000, 8, 6, 0, 0, 0)
    return png(1, 1)[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def progressive() -> bytes:
    photo = encode(Image.new("RGB", (4000, 4000)), "JPEG", progressive=True)
    last = photo.rindex(b"\xff\xda")
    return photo[:last] + photo[last:-2] * 3000 + photo[-2:]


def many_samples() -> bytes:
    return with_directory(
        bytes(100), {256: [10], 257: [10], 258: [8], 262: [1], 273: [8], 277: [65535], 278: [10], 279: [100]}
    )


def many_starts() -> bytes:
    return JPEG[:2] + b"\xff\xd8" * 5_000_000 + JPEG[2:]


def compressed_text() -> bytes:
    import zlib

    press = zlib.compressobj(9)
    text = b"".join(press.compress(bytes(1 << 20)) for _ in range(500)) + press.flush()
    return PNG[:33] + chunk(b"zTXt", b"a\0\0" + text) + PNG[33:]


def profiles() -> bytes:
    import zlib

    return PNG[:-12] + chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(1_000_000), 9)) * 5000 + PNG[-12:]


def resources() -> bytes:
    segment = b"Photoshop 3.0\0" + b"8BIM\4\4\0\0\0\0\0\2ab" * 4500
    return JPEG[:2] + (b"\xff\xed" + struct.pack(">H", 2 + len(segment)) + segment) * 5000 + JPEG[2:]


BOMBS: dict[str, Callable[[], bytes]] = {
    "column.png": lambda: png(1, 190_000_000),
    "layers.png": layers,
    "screen.gif": lambda: empty_gif(14_000, 14_000),
    "smaller.gif": lambda: empty_gif(10_000, 10_000),
    "strips.tif": many_strips,
    "exif.jpg": repeated_exif,
    "chunks.png": many_chunks,
    "scans.jpg": progressive,
    "samples.tif": many_samples,
    "starts.jpg": many_starts,
    "text.png": compressed_text,
    "profiles.png": profiles,
    "resources.jpg": resources,
}
BOUNDED = """
import json, resource, sys
from vectortag.apps.cli.app import run
status = run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as lines:  # ru_maxrss counts the program that started this one, too
    peak = 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
sys.stderr.write("\\n" + json.dumps([status, peak, used.ru_utime + used.ru_stime]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux counts it")
@pytest.mark.parametrize("name", BOMBS)
def test_every_photo_takes_less_than_a_gigabyte_and_five_seconds(tmp_path: Path, tiny_model: Path, name: str):
    (tmp_path / name).write_bytes(BOMBS[name]())
    outcome = subprocess.run(
        [sys.executable, "-c", BOUNDED, "tag", name, "--format", "jsonl", "--model", tiny_model],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    status, memory, seconds = json.loads(outcome.stderr.splitlines()[-1])
    line = json.loads(outcome.stdout)
    assert line["path"] == name
    assert (status == 0) == ("tags" in line)
    assert memory < 1e9
    assert seconds < 7  # the start included


@pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux counts it")
def test_large_photos_on_several_threads_take_no_more_than_one(tmp_path: Path, tiny_model: Path):
    photo = encode(Image.new("RGB", (12_500, 12_500)), "PNG", compress_level=1)  # 625 MB in memory
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(photo)
    outcome = subprocess.run(
        [sys.executable, "-c", BOUNDED, "tag", ".", "--format", "jsonl", "--threads", "2", "--model", tiny_model],
        cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    status, memory, _ = json.loads(outcome.stderr.splitlines()[-1])
    assert (status, outcome.stdout.count('"tags"')) == (0, 2)
    assert memory < 1e9


def test_a_higher_limit_says_what_it_takes(cli: Cli, tiny_model: Path, tmp_path: Path):
    (tmp_path / "wide.png").write_bytes(png(300_000, 700, rows=bytes(300_001 * 700)))

    refused = cli("tag", tmp_path / "wide.png", "--model", tiny_model)
    let_in = cli("tag", tmp_path / "wide.png", "--model", tiny_model, "--max-pixels", 210_000_000)

    assert "300000 x 700 pixels are more than the limit of 200,000,000" in refused.stdout
    assert let_in.status == 0


class TestFolders:
    @pytest.fixture
    def library(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder of everything, where no extra and no ffmpeg is installed."""
        monkeypatch.setattr("vectortag.data.find.is_readable", lambda kind: False)
        monkeypatch.chdir(tmp_path)
        for name in (
            "a.jpg",
            "@alice/b.jfif",
            "@eaDir/c.jpg",
            "#recycle/d.jpg",
            "$RECYCLE.BIN/e.jpg",
            "lost+found/f.jpg",
        ):
            (tmp_path / "library" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "library" / name).write_bytes(JPEG)
        for name in ("1.CR2", "2.dng", "clip.MOV", "drawing.svg", "notes.txt"):
            (tmp_path / "library" / name).touch()
        (tmp_path / "library" / "again").symlink_to(tmp_path / "library", target_is_directory=True)
        return Path("library")

    def test_what_is_left_out_is_counted_by_kind(self, cli: Cli, library: Path, tiny_model: Path):
        outcome = cli("tag", library, "--format", "jsonl", "--model", tiny_model)

        assert [json.loads(line)["path"] for line in outcome.stdout.splitlines()] == [
            "library/a.jpg",
            "library/@alice/b.jfif",
        ]
        words, raws, videos, summary = outcome.stderr.splitlines()
        assert words == "left out: 1 picture of another format, 1 link to a folder"
        assert raws == "2 RAW photos were left out: pip install 'vectortag[raw]'"
        assert videos == "1 video was left out: install the program ffmpeg (https://ffmpeg.org)"
        assert json.loads(summary) == {
            "summary": {
                "photos": 2,
                "failed": 0,
                "left_out": {"raw": 2, "video": 1, "other_picture": 1, "link": 1, "other": 1},
            }
        }

    @pytest.mark.parametrize("form", ["table", "csv"])
    def test_so_they_are_with_other_forms(self, cli: Cli, library: Path, tiny_model: Path, form: str):
        outcome = cli("tag", library, "--format", form, "--model", tiny_model)

        assert outcome.stderr.startswith("left out: 1 picture of another format")
        assert outcome.stderr.splitlines()[-1].startswith("1 video was left out")
        assert len(outcome.stderr.splitlines()) == 3

    def test_a_folder_without_photos_says_what_is_there(self, cli: Cli, library: Path, tiny_model: Path):
        (library / "a.jpg").unlink()
        (library / "@alice/b.jfif").unlink()

        assert cli("tag", library, "--model", tiny_model).stderr == (
            "no photos in library: 1 picture of another format, 1 link to a folder, 1 other file\n"
            "2 RAW photos were left out: pip install 'vectortag[raw]'\n"
            "1 video was left out: install the program ffmpeg (https://ffmpeg.org)\n"
        )

    def test_heic_without_its_extra_is_left_out_and_said(self, cli: Cli, library: Path, tiny_model: Path):
        (library / "x.heic").write_bytes(b"\0\0\0\x18ftypheic")

        outcome = cli("tag", library, "--model", tiny_model)

        assert outcome.status == 0
        assert outcome.stderr.splitlines()[1] == "1 HEIC photo was left out: pip install 'vectortag[heic]'"

    def test_photos_can_be_excluded(self, cli: Cli, library: Path, tiny_model: Path):
        (library / ".vectortagignore").write_text("@alice/\n")

        lines = cli("tag", library, "--format", "jsonl", "--model", tiny_model).stdout.splitlines()
        none = cli("tag", library, "--exclude", "*.jpg", "--model", tiny_model)

        assert [json.loads(line)["path"] for line in lines] == ["library/a.jpg"]
        assert none.stdout == ""
        assert "2 excluded files and folders" in none.stderr

    def test_a_file_of_rules_that_cannot_be_read_stops_the_command(self, cli: Cli, library: Path, tiny_model: Path):
        """What somebody excluded must not be tagged because of a mistake."""
        if not hasattr(os, "mkfifo"):
            pytest.skip("there are no such files here")
        os.mkfifo(library / ".vectortagignore")

        outcome = cli("tag", library, "--model", tiny_model)

        assert (outcome.status, outcome.stdout) == (2, "")
        assert outcome.stderr.startswith("error: library/.vectortagignore: cannot be read: it is a named pipe")


def test_explain_and_find_take_the_same_photos(
    cli: Cli, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    Path("photos/private").mkdir(parents=True)
    Path("photos/a.jpg").write_bytes(JPEG)
    Path("photos/clip.mpg").touch()
    Path("photos/private/b.jpg").write_bytes(JPEG)

    outcome = cli(
        "explain", "photos", "--exclude", "private", "--tag", "sea", "--output", "maps", "--model", tiny_model
    )

    assert outcome.status == 0
    assert [path.name for path in Path("maps").rglob("*.png")] == ["a.sea.png"]
    assert outcome.stderr == "left out: 1 video of another format, 1 excluded file or folder\n"


def test_a_mutated_photo_is_a_photo_or_an_error(tagged):
    """A few of each kind; `./task.sh long` is for thousands."""
    rng = np.random.default_rng(0)
    originals = [
        JPEG,
        encode(PICTURE, "PNG"),
        encode(PICTURE, "GIF"),
        tiff(GREY.astype(np.uint64) * 16, 12, deflate=True),
    ]
    for original in originals:
        for _ in range(15):
            content = bytearray(original)
            for place in rng.integers(0, len(content), rng.integers(1, 12)):
                content[place] = rng.integers(256)
            line, stderr = tagged("mutated.jpg", bytes(content[: rng.integers(len(content) // 2, len(content) + 1)]))
            assert ("tags" in line) != ("error" in line)
            assert "Warning" not in stderr
