"""The database of a library: opened, refused, migrated, and never deleted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vectortag.core.errors import LibraryError
from vectortag.library import mounts, schema
from vectortag.library.schema import APPLICATION_ID, explained, find_damage, open_database, transaction

OLD = """
CREATE TABLE photos (path TEXT PRIMARY KEY);
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT);
"""
LARGER = """
-- a comment with a semicolon; and one more
ALTER TABLE photos ADD COLUMN rating INTEGER;
UPDATE photos SET rating = 3;
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite"


def number(file: Path, pragma: str) -> int:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"PRAGMA {pragma}").fetchone()[0]


class TestANewLibrary:
    def test_has_a_version_and_is_known_for_one(self, file: Path):
        open_database(file).close()

        assert (number(file, "user_version"), number(file, "application_id")) == (2, APPLICATION_ID)

    def test_lets_others_read_while_one_writes(self, file: Path):
        with closing(open_database(file)) as writer, closing(open_database(file)) as reader, transaction(writer):
            writer.execute("INSERT INTO settings VALUES ('profile', '1')")

            assert reader.execute("SELECT count(*) FROM settings").fetchone() == (0,)

    def test_is_made_with_its_folder(self, tmp_path: Path):
        open_database(tmp_path / "new" / "folder" / "library.sqlite").close()

        assert find_damage(tmp_path / "new" / "folder" / "library.sqlite") == []

    def test_is_not_made_where_one_was_expected(self, file: Path):
        with pytest.raises(LibraryError, match=r"no library\. Make one with: vectortag library add"):
            open_database(file, create=False)

        assert not file.exists()

    def test_refuses_a_photo_of_no_root(self, file: Path):
        with closing(open_database(file)) as database, pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
            database.execute("INSERT INTO photos (root, path, size, mtime_ns, added) VALUES (7, 'a.jpg', 1, 1, 1)")


class TestATransaction:
    def test_that_fails_leaves_nothing(self, file: Path):
        with closing(open_database(file)) as database:
            with pytest.raises(sqlite3.IntegrityError), transaction(database):
                database.executemany("INSERT INTO settings VALUES (?, ?)", [("profile", "1"), ("profile", "2")])

            assert database.execute("SELECT count(*) FROM settings").fetchone() == (0,)


class TestAFileThatIsRefused:
    def test_is_one_of_a_newer_version(self, file: Path):
        with closing(open_database(file)) as database:
            database.execute("PRAGMA user_version = 9")

        with pytest.raises(
            LibraryError, match=r"is of version 9, and this VectorTag reads up to 2\. Install a newer version"
        ):
            open_database(file)

        assert number(file, "user_version") == 9

    def test_is_one_of_another_program(self, file: Path):
        with closing(sqlite3.connect(file)) as database:
            database.execute("CREATE TABLE albums (name)")
        before = file.read_bytes()

        with pytest.raises(LibraryError, match="is a database of another program"):
            open_database(file)

        assert file.read_bytes() == before

    def test_is_no_database(self, file: Path):
        file.write_bytes(b"\xff\xd8\xff a photo" * 1000)

        with pytest.raises(LibraryError, match=r"library.sqlite: the library is damaged: file is not a database"):
            open_database(file)

        assert file.read_bytes() == b"\xff\xd8\xff a photo" * 1000

    def test_is_a_folder(self, tmp_path: Path):
        with pytest.raises(LibraryError, match="it is a folder, not a file"):
            open_database(tmp_path)


class TestDamage:
    def test_is_found_in_a_table_and_in_what_rows_refer_to(self, file: Path):
        with closing(open_database(file)) as database:
            database.execute("PRAGMA foreign_keys = OFF")
            rows = [(7, f"{index}.jpg", 1, 1, 1) for index in range(1000)]
            database.executemany("INSERT INTO photos (root, path, size, mtime_ns, added) VALUES (?, ?, ?, ?, ?)", rows)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert find_damage(file) == ["a row of photos refers to none of roots"] * 3

        raw = bytearray(file.read_bytes())
        for page in range(20 * schema.PAGE_SIZE, len(raw), schema.PAGE_SIZE):
            raw[page : page + 64] = b"\xff" * 64
        file.write_bytes(raw)

        assert any("row" in finding or "page" in finding or "malformed" in finding for finding in find_damage(file))


class TestAnOlderLibrary:
    @pytest.fixture
    def older(self, file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A library of version 1 that has the tables of `OLD`, where today's version is 2."""
        monkeypatch.setattr(schema, "STEPS", (OLD,))
        with closing(open_database(file)) as database:
            database.execute("INSERT INTO photos VALUES ('sea.jpg')")
        monkeypatch.setattr(schema, "STEPS", (OLD, LARGER))
        return file

    def test_is_brought_to_todays_version(self, older: Path):
        with closing(open_database(older)) as database:
            assert database.execute("SELECT * FROM photos").fetchall() == [("sea.jpg", 3)]

        assert number(older, "user_version") == 2

    def test_is_copied_first(self, older: Path):
        open_database(older).close()

        copy = older.with_name("library.sqlite.v1.backup")
        with closing(sqlite3.connect(copy)) as database:
            assert database.execute("SELECT * FROM photos").fetchall() == [("sea.jpg",)]
        assert number(copy, "user_version") == 1

    def test_stays_as_it_is_where_a_step_fails(self, older: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(schema, "STEPS", (OLD, LARGER + "INSERT INTO nowhere VALUES (1);\n"))

        with pytest.raises(LibraryError, match="no such table: nowhere"):
            open_database(older)

        assert number(older, "user_version") == 1
        with closing(sqlite3.connect(older)) as database:
            assert database.execute("SELECT * FROM photos").fetchall() == [("sea.jpg",)]


class TestANetworkFileSystem:
    def test_gets_no_write_ahead_log_and_says_so(
        self, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ):
        table = tmp_path / "mounts"
        table.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/photos {tmp_path} nfs4 rw 0 0\n")
        monkeypatch.setattr(mounts, "TABLE", table)

        with closing(open_database(file)) as database:
            assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)

        assert "is on a network file system (nfs4)" in caplog.text


class TestAnErrorOfTheFile:
    """What SQLite says is followed by what to do."""

    def test_names_the_folder_that_cannot_be_written(self, tmp_path: Path):
        file = tmp_path / "library.sqlite"
        open_database(file).close()

        with (
            closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database,
            pytest.raises(LibraryError, match=r"readonly database.*Make the file and its folder writable"),
            explained(file),
        ):
            database.execute("DELETE FROM photos")

    def test_asks_for_room_on_a_full_disk(self, tmp_path: Path):
        file = tmp_path / "library.sqlite"

        with closing(open_database(file)) as database:
            database.execute("PRAGMA max_page_count = 1")
            with pytest.raises(LibraryError, match=r"full.*Make room on the disk\. What was done"), explained(file):
                database.execute("INSERT INTO settings VALUES ('a', ?)", ("x" * 10**6,))

    def test_says_that_another_program_keeps_it_locked(self, tmp_path: Path):
        file = tmp_path / "library.sqlite"

        with closing(open_database(file)) as database, closing(sqlite3.connect(file, timeout=0)) as other:
            database.execute("BEGIN IMMEDIATE")
            with pytest.raises(LibraryError, match=r"locked.*Try again when it has ended"), explained(file):
                other.execute("DELETE FROM photos")
