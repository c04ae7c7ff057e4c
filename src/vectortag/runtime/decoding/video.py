"""The first good frame of a video, through the program ffmpeg, which is asked for nothing else.

ffmpeg runs as a process of its own: with a time limit, with limits of memory, without network protocols, without
playlists that name other files, and with the decoders of usual videos only.
"""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import IO

import numpy as np
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.decoding.foreign import ForeignImage
from vectortag.runtime.decoding.opened_files import descriptors_in, path_of
from vectortag.runtime.decoding.optional_kinds import OPTIONAL, ffmpeg
from vectortag.runtime.decoding.photo_kinds import is_video

CONTAINERS = "mov,matroska,avi"
CODECS = (
    "h264,hevc,av1,libdav1d,libaom-av1,vp8,vp9,libvpx,libvpx-vp9,mpeg4,h263,mjpeg,mpeg1video,mpeg2video,msmpeg4v2,"
    "msmpeg4v3,prores,dvvideo,vc1,wmv3,theora"
)
"""What is opened, by ffmpeg's names: what cameras, telephones and their programs write."""

LARGEST = 40_000_000
"""Pixels of a frame; 8K has 33 million."""
SIDE = 1280
"""Pixels of the longer side at most of the frame that is given: more than any input of a network."""
LOOKED_AT = 10
"""Seconds of the video in which a good frame is looked for."""
PER_SECOND = 4
"""Frames of each second that are looked at."""
CONTRAST = 8.0
"""Standard deviation of brightness, of 255, from which a frame is good: black, white and a fade from them have less."""

SECONDS = 30
"""For all of it, per video."""
MEMORY = 4 << 30
"""Bytes of addresses that the program may take, on Linux."""
_AT_ONCE = threading.BoundedSemaphore(4)


def open_video(file: IO[bytes]) -> ForeignImage:
    """The first good frame of a video, upright.

    Raises:
        PhotoError: there is no ffmpeg, it finds no picture, or it takes too long.
    """
    frame = first_frame(file)
    return ForeignImage(file, form="video", mode="RGB", size=frame.size, decode=lambda: frame)


def first_frame(file: IO[bytes]) -> Image.Image:
    """The first frame that is not nearly of one colour; of a video that has none, the one with the most contrast.

    Args:
        file: a video, on disk or in memory.

    Returns:
        An RGB picture, upright, at most `SIDE` pixels wide and high.

    Raises:
        PhotoError: as `open_video`.
    """
    program = ffmpeg()
    if program is None:
        raise OPTIONAL["video"].is_missing()
    best, most = None, -1.0
    with _AT_ONCE, path_of(file) as path:
        for frame in _frames(program, path):
            contrast = float(np.asarray(frame.convert("L").resize((64, 64), Image.Resampling.BOX)).std())
            if contrast > most:
                best, most = frame, contrast
            if contrast >= CONTRAST:
                break
    if best is None:
        raise PhotoError("broken photo: ffmpeg finds no picture in the video")
    return best


def still_of(content: bytes) -> bytes:
    """The content of a photo as it is; for a video, its first good frame as a PNG file.

    Raises:
        PhotoError: as `open_video`.
    """
    if not is_video(content[:16]):
        return content
    stream = io.BytesIO()
    first_frame(io.BytesIO(content)).save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def command(program: str, path: str) -> list[str]:
    """How ffmpeg is called: it writes frames as PPM to its standard output."""
    smaller = f"scale=w='min({SIDE},iw)':h='min({SIDE},ih)':force_original_aspect_ratio=decrease"
    return [
        *(program, "-nostdin", "-hide_banner", "-loglevel", "quiet", "-max_alloc", str(MEMORY // 4)),
        *("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS, "-codec_whitelist", CODECS),
        *("-max_pixels", str(LARGEST), "-threads", "1", "-t", str(LOOKED_AT), "-i", f"file:{path}"),
        *("-map", "0:V:0", "-vf", f"fps={PER_SECOND}:round=up,{smaller}"),
        *("-frames:v", str(PER_SECOND * LOOKED_AT), "-f", "image2pipe", "-c:v", "ppm", "pipe:1"),
    ]


def _frames(program: str, path: str) -> Iterator[Image.Image]:
    """The frames as they come. The program ends with the last that is taken.

    Raises:
        PhotoError: it takes too long.
    """
    with subprocess.Popen(
        command(program, path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=descriptors_in(path),
    ) as process:
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            _limit_memory(process.pid)
            assert process.stdout is not None
            while (frame := _read_frame(process.stdout)) is not None:
                yield frame
            if late.is_set():
                raise PhotoError(f"a video in which ffmpeg found no picture within {SECONDS} seconds")
        finally:
            timer.cancel()
            process.kill()


def _limit_memory(process: int) -> None:
    if sys.platform == "linux":
        import resource

        try:
            resource.prlimit(process, resource.RLIMIT_AS, (MEMORY, MEMORY))
        except (OSError, ValueError):  # it has ended already, or has a lower limit
            return


def _read_frame(stream: IO[bytes]) -> Image.Image | None:
    """The next picture of a stream of PPM files; None at its end, and where it is not whole."""
    if stream.readline(16) != b"P6\n":
        return None
    size = stream.readline(32).split()
    if len(size) != 2 or not all(side.isdigit() and 0 < int(side) <= SIDE for side in size):
        return None
    if stream.readline(16) != b"255\n":
        return None
    width, height = int(size[0]), int(size[1])
    content = stream.read(3 * width * height)
    return Image.frombytes("RGB", (width, height), content) if len(content) == 3 * width * height else None
