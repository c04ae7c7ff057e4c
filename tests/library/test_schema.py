"""The database of a library: opened, refused, migrated, and never deleted."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import LibraryError, OutputError
from vectortag.library import mounts, schema
from vectortag.library.library import Library
from vectortag.library.packing import unpack_codes
from vectortag.library.schema import APPLICATION_ID, explained, find_damage, open_database, transaction
from vectortag.library.versions import VERSION_1

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


def content_of(file: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(file)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: sorted(database.execute(f"SELECT * FROM {table}").fetchall(), key=repr) for table in tables}


class TestALibraryOfVersion1:
    """It has a byte for each tag; since version 2, only those that are not 0 are kept."""

    @pytest.fixture
    def first(self, updated: Library, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """The library as VectorTag wrote it before."""
        updated.close()
        old, today = tmp_path / "old" / "library.sqlite", content_of(file)
        with monkeypatch.context() as patch:
            patch.setattr(schema, "STEPS", (VERSION_1,))
            with closing(open_database(old)) as database, transaction(database):
                for table, rows in today.items():
                    for row in rows:
                        values = list(row)
                        if table == "analyses":
                            values[2] = unpack_codes([values[2]])[0].tobytes()
                        database.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(values))})", values)
        assert {len(row[2]) for row in content_of(old)["analyses"]} != {len(row[2]) for row in today["analyses"]}
        return old

    def test_holds_the_same_afterwards(self, first: Path, file: Path):
        open_database(first).close()

        assert content_of(first) == content_of(file)
        assert number(first, "user_version") == 2
        assert find_damage(first) == []

    def test_finds_the_same_photos_with_the_same_scores(self, first: Path, file: Path):
        with Library.open(first) as before, Library.open(file) as today:
            for query in ("score:dog>0.004", "score:dog<0.5", "score:dog<=0.05", "dog", "not dog"):
                expected = [(match.path, match.score) for match in today.search(query).matches]
                assert [(match.path, match.score) for match in before.search(query).matches] == expected

    def test_is_copied_first_as_it_was(self, first: Path):
        before = content_of(first)

        open_database(first).close()

        assert content_of(first.with_name("library.sqlite.v1.backup")) == before

    def test_stays_as_it_was_where_it_cannot_be_copied(self, first: Path):
        before = content_of(first)
        (first.parent / "library.sqlite.v1.backup" / "in the way").mkdir(parents=True)

        with pytest.raises(OutputError, match=r"library\.sqlite\.v1\.backup"):
            open_database(first)

        assert (content_of(first), number(first, "user_version")) == (before, 1)

    @pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal")
    @pytest.mark.parametrize("row", [1, 4])
    def test_goes_on_where_a_process_was_killed_at_a_row(self, row: int, first: Path, file: Path):
        before = content_of(first)
        code = f"""
import itertools, os, pathlib, signal
from vectortag.library import schema
calls, pack = itertools.count(1), schema.pack_codes
schema.pack_codes = lambda codes: os.kill(os.getpid(), signal.SIGKILL) if next(calls) == {row} else pack(codes)
schema.open_database(pathlib.Path({str(first)!r}))
"""
        assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
        assert (content_of(first), number(first, "user_version")) == (before, 1)

        open_database(first).close()

        assert content_of(first) == content_of(file)

    def test_is_brought_to_todays_version_by_one_of_many_processes(self, first: Path, file: Path):
        before, opened = content_of(first), []
        threads = [threading.Thread(target=lambda: opened.append(open_database(first))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for database in opened:
            database.close()

        assert len(opened) == 6
        assert content_of(first) == content_of(file)
        assert content_of(first.with_name("library.sqlite.v1.backup")) == before

    def test_takes_no_rows_any_more_from_a_process_that_had_it_open(self, first: Path, file: Path):
        with closing(sqlite3.connect(first)) as old:
            open_database(first).close()

            with pytest.raises(sqlite3.OperationalError, match="no column named scores"):
                old.execute(
                    "INSERT INTO analyses (content, model, scores, embedding, made) VALUES (x'', 1, x'', x'', 0)"
                )

    def test_gives_room_back_to_the_disk(self, first: Path):
        codes = np.zeros(777, np.uint8).tobytes()
        with closing(sqlite3.connect(first)) as database, database:
            for index in range(2000):
                row = (index.to_bytes(16, "big"), codes)
                database.execute("INSERT INTO analyses SELECT ?, 1, ?, embedding, 0 FROM analyses LIMIT 1", row)
        before = first.stat().st_size

        open_database(first).close()

        assert first.stat().st_size < before - 2000 * 500

    def test_stays_large_where_another_process_writes(
        self, first: Path, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ):
        real = schema._shrink

        def shrink_beside(database: sqlite3.Connection, path: Path) -> None:
            database.execute("PRAGMA busy_timeout = 0")
            with closing(sqlite3.connect(first, isolation_level=None)) as other, transaction(other):
                real(database, path)

        monkeypatch.setattr(schema, "_shrink", shrink_beside)
        open_database(first).close()

        assert "the file stays larger than it need be: database is locked" in caplog.text
        assert content_of(first) == content_of(file)


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
