"""What the cache holds, and that clearing it deletes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.cache import CacheKind, cache_kinds, clear_cache
from vectortag.core.folders import cache_home


@pytest.fixture
def cache() -> Path:
    folder = cache_home()
    for name, size in {"embeddings/a.sqlite": 100, "embeddings/a.sqlite-wal": 10, "compiled/b.blob": 50,
                       "activations/c.npy": 2000}.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(size))
    return folder


def test_each_kind_is_counted_the_largest_first(cache: Path):
    assert [(kind.name, kind.files, kind.size) for kind in cache_kinds()] == [
        ("activations", 1, 2000),
        ("embeddings", 2, 110),
        ("compiled", 1, 50),
    ]


def test_without_a_cache_there_is_nothing():
    assert cache_kinds() == []
    assert clear_cache() == ([], [])


def test_one_kind_is_cleared_and_the_others_stay(cache: Path):
    deleted, failed = clear_cache(["embeddings"])

    assert deleted == [CacheKind("embeddings", "embeddings of photos, for find, fit and refresh", 2, 110)]
    assert failed == []
    assert not (cache / "embeddings").exists()
    assert [kind.name for kind in cache_kinds()] == ["activations", "compiled"]


def test_all_of_it_is_cleared_and_nothing_else(cache: Path, home: Path, tmp_path: Path):
    theirs = [cache / "embeddings/notes.txt", home / "corrections.sqlite", home / "models/mine.npy", cache / "top.npy",
              cache / "compiled/.vectortag-0-1-a.tmp", tmp_path / "photos.npy"]  # fmt: skip
    for file in theirs:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"somebody's")
    (cache / "linked").symlink_to(tmp_path, target_is_directory=True)
    (cache / "compiled/link.npy").symlink_to(tmp_path / "photos.npy")

    clear_cache()

    assert all(file.read_bytes() == b"somebody's" for file in theirs)
    assert cache_kinds() == []


def test_what_cannot_be_deleted_is_told(cache: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: Path) -> None:
        raise PermissionError(13, "in use", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)

    deleted, failed = clear_cache(["compiled"])

    assert deleted == []
    assert [error.strerror for error in failed] == ["in use"]
