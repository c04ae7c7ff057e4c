"""A library of an earlier version: it is copied, brought to today's version, and holds the same afterwards."""

from __future__ import annotations

import hashlib
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import OutputError
from vectortag.library import schema
from vectortag.library.library import Library
from vectortag.library.packing import unpack_codes
from vectortag.library.schema import find_damage, open_database, transaction
from vectortag.library.versions import STEPS, VERSION_1


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "library.sqlite"


def number(file: Path, pragma: str) -> int:
    with closing(sqlite3.connect(file)) as database:
        return database.execute(f"PRAGMA {pragma}").fetchone()[0]


def structure(file: Path) -> dict[str, str]:
    """The tables and indexes as SQLite has them, without comments and blanks."""
    with closing(sqlite3.connect(file)) as database:
        rows = database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(re.sub("--.*", "", sql).split()) for name, sql in rows}


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


def test_the_released_steps_are_what_they_were():
    """Libraries are out there that these made: whoever needs another table adds a step."""
    digests = [hashlib.sha256("".join(re.sub("--.*", "", step).split()).encode()).hexdigest()[:16] for step in STEPS]

    assert digests[:2] == ["96d181d3331a1dfa", "51abb473aef69dc6"]


@pytest.mark.parametrize("version", range(1, len(STEPS)))
def test_every_earlier_version_becomes_a_library_of_the_same_tables_as_a_new_one(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "STEPS", STEPS[:version])
        open_database(file).close()
    assert number(file, "user_version") == version

    open_database(file).close()
    open_database(tmp_path / "new.sqlite").close()

    assert number(file, "user_version") == len(STEPS)
    assert structure(file) == structure(tmp_path / "new.sqlite")
