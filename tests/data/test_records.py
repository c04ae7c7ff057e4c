"""metadata.csv in the forms that people write it, and what is said of the wrong ones."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.core.errors import DataError
from vectortag.data.records import DataSet, photo_hash, photo_in, read_data_set

WriteCsv = Callable[..., Path]


def words_of(data: DataSet) -> list[tuple[str, ...]]:
    return [record.words for record in data.records]


def test_tags_may_be_a_list_or_comma_separated_words(write_csv: WriteCsv):
    data = read_data_set(write_csv("""image_path,tags\n1.jpg,"['sea', 'sun']"\n2.jpg,"dog, snow"\n3.jpg,tree\n"""))

    assert words_of(data) == [("sea", "sun"), ("dog", "snow"), ("tree",)]


def test_a_record_knows_its_photo_its_row_and_its_set(write_csv: WriteCsv, tmp_path: Path):
    (record,) = read_data_set(write_csv("image_path,tags\n1.jpg,dog\n"), name="holiday").records

    assert (record.path, record.row, record.split, record.dataset) == (tmp_path / "1.jpg", 2, None, "holiday")


def test_a_set_is_called_like_its_folder(write_csv: WriteCsv, tmp_path: Path):
    assert read_data_set(write_csv("image_path,tags\n1.jpg,dog\n")).name == tmp_path.name


def test_the_folder_may_be_named_instead_of_the_file(write_csv: WriteCsv):
    file = write_csv("image_path,tags\n1.jpg,dog\n")

    assert read_data_set(file.parent) == read_data_set(str(file))


def test_photos_are_looked_for_beside_the_file(make_data_set: Callable[..., Path]):
    folder = make_data_set({"images/1.jpg": "dog"})

    assert read_data_set(folder).records[0].path == folder / "images/1.jpg"


def test_words_keep_their_letters(write_csv: WriteCsv):
    assert words_of(read_data_set(write_csv("image_path,tags\n1.jpg,Zürich\n"))) == [("Zürich",)]


def test_columns_may_stand_in_any_order_among_others(write_csv: WriteCsv):
    data = read_data_set(write_csv("author,tags,image_path\nme,dog,1.jpg\n"))

    assert (data.records[0].path.name, data.records[0].words) == ("1.jpg", ("dog",))


def test_the_split_column_is_read_in_any_case(write_csv: WriteCsv):
    data = read_data_set(write_csv("image_path,tags,split\n1.jpg,dog,Train\n2.jpg,cat, VAL \n"))

    assert [record.split for record in data.records] == ["train", "val"]
    assert data.has_splits


def test_a_set_has_splits_only_where_every_photo_has_one(write_csv: WriteCsv):
    data = read_data_set(write_csv("image_path,tags,split\n1.jpg,dog,train\n2.jpg,cat,\n"))

    assert data.records[1].split is None
    assert not data.has_splits


def test_a_header_alone_is_no_data_set(write_csv: WriteCsv):
    with pytest.raises(DataError, match="at least one photo, but it has no rows"):
        read_data_set(write_csv("image_path,tags\n"))


def test_a_row_without_a_photo_is_bad(write_csv: WriteCsv):
    with pytest.raises(DataError, match=r'metadata\.csv:2: column "image_path" is empty'):
        read_data_set(write_csv("image_path,tags\n ,dog\n"))


def test_bad_rows_can_be_skipped_and_are_listed(write_csv: WriteCsv):
    file = write_csv('image_path,tags\n1.jpg,dog\n2.jpg,a,b\n,x\n3.jpg,"[sea"\n')

    data = read_data_set(file, skip_bad_rows=True)

    assert words_of(data) == [("dog",)]
    assert [row.split(":")[1] for row in data.bad_rows] == ["3", "4", "5"]


def test_photos_that_are_not_there_are_set_apart(write_csv: WriteCsv, tmp_path: Path):
    (tmp_path / "folder.jpg").mkdir()
    too_long = "a" * 3000  # no file system has such a name; what an unclosed quote leads to

    file = write_csv(f"image_path,tags\n1.jpg,dog\ngone.jpg,cat\nfolder.jpg,cat\n{too_long},cat\n")

    with pytest.raises(DataError, match=r"csv:3: .*gone\.jpg is not there \(and 2 more: .* or pass --skip-bad-rows"):
        read_data_set(file)
    data = read_data_set(file, skip_bad_rows=True)

    assert [record.row for record in data.records] == [2]
    assert [record.row for record in data.missing] == [3, 4, 5]


@pytest.mark.parametrize("row", ["./1.jpg,cat,train", "1.jpg,dog,val"], ids=["other tags", "another split"])
def test_rows_of_one_photo_that_contradict_each_other_are_all_bad(write_csv: WriteCsv, row: str):
    file = write_csv(f"image_path,tags,split\n1.jpg,dog,train\n2.jpg,sea,train\n{row}\n")

    with pytest.raises(DataError, match=r"metadata\.csv:2: .*1\.jpg has other tags or another split in row 4"):
        read_data_set(file)
    data = read_data_set(file, skip_bad_rows=True)

    assert words_of(data) == [("sea",)]
    assert [record.row for record in data.contradictory] == [2, 4]
    assert data.row_count == 3


def test_a_row_that_says_the_same_again_counts_once(write_csv: WriteCsv):
    data = read_data_set(write_csv('image_path,tags\n1.jpg,"dog, sea"\n1.jpg,"sea, dog"\n'))

    assert [record.row for record in data.records] == [2]
    assert [record.row for record in data.repeated] == [3]
    assert data.problems == ()


def test_a_set_without_any_of_its_photos_is_an_error_that_says_where_they_were_sought(write_csv: WriteCsv):
    file = write_csv("image_path,tags\na.jpg,dog\nb.jpg,cat\n")

    with pytest.raises(DataError, match="2 photos are named in it, none of them is there") as caught:
        read_data_set(file)

    assert str(file.parent) in str(caught.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: No such file"):
        read_data_set(tmp_path / "none.csv")


def test_a_folder_without_metadata_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match=r"metadata\.csv: cannot be read"):
        read_data_set(tmp_path)


def test_a_photo_is_known_by_the_start_of_its_hash(tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(b"photo")

    assert photo_hash(tmp_path / "a.jpg") == hashlib.sha256(b"photo").hexdigest()[:16]


def test_a_photo_that_is_gone_has_no_hash(tmp_path: Path):
    with pytest.raises(DataError, match=r"gone\.jpg: cannot be read"):
        photo_hash(tmp_path / "gone.jpg")


class TestWords:
    """What stands in the column of tags."""

    @pytest.mark.parametrize("cell", ["\"['cat' 'pet']\"", "\"['cat'\n 'pet']\"", "cat;pet", "\"('cat', 'pet')\""])
    def test_two_words_are_two_words(self, write_csv: WriteCsv, cell: str):
        assert words_of(read_data_set(write_csv(f"image_path,tags\n1.jpg,{cell}\n"))) == [("cat", "pet")]

    @pytest.mark.parametrize("cell", ['"cat, pet; dog"', "\"['cat' ... 'pet']\"", '"[cat pet]"'])
    def test_what_may_mean_two_things_is_a_bad_row(self, write_csv: WriteCsv, cell: str):
        data = read_data_set(write_csv(f"image_path,tags\n1.jpg,{cell}\n2.jpg,dog\n"), skip_bad_rows=True)

        assert words_of(data) == [("dog",)]
        assert data.bad_rows[0].startswith("metadata.csv:2: ")


def test_folders_may_be_separated_as_on_windows(write_csv: WriteCsv, tmp_path: Path):
    (tmp_path / "a").mkdir()
    file = write_csv("image_path,tags\na\\1.jpg,dog\n", "a/1.jpg")

    assert [record.path for record in read_data_set(file).records] == [tmp_path / "a/1.jpg"]


class TestNormalForms:
    NAME = "Crème brûlée 한국.jpg"

    @pytest.mark.parametrize("written", ["NFC", "NFD"])
    @pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
    def test_a_photo_is_found_in_either_form(self, tmp_path: Path, written: str, on_disk: str):
        photo = tmp_path / unicodedata.normalize(on_disk, "Été") / unicodedata.normalize("NFC", self.NAME)
        photo.parent.mkdir()
        photo.touch()
        row = unicodedata.normalize(written, f"Été/{self.NAME}")
        (tmp_path / "metadata.csv").write_text(f"image_path,tags\n{row},dog\n", "utf-8")

        assert read_data_set(tmp_path).records[0].path == photo

    def test_the_name_as_it_is_written_comes_first(self, tmp_path: Path):
        for form in ("NFC", "NFD"):
            (tmp_path / unicodedata.normalize(form, "é.jpg")).touch()

        assert photo_in(tmp_path, "e\u0301.jpg") == tmp_path / "e\u0301.jpg"
        assert photo_in(tmp_path, "é.jpg") == tmp_path / "é.jpg"

    @pytest.mark.parametrize("name", ["é.jpg", "é/../é.jpg", "/é/é.jpg", "é" * 300, "é\0.jpg"])
    def test_a_photo_that_is_not_there_is_missing(self, write_csv: WriteCsv, name: str):
        file = write_csv(f"image_path,tags\n1.jpg,dog\n{name},cat\n")

        data = read_data_set(file, skip_bad_rows=True)

        assert [record.words for record in data.missing] == [("cat",)]
        with pytest.raises(DataError, match=r"^metadata\.csv:3: .* is not there\. Fix the row or pass --skip-bad-rows"):
            read_data_set(file)
