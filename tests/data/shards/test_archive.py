"""A tar that depends on nothing but its members."""

from __future__ import annotations

import hashlib
import io
import tarfile

import pytest

from vectortag.data.shards.archive import BLOCK, TarWriter

MEMBERS = {"a.json": b"{}", "empty": b"", "block": b"x" * BLOCK, "long.jpg": b"y" * (3 * BLOCK + 1), "Möwe.jpg": b"z"}


def written(members: dict[str, bytes]) -> tuple[bytes, TarWriter, dict[str, int]]:
    """The archive, its writer, and where each member began."""
    file = io.BytesIO()
    writer, starts = TarWriter(file), {}
    for name, content in members.items():
        starts[name] = writer.end
        writer.add(name, content)
    writer.close()
    return file.getvalue(), writer, starts


def test_another_reader_finds_the_members_in_their_order():
    content, _, _ = written(MEMBERS)

    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        found = {info.name: tar.extractfile(info).read() for info in tar}
        owners = {(info.uid, info.gid, info.mtime, info.uname) for info in tar}

    assert list(found.items()) == list(MEMBERS.items())
    assert owners == {(0, 0, 0, "")}


def test_the_bytes_of_a_member_are_a_block_behind_its_start():
    content, _, starts = written(MEMBERS)

    for name, member in MEMBERS.items():
        assert content[starts[name] + BLOCK :][: len(member)] == member
        assert starts[name] % BLOCK == 0


def test_length_and_hash_are_those_of_the_file():
    content, writer, _ = written(MEMBERS)

    assert writer.end == len(content)
    assert writer.digest.hexdigest() == hashlib.sha256(content).hexdigest()
    assert len(content) % tarfile.RECORDSIZE == 0  # as tar fills the last record up


@pytest.mark.parametrize("blocks", [0, 17, 18, 19, 20])
def test_the_end_is_two_empty_blocks_wherever_the_record_ends(blocks: int):
    content, _, _ = written({str(number): b"" for number in range(blocks)})

    assert content.endswith(bytes(2 * BLOCK))
    assert len(content) % tarfile.RECORDSIZE == 0
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        assert len(tar.getnames()) == blocks
