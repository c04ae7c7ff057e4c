import numpy as np
import pytest
from synthetic_library import MadePhoto, write_library

from vectortag.core.numerics import unit
from vectortag.library.packing import pack_embeddings, unpack_embeddings
from vectortag.library.photo_table import keys_of
from vectortag.library.vectors import VectorMap, open_vectors


def embeddings_of(count: int) -> np.ndarray:
    return np.abs(np.random.default_rng(count).normal(0, 1, (count, 8))).astype(np.float32)


@pytest.fixture
def library(tmp_path, worded):
    embeddings = embeddings_of(50)
    photos = [MadePhoto(f"{n}.jpg", scores=np.zeros(6, np.float32), embedding=embeddings[n]) for n in range(50)]
    with write_library(tmp_path / "library.sqlite", worded, photos) as opened:
        yield opened


def opened(library, **options) -> VectorMap:
    return open_vectors(library.database, library.file, model=1, digest="d", **options)


def test_cosines_are_those_of_the_stored_embeddings(library):
    rows = library.database.execute("SELECT content, embedding FROM analyses").fetchall()
    exact = unit(unpack_embeddings([row[1] for row in rows]))
    vectors = opened(library)
    places, known = vectors.rows_of(keys_of([row[0] for row in rows]))

    assert known.all()
    np.testing.assert_allclose(vectors.cosines(exact[3])[places], exact @ exact[3], atol=1e-6)


def test_a_map_is_read_again_and_made_anew_when_rows_come_or_go(library):
    first = opened(library)
    files = sorted(library.file.with_name("library.sqlite.vectors").iterdir())
    times = [file.stat().st_mtime_ns for file in files]

    assert len(opened(library)) == len(first) == 50
    assert [file.stat().st_mtime_ns for file in files] == times
    library.database.execute("DELETE FROM analyses WHERE rowid = 7")
    assert len(opened(library)) == 49
    row = (b"x" * 16, 1, b"", pack_embeddings(embeddings_of(1))[0], 5.0)
    library.database.execute("INSERT INTO analyses VALUES (?, ?, ?, ?, ?)", row)
    assert keys_of([b"x" * 16])[0] in opened(library).keys
    assert len(list(files[0].parent.iterdir())) == 1


def test_a_map_of_the_wrong_length_is_made_anew(library):
    opened(library)
    (file,) = library.file.with_name("library.sqlite.vectors").iterdir()
    file.write_bytes(file.read_bytes()[:-5])

    assert len(opened(library)) == 50


def test_directions_are_computed_once_for_each_content(library):
    seen = []

    def directions(embeddings):
        seen.append(len(embeddings))
        return embeddings[:, :3] - 0.5

    exact = opened(library, directions=directions)
    library.database.execute("DELETE FROM analyses WHERE rowid > 45")
    library.database.execute(
        "INSERT INTO analyses VALUES (?, 1, x'', ?, 9)", (b"y" * 16, pack_embeddings(embeddings_of(1))[0])
    )
    again = opened(library, directions=directions)

    assert seen == [50, 1]
    assert len(again) == 46
    rows, known = exact.rows_of(again.keys)
    np.testing.assert_array_equal(again.codes[known], exact.codes[rows[known]])


def test_vectors_are_in_memory_where_no_file_can_be_written(library, caplog):
    library.file.with_name("library.sqlite.vectors").write_text("a file in the way")

    assert len(opened(library)) == 50
    assert "in memory" in caplog.text


def test_a_library_without_analyses_has_no_vectors(library):
    library.database.execute("DELETE FROM analyses")

    vectors = opened(library)

    assert len(vectors) == 0
    assert vectors.cosines(np.zeros(8, np.float32)).shape == (0,)


def test_the_scan_is_the_same_in_several_threads(monkeypatch):
    random = np.random.default_rng(0)
    codes = random.integers(-127, 128, (1000, 16), np.int8)
    vectors = VectorMap(codes, np.ones(1000, np.float32), np.arange(1000, dtype=np.uint64))
    query = random.normal(0, 1, 16).astype(np.float32)
    monkeypatch.setattr("vectortag.library.vectors.SHARE", 300)
    monkeypatch.setattr("vectortag.library.vectors.usable_cores", lambda: 3)

    np.testing.assert_allclose(vectors.cosines(query), codes.astype(np.float64) @ query, rtol=1e-4, atol=1e-3)
