"""Where the user's things are kept."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from vectortag.core.folders import cache_home, data_home


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
