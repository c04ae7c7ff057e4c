"""Photos inside Parquet files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.errors import PhotoError
from vectortag.data import parquet_photos
from vectortag.data.parquet_photos import ParquetRows, photos_in, row_groups_of

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """write({"path": [...]}, group=2): a Parquet file with these columns and so many rows a group."""

    def make(columns: dict[str, Any], *, name: str = "photos.parquet", group: int = 3) -> Path:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / name, row_group_size=group)
        return tmp_path / name

    return make


def all_in(file: Path) -> list[tuple[str, Any]]:
    return [(photo.name, photo.content) for rows in row_groups_of(file) for photo in photos_in(rows)]


def test_each_row_is_a_photo_by_its_path(write):
    file = write({"path": [f"{n}.jpg" for n in range(8)], "bytes": [bytes([n]) for n in range(8)], "other": range(8)})

    assert [len(rows) for rows in row_groups_of(file)] == [3, 3, 2]
    assert all_in(file) == [(f"{n}.jpg", bytes([n])) for n in range(8)]


def test_any_rows_of_it_can_be_read(write):
    file = write({"image_path": [f"{n}.jpg" for n in range(50)], "content": [bytes([n]) for n in range(50)]}, group=20)

    assert [photo.content for photo in photos_in(ParquetRows(str(file), 17, 43))] == [bytes([n]) for n in range(17, 43)]


def test_a_hugging_face_image_is_read_and_a_row_without_a_path_is_called_by_its_number(write):
    file = write({"image": [{"bytes": b"a", "path": "a.png"}, {"bytes": b"b", "path": None}]})

    assert all_in(file) == [("a.png", b"a"), (f"{file}#1", b"b")]


def test_a_row_without_bytes_is_an_error_and_the_others_are_read(write):
    file = write({"path": ["a", "b", "c"], "bytes": [b"a", None, b"c"]})

    (_, first), (name, error), (_, last) = all_in(file)

    assert (first, name, last) == (b"a", "b", b"c")
    assert isinstance(error, PhotoError)


def test_a_folder_of_parts_is_read_by_their_names(write, tmp_path: Path):
    for part in (2, 1):
        write({"path": [f"{part}.jpg"], "bytes": [b"x"]}, name=f"set.parquet/part-{part}.parquet")

    assert [name for name, _ in all_in(tmp_path / "set.parquet")] == ["1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("content", "why"), [(b"PAR1 and no more", "Parquet"), (None, "No such file"), ({"path": ["a"]}, "no column")]
)
def test_what_is_no_such_file_is_one_error(write, tmp_path: Path, content: Any, why: str):
    file = tmp_path / "bad.parquet"
    if isinstance(content, dict):
        write(content, name="bad.parquet")
    elif content is not None:
        file.write_bytes(content)

    ((name, error),) = all_in(file)

    assert name == str(file)
    assert isinstance(error, PhotoError)
    assert why in str(error)


def test_reading_goes_on_where_an_error_passed(write, monkeypatch: pytest.MonkeyPatch):
    file = write({"path": [f"{n}.jpg" for n in range(6)], "bytes": [b"x"] * 6}, group=6)
    decoded: list[int] = []

    class Breaking(pq.ParquetFile):
        """A file whose second batch of rows is lost when it is read for the first time."""

        def iter_batches(self, *given: Any, **options: Any) -> Iterator[Any]:
            for number, batch in enumerate(super().iter_batches(*given, **options)):
                decoded.append(batch.num_rows)
                if number == 1 and len(decoded) == 2:
                    raise OSError("connection lost")
                yield batch

    monkeypatch.setattr(parquet_photos, "TOGETHER", 4)
    monkeypatch.setattr(pq, "ParquetFile", Breaking)

    assert [name for name, _ in all_in(file)] == [f"{n}.jpg" for n in range(6)]
    assert decoded == [4, 2, 4, 2]  # read to its second batch, and again from its beginning


def test_damaged_rows_give_what_was_read_before_and_one_error(write):
    file = write({"path": [f"{n}.jpg" for n in range(4)], "bytes": [bytes([n]) * 5000 for n in range(4)]}, group=2)
    second = pq.read_metadata(file).row_group(1).column(1)
    content = bytearray(file.read_bytes())
    start = second.dictionary_page_offset or second.data_page_offset
    content[start : start + second.total_compressed_size] = b"\xff" * second.total_compressed_size
    file.write_bytes(content)

    *good, (name, error) = all_in(file)

    assert [photo for photo, _ in good] == ["0.jpg", "1.jpg"]
    assert name == f"{file}#2"
    assert "cannot be read from here on" in str(error)


def test_a_file_is_tagged_as_the_same_photos_are(write, cli, make_photo: Callable[..., Path], tiny_model: Path):
    files = [make_photo(f"{n}.jpg", seed=n) for n in range(4)]
    files[2].write_bytes(b"no photo")
    file = write({"path": [str(one) for one in files], "bytes": [one.read_bytes() for one in files]})

    local, stored = (
        cli("tag", *paths, "--model", tiny_model, "--format", "jsonl") for paths in (files, [file])
    )  # fmt: skip

    assert stored.stdout == local.stdout
    assert (stored.status, local.status) == (1, 1)
