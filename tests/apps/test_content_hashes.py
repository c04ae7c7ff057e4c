"""Hashes of photos on their way to the network."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from vectortag.apps.content_hashes import ContentHashes
from vectortag.core.errors import PhotoError
from vectortag.core.types import StoredPhoto


def digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def test_each_photo_has_the_hash_of_its_bytes_in_its_place(make_photo: Callable[..., Path], tmp_path: Path):
    photo = make_photo()
    photos = [photo, StoredPhoto("b", b"bytes"), tmp_path / "gone.jpg", StoredPhoto("c", PhotoError("lost")), photo]

    hashes = ContentHashes(photos)

    assert list(hashes) == photos
    own = digest(photo.read_bytes())
    assert [hashes.take() for _ in photos] == [own, digest(b"bytes"), None, None, own]


def test_a_file_that_changed_meanwhile_has_none(make_photo: Callable[..., Path]):
    photo = make_photo()
    hashes = ContentHashes([photo])

    assert list(hashes) == [photo]
    photo.write_bytes(b"another photo")

    assert hashes.take() is None
