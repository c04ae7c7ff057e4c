"""The first good frame of a video, through ffmpeg."""

from __future__ import annotations

import io
import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding import video
from vectortag.runtime.decoding.optional_kinds import ffmpeg
from vectortag.runtime.decoding.video import SIDE, command, first_frame
from vectortag.runtime.pixels import open_image

MakeVideo = Callable[..., Path]
LIMIT = 10**7
RED = "color=red:s=160x120:d=0.5:r=10"
BLACK = "color=black:s=160x120:d=0.8:r=10"
PATTERN = "testsrc=s=160x120:d=0.5:r=10"


@pytest.fixture
def make_video(tmp_path: Path, need: Callable[[object, str], None]) -> MakeVideo:
    """make_video("a.mp4", source, ...): the sources one after the other, encoded by ffmpeg."""
    need(ffmpeg(), "ffmpeg")

    def make(name: str, *sources: str, options: tuple[str, ...] = ("-c:v", "mpeg4", "-q:v", "2")) -> Path:
        path = tmp_path / name
        inputs = [word for source in sources for word in ("-f", "lavfi", "-i", source)]
        joined = "".join(f"[{number}]" for number in range(len(sources))) + f"concat=n={len(sources)}"
        program = [str(ffmpeg()), "-nostdin", "-loglevel", "error", "-y", *inputs, "-filter_complex", joined]
        subprocess.run([*program, *options, f"file:{path}"], check=True)
        return path

    return make


def frame_of(path: Path) -> Image.Image:
    with path.open("rb") as file:
        return first_frame(file)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.m4v", "a.3gp"])
def test_the_first_frame_of_each_container(make_video: MakeVideo, name: str):
    size = "s=176x144" if name == "a.3gp" else "s=160x120"
    options = ("-c:v", "h263") if name == "a.3gp" else ("-c:v", "mpeg4", "-q:v", "2")
    path = make_video(name, PATTERN.replace("s=160x120", size), options=options)

    with_pillow = np.asarray(open_image(path, max_pixels=LIMIT)).astype(int)

    expected = subprocess.run(
        [str(ffmpeg()), "-loglevel", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert abs(with_pillow - np.frombuffer(expected, np.uint8).reshape(with_pillow.shape)).mean() < 2


def test_webm(make_video: MakeVideo):
    try:
        path = make_video("a.webm", PATTERN, options=("-c:v", "libvpx"))
    except subprocess.CalledProcessError:
        pytest.skip("this ffmpeg writes no VP8")

    assert frame_of(path).size == (160, 120)


def test_a_black_start_is_passed_over(make_video: MakeVideo):
    frame = np.asarray(frame_of(make_video("a.mp4", BLACK, PATTERN)).convert("L"))

    assert frame.std() > 30


def test_of_a_video_that_has_only_one_colour_a_frame_is_given_all_the_same(make_video: MakeVideo):
    frame = np.asarray(frame_of(make_video("a.mp4", RED)))

    assert (frame.mean(axis=(0, 1)) > [200, -1, -1]).all()
    assert frame[:, :, 1:].max() < 40


def test_a_video_of_one_frame_has_a_frame(make_video: MakeVideo):
    assert frame_of(make_video("a.mp4", "testsrc=s=64x48:d=0.04:r=25")).size == (64, 48)


def test_a_large_frame_becomes_smaller_and_a_small_one_stays(make_video: MakeVideo):
    large = make_video("large.mp4", "testsrc=s=2560x1440:d=0.1:r=10")

    assert frame_of(large).size == (SIDE, SIDE * 1440 // 2560)
    assert frame_of(make_video("small.mp4", PATTERN)).size == (160, 120)


def test_it_is_upright(make_video: MakeVideo, tmp_path: Path):
    lying, upright = make_video("a.mp4", PATTERN), tmp_path / "b.mp4"
    turned = [str(ffmpeg()), "-loglevel", "error", "-display_rotation", "90", "-i", lying, "-c", "copy", upright]
    if subprocess.run(turned, check=False).returncode:
        turned = [
            str(ffmpeg()),
            "-loglevel",
            "error",
            "-i",
            lying,
            "-c",
            "copy",
            "-metadata:s:v:0",
            "rotate=90",
            upright,
        ]
        subprocess.run(turned, check=True)

    assert frame_of(upright).size == (120, 160)


@pytest.mark.parametrize("name", ["-i.mp4", "http:x.mp4", "a%03d.mp4", "concat:b.mp4", "é\udcff.mp4", "a b'.mp4"])
def test_no_name_of_a_file_means_anything_to_the_program(make_video: MakeVideo, tmp_path: Path, name: str):
    make_video("plain.mp4", PATTERN).rename(tmp_path / name)

    assert open_image(tmp_path / name, max_pixels=LIMIT).size == (160, 120)


def test_from_memory_only_where_it_is_asked_for(make_video: MakeVideo):
    content = make_video("a.mp4", PATTERN).read_bytes()

    assert first_frame(io.BytesIO(content)).size == (160, 120)
    with pytest.raises(PhotoError, match="a video: it is read from a file, never from bytes"):
        open_image(content, max_pixels=LIMIT)


class TestHostile:
    def test_a_playlist_that_is_called_a_video_reads_no_other_file(self, make_video: MakeVideo, tmp_path: Path):
        secret = make_video("secret.mp4", PATTERN)
        playlist = tmp_path / "list.mp4"
        playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\nfile:{secret}\n#EXT-X-ENDLIST\n")
        concat = tmp_path / "concat.mp4"
        concat.write_text(f"ffconcat version 1.0\nfile '{secret}'\n")

        for path in (playlist, concat):
            with pytest.raises(PhotoError, match="ffmpeg finds no picture in the video"):
                frame_of(path)

    @pytest.mark.parametrize("share", [0.02, 0.3])
    def test_a_video_that_is_cut_is_a_frame_or_an_error(self, make_video: MakeVideo, share: float):
        path = make_video("a.mp4", PATTERN)
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

        with pytest.raises(PhotoError, match=r"a\.mp4: broken photo: ffmpeg finds no picture in the video"):
            open_image(path, max_pixels=LIMIT)

    def test_a_frame_of_too_many_pixels_is_not_decoded(self, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(video, "LARGEST", 10_000)

        with pytest.raises(PhotoError, match="ffmpeg finds no picture"):
            frame_of(make_video("a.mp4", PATTERN))

    def test_nothing_but_the_start_of_a_video_is_an_error(self, make_video: MakeVideo, tmp_path: Path):
        (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(3000))

        with pytest.raises(PhotoError, match="ffmpeg finds no picture"):
            open_image(tmp_path / "a.mp4", max_pixels=LIMIT)


class TestProgram:
    """What is done with a program that behaves badly, in the place of ffmpeg."""

    @pytest.fixture
    def program(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        if os.name == "nt":
            pytest.skip("the program is a shell script")

        def replace(script: str) -> None:
            file = tmp_path / "ffmpeg"
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(file.stat().st_mode | stat.S_IXUSR)
            monkeypatch.setattr(video, "ffmpeg", lambda: str(file))

        return replace

    def test_one_that_goes_on_for_ever_is_ended(self, program, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(video, "SECONDS", 0.2)
        program("exec sleep 600")

        with pytest.raises(PhotoError, match="ffmpeg found no picture within"):
            first_frame(io.BytesIO(b"video"))

    def test_one_that_never_stops_writing_is_ended_after_a_good_frame(self, program):
        frame = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
        octal = "".join(f"\\{byte:03o}" for byte in frame.tobytes())
        program(f"while :; do printf 'P6\\n30 40\\n255\\n{octal}'; done")

        np.testing.assert_array_equal(np.asarray(first_frame(io.BytesIO(b"video"))), frame)

    @pytest.mark.parametrize(
        "output",
        ["", "P6\\n9999 9999\\n255\\n", "P6\\n0 4\\n255\\n", "P6\\n4 4\\n65535\\n", "P6\\n4 4\\n255\\nhalf", "P5\\n"],
    )
    def test_what_is_no_whole_picture_is_an_error(self, program, output: str):
        program(f"printf '{output}'")

        with pytest.raises(PhotoError, match="ffmpeg finds no picture"):
            first_frame(io.BytesIO(b"video"))


def test_the_program_may_open_files_only_and_no_playlists():
    words = command("ffmpeg", "/dev/fd/7")

    assert words[words.index("-protocol_whitelist") + 1] == "file"
    assert words[words.index("-i") + 1] == "file:/dev/fd/7"
    assert not {"hls", "concat", "dash"} & set(words[words.index("-format_whitelist") + 1].split(","))


def test_without_the_program_the_error_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(video, "ffmpeg", lambda: None)
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(30))

    with pytest.raises(PhotoError, match=r"a\.mp4: a video needs ffmpeg\. To read it, install the program ffmpeg"):
        open_image(tmp_path / "a.mp4", max_pixels=LIMIT)
