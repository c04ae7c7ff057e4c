"""Where the user's things are kept."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from vectortag.core.checked import without_hash
from vectortag.core.folders import cache_home, data_home, write_cache_file


def test_vectortag_home_moves_both_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path))

    assert data_home() == tmp_path
    assert cache_home() == tmp_path / "cache"


@pytest.mark.parametrize("unset", [True, False], ids=["unset", "empty"])
def test_without_vectortag_home_the_platform_decides(monkeypatch, unset):
    monkeypatch.setenv("VECTORTAG_HOME", "")
    if unset:
        monkeypatch.delenv("VECTORTAG_HOME")

    assert data_home() == Path(platformdirs.user_data_dir("vectortag", appauthor=False))
    assert cache_home() == Path(platformdirs.user_cache_dir("vectortag", appauthor=False))


def test_asking_for_a_folder_does_not_make_it(monkeypatch, tmp_path):
    monkeypatch.setenv("VECTORTAG_HOME", str(tmp_path / "home"))

    assert not data_home().exists()
    assert not cache_home().exists()
    assert not (tmp_path / "home").exists()


class TestCacheFiles:
    def test_those_that_were_not_used_for_longest_are_deleted(self, tmp_path):
        folder = tmp_path / "cache"
        for number in range(4):
            write_cache_file(folder / f"{number}.npy", b"%d" % number, most=10)
            os.utime(folder / f"{number}.npy", (number, number))
        (folder / "other.blob").write_bytes(b"")
        os.utime(folder / "0.npy", (9, 9))  # used since

        write_cache_file(folder / "new.npy", b"new", most=3)

        assert sorted(file.name for file in folder.iterdir()) == ["0.npy", "3.npy", "new.npy", "other.blob"]
        assert without_hash((folder / "new.npy").read_bytes()) == b"new"

    def test_a_cache_that_cannot_be_written_is_left_alone(self, tmp_path):
        (tmp_path / "cache").write_bytes(b"a file, no folder")

        write_cache_file(tmp_path / "cache" / "new.npy", b"new", most=3)

        assert (tmp_path / "cache").read_bytes() == b"a file, no folder"


def test_a_cache_file_says_whether_it_was_written(tmp_path: Path):
    (tmp_path / "in the way").write_bytes(b"")

    assert write_cache_file(tmp_path / "cache/a.blob", b"content", most=2)
    assert (tmp_path / "cache/a.blob").is_file()
    assert not write_cache_file(tmp_path / "in the way/a.blob", b"content", most=2)
