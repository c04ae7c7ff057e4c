"""A library takes what `vectortag tag --format parquet --embeddings` computed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.core.errors import LibraryError
from vectortag.library.library import Library
from vectortag.library.update import Updated

pytest.importorskip("pyarrow")

SCORES = "SELECT shown.tag, shown.content, shown.score FROM shown ORDER BY 1, 2"


@pytest.fixture
def tagged(cli, photos: Path, tiny_model: Path, tmp_path: Path) -> Callable[..., Path]:
    """tagged(folder): the Parquet file, with embeddings, of a folder's photos."""

    def write(folder: Path = photos, *options: object) -> Path:
        output = tmp_path / "tags.parquet"
        form = ("--format", "parquet", "--output", output, "--overwrite", *(options or ("--embeddings",)))
        assert cli("tag", folder, "--model", tiny_model, *form).status in (0, 1)
        return output

    return write


def test_known_photos_are_not_analysed_again_and_have_the_same_scores(
    library: Library, photos: Path, tagged, update: Callable[..., Updated], rows, tiny_model: Path, tmp_path: Path
):
    with Library.open(tmp_path / "other.sqlite") as other:
        other.add(photos)
        other.update(model=tiny_model)
        expected = other.database.execute(SCORES).fetchall()

    done = library.import_embeddings([tagged()], model=tiny_model)

    assert (done.rows, done.taken, done.known, done.empty) == (4, 4, 0, 0)
    assert update().analysed == 0
    assert rows(SCORES) == expected


def test_copies_elsewhere_serve_as_well_and_a_changed_photo_does_not(
    library: Library, photos: Path, tagged, update, make_photo, tiny_model: Path, tmp_path: Path
):
    shutil.copytree(photos, tmp_path / "copies")
    rows = tagged(tmp_path / "copies")
    make_photo("photos/a.jpg", seed=99)

    library.import_embeddings([rows], model=tiny_model)

    assert update().analysed == 1


def test_what_is_imported_twice_is_known(library: Library, tagged, tiny_model: Path):
    file = tagged()
    library.import_embeddings([file], model=tiny_model)

    assert library.import_embeddings([file], model=tiny_model).known == 4


def test_photos_that_failed_are_left_to_the_update(library: Library, photos: Path, tagged, update, tiny_model: Path):
    (photos / "broken.jpg").write_bytes(b"no photo")

    done = library.import_embeddings([tagged()], model=tiny_model)

    assert (done.taken, done.empty) == (4, 1)
    assert update().failed == 1


def test_rows_of_another_model_are_refused(library: Library, tagged, two_sizes, rows):
    with pytest.raises(LibraryError, match=r"was made by tiny@.*; the library uses tiny@"):
        library.import_embeddings([tagged()], model=two_sizes.path)
    assert rows("SELECT count(*) FROM analyses") == [0]


def test_a_file_without_embeddings_is_refused(library: Library, photos: Path, tagged, tiny_model: Path):
    with pytest.raises(LibraryError, match="has no column content"):
        library.import_embeddings([tagged(photos, "--no-library")], model=tiny_model)


def test_what_is_no_parquet_is_refused(library: Library, photos: Path, tiny_model: Path):
    with pytest.raises(LibraryError, match="is not a Parquet file"):
        library.import_embeddings([photos / "a.jpg"], model=tiny_model)


def test_the_command_imports_and_updates(library: Library, cli, tagged, tiny_model: Path):
    file = tagged()

    found = cli("library", "import", file, "--library", library.file, "--model", tiny_model)

    assert found.status == 0, found.stderr
    assert "4 rows: 4 imported, 0 known before" in found.stderr
    assert "tagged" not in found.stderr.splitlines()[-1]
