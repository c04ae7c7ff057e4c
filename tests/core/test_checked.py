"""A file with a hash at its end is what was written, or is not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.checked import append_hash, is_whole, with_hash, without_hash, write_checked


@pytest.mark.parametrize("content", [b"", b"sea", bytes(3 << 20)])
def test_what_was_written_is_whole(tmp_path: Path, content: bytes):
    write_checked(tmp_path / "one", content)
    (tmp_path / "two").write_bytes(content)
    append_hash(tmp_path / "two")

    for file in (tmp_path / "one", tmp_path / "two"):
        assert is_whole(file)
        assert without_hash(file.read_bytes()) == content


@pytest.mark.parametrize("place", [0, 2, 3, -1])
def test_a_flipped_bit_is_noticed(tmp_path: Path, place: int):
    content = bytearray(with_hash(b"sea"))
    content[place] ^= 1
    (tmp_path / "file").write_bytes(content)

    assert without_hash(bytes(content)) is None
    assert not is_whole(tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"short", with_hash(b"sea")[:-1], with_hash(b"sea") + b"x"])
def test_another_length_is_noticed(tmp_path: Path, content: bytes):
    (tmp_path / "file").write_bytes(content)

    assert without_hash(content) is None
    assert not is_whole(tmp_path / "file")


def test_nothing_is_not_whole(tmp_path: Path):
    assert not is_whole(tmp_path / "gone")
