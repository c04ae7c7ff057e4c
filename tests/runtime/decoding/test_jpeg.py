"""JPEGs without an end mark, with bytes before the start mark, and with more parts than a photo has."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pictures import encode, smooth_picture
from PIL import Image

from vectortag.core.errors import PhotoError
from vectortag.runtime.pixels import PixelRecipe, load_pixels, open_image

PICTURE = smooth_picture(160, 120)
WHOLE = {
    "baseline": encode(PICTURE, "JPEG", quality=90),
    "progressive": encode(PICTURE, "JPEG", quality=90, progressive=True),
    "grey": encode(PICTURE.convert("L"), "JPEG", quality=90),
    "restarting": encode(PICTURE, "JPEG", quality=90, restart_marker_rows=1),
    "fine": encode(PICTURE, "JPEG", quality=100, subsampling=0),
}
ENDINGS = {
    "none": lambda photo: photo[:-2],
    "half": lambda photo: photo[:-1],
    "zeros": lambda photo: photo[:-2] + bytes(5000),
    "half and zeros": lambda photo: photo[:-1] + bytes(300),
    "ones": lambda photo: photo[:-2] + b"\xff" * 5000,
    "one zero": lambda photo: photo[:-2] + b"\0",
}


def read(photo: bytes, draft: tuple[int, int] | None = None) -> np.ndarray:
    return np.asarray(open_image(photo, max_pixels=100_000, draft=draft))


class TestMissingEnd:
    @pytest.mark.parametrize("ending", ENDINGS)
    @pytest.mark.parametrize("kind", WHOLE)
    def test_a_picture_that_lacks_only_its_end_mark_is_whole(self, kind, ending):
        photo = WHOLE[kind]

        np.testing.assert_array_equal(read(ENDINGS[ending](photo)), read(photo))

    def test_so_it_is_where_the_decoder_scales(self):
        photo = encode(smooth_picture(1600, 1200), "JPEG", quality=90)

        np.testing.assert_array_equal(load_pixels(photo[:-2], 64, PixelRecipe()), load_pixels(photo, 64, PixelRecipe()))

    def test_it_comes_upright(self):
        exif = Image.Exif()
        exif[274] = 6

        assert read(encode(PICTURE, "JPEG", exif=exif)[:-2]).shape == (160, 120, 3)

    def test_data_that_ends_in_a_stuffed_byte_loses_nothing(self):
        """0xFF in the data of a scan is followed by a zero, which is none of the zeros behind the picture."""
        noise = (np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8) for seed in range(3000))
        photos = (encode(Image.fromarray(picture), "JPEG", quality=95) for picture in noise)
        photo = next(photo for photo in photos if photo.endswith(b"\xff\0\xff\xd9"))

        np.testing.assert_array_equal(read(photo[:-2]), read(photo))
        np.testing.assert_array_equal(read(photo[:-2] + bytes(9)), read(photo))

    @pytest.mark.parametrize("share", [0.3, 0.5, 0.8, 0.95, 0.99])
    @pytest.mark.parametrize("tail", [b"", bytes(1000), b"\xff" * 1000], ids=["cut", "zeros", "ones"])
    @pytest.mark.parametrize("kind", WHOLE)
    def test_one_that_lacks_a_part_is_refused(self, tmp_path, kind, tail, share):
        photo = WHOLE[kind]
        start = photo.index(b"\xff\xda")
        (tmp_path / "half.jpg").write_bytes(photo[: start + round(share * (len(photo) - start))] + tail)

        with pytest.raises(PhotoError, match=r"half\.jpg: broken photo: image file is truncated"):
            open_image(tmp_path / "half.jpg", max_pixels=100_000)

    def test_so_is_one_that_ends_where_its_last_scan_would_start_again(self):
        photo = encode(PICTURE.convert("L"), "JPEG", quality=30, progressive=True, restart_marker_blocks=3)
        last = photo.rindex(b"\xff\xda")
        marks = [last + place for place in range(len(photo) - last) if photo[last + place :][:1] == b"\xff"]
        restarts = [place for place in marks if 0xD0 <= photo[place + 1] <= 0xD7]
        parts = [
            photo[:place] for place in restarts if not np.array_equal(read(photo[:place] + b"\xff\xd9"), read(photo))
        ]

        assert len(parts) > 20
        for part in parts:
            with pytest.raises(PhotoError, match="a part of the picture is missing"):
                read(part)

    def test_so_is_one_block_that_is_cut_off(self):
        for seed in range(5):
            noise = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
            photo = encode(Image.fromarray(noise), "JPEG", quality=95)

            with pytest.raises(PhotoError, match="image file is truncated"):
                read(photo[: round(0.95 * len(photo))])

    def test_one_that_lacks_whole_scans_is_refused(self):
        photo = WHOLE["progressive"]

        with pytest.raises(PhotoError, match="truncated: parts of the picture are missing"):
            read(photo[: photo.rindex(b"\xff\xc4")])


class TestStart:
    @pytest.mark.parametrize(
        "lead", [b"\n", b"\0", b"\xff", b"\xef\xbb\xbf", bytes(100), b"HTTP/1.1 200 OK\r\n\r\n"], ids=repr
    )
    def test_bytes_before_the_start_mark_are_passed_over(self, lead):
        np.testing.assert_array_equal(read(lead + WHOLE["baseline"]), read(WHOLE["baseline"]))
        np.testing.assert_array_equal(read(lead + WHOLE["baseline"][:-2]), read(WHOLE["baseline"]))

    @pytest.mark.parametrize("start", [b"ID3\3", b"%PDF-1.4\n", b"8BPS\0\1", b"<svg>", bytes(600)], ids=repr)
    def test_a_picture_within_another_file_is_not_that_file(self, start):
        with pytest.raises(PhotoError, match="not a photo in a known format"):
            read(start + WHOLE["baseline"])


def with_segments(count: int, content: bytes) -> bytes:
    photo = WHOLE["baseline"]
    return photo[:2] + (b"\xff\xe1" + struct.pack(">H", 2 + len(content)) + content) * count + photo[2:]


class TestParts:
    def test_hundreds_of_exif_blocks_are_refused(self):
        with pytest.raises(PhotoError, match="its Exif data is in more than 32 parts"):
            read(with_segments(400, b"Exif\0\0" + bytes(1000)))

    def test_an_extended_xmp_packet_may_have_many(self):
        photo = with_segments(400, b"http://ns.adobe.com/xmp/extension/\0" + bytes(1000))

        np.testing.assert_array_equal(read(photo), read(WHOLE["baseline"]))

    def test_thousands_of_scans_are_refused(self):
        photo = WHOLE["progressive"]
        last = photo.rindex(b"\xff\xda")
        bomb = photo[:last] + photo[last:-2] * 3000 + photo[-2:]

        with pytest.raises(PhotoError, match=r"19,200 pixels in \d+ scans or more take too long"):
            read(bomb)

    def test_twelve_bits_are_refused_by_name(self):
        photo = bytearray(WHOLE["baseline"])
        photo[photo.index(b"\xff\xc0") + 4] = 12

        with pytest.raises(PhotoError, match="photo: broken photo: cannot handle 12-bit layers"):
            read(bytes(photo))
