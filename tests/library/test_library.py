"""The class Library, the front door."""

from __future__ import annotations

from pathlib import Path

import vectortag as vt


def test_the_library_lies_in_the_users_data_folder(home: Path):
    with vt.Library.open() as library:
        assert library.file == home / "library.sqlite"

    assert library.file.exists()


def test_settings_are_kept(tmp_path: Path):
    with vt.Library.open(tmp_path / "my.sqlite") as library:
        library.change_setting("only", ["dog", "sea"])
        library.change_setting("parent", "auto")
        library.change_setting("parent", None)

    with vt.Library.open(tmp_path / "my.sqlite") as library:
        assert library.setting("only") == ["dog", "sea"]
        assert library.setting("parent", "none") == "none"
