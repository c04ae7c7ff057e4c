"""Which format a source has, and what the written metadata.csv may replace."""

from __future__ import annotations

import csv

import pytest

import vectortag as vt
from vectortag.core.errors import DataError, OverwriteError
from vectortag.data.records import read_data_set

ONE_HOT = "file_name,dog\n1.jpg,1\n"


def test_a_metadata_csv_needs_no_conversion(make_data_set, tmp_path):
    with pytest.raises(DataError, match=r"is a metadata\.csv already, which every command reads"):
        vt.convert(make_data_set({"1.jpg": "dog"}), output=tmp_path / "metadata.csv")


def test_a_file_of_no_known_format_is_refused_and_the_formats_are_named(write, tmp_path):
    with pytest.raises(DataError, match=r"not known\. Formats: coco, one-hot, folders, fiftyone, hugging-face"):
        vt.convert(write("notes.txt", "hello\n"), output=tmp_path / "metadata.csv")


@pytest.mark.parametrize("name", ["annotations/instances.json", "_annotations.coco.json"])
def test_a_folder_around_the_json_of_coco_is_not_taken_for_folders_of_words(write, make_photo, tmp_path, name):
    make_photo("set/images/1.jpg")
    write(f"set/{name}", {})

    with pytest.raises(DataError, match="name the JSON file to read"):
        vt.convert(tmp_path / "set", output=tmp_path / "metadata.csv")


def test_photos_inside_parquet_are_refused_with_the_way_to_them(write, tmp_path):
    write("set/data/train-00000-of-00001.parquet", "PAR1")

    with pytest.raises(DataError, match=r'datasets\.load_dataset\(".*set"\)\.save_to_disk\("saved"\)'):
        vt.convert(tmp_path / "set", output=tmp_path / "metadata.csv")


def test_a_source_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: cannot be read: No such file or directory$"):
        vt.convert(tmp_path / "nowhere", output=tmp_path / "metadata.csv")


def test_advice_is_given_once_and_is_of_use(write, make_photo, tmp_path):
    make_photo("1.jpg")

    with pytest.raises(DataError, match=r"got '7' \(and 1 more\)\. Fix it or pass --skip-bad-rows$"):
        vt.convert(write("labels.csv", ONE_HOT + "2.jpg,7\n3.jpg,7\n"), output=tmp_path / "metadata.csv")
    with pytest.raises(DataError, match=r"got '7'\. Fix it$"):
        vt.convert(write("labels.csv", "file_name,dog\n1.jpg,7\n"), output=tmp_path / "metadata.csv")
    with pytest.raises(DataError, match=r"2\.jpg is not there\. Name the folder in which .* begin: --photos$"):
        vt.convert(write("labels.csv", "file_name,dog\n2.jpg,1\n"), output=tmp_path / "metadata.csv")


def test_a_wrong_header_of_a_metadata_csv_names_the_formats(write):
    with pytest.raises(DataError, match=r"no column 'tags', only .*vectortag convert\. It reads COCO, one-hot CSV"):
        read_data_set(write("metadata.csv", "image_path,dog\n1.jpg,1\n"))


def test_a_file_that_is_one_long_line_is_not_repeated_in_the_error(write):
    with pytest.raises(DataError) as caught:
        read_data_set(write("metadata.csv", "{" + "x," * 100_000))

    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("name", ["metadata.csv", "known_tags.txt"])
def test_what_is_there_is_replaced_only_on_request(write, make_photo, tmp_path, name):
    make_photo("1.jpg")
    source = write("labels.csv", ONE_HOT)
    file = write(f"out/{name}", "precious")

    with pytest.raises(OverwriteError, match="pass --overwrite"):
        vt.convert(source, output=tmp_path / "out" / "metadata.csv")
    assert file.read_text() == "precious"

    done = vt.convert(source, output=tmp_path / "out" / "metadata.csv", photos=tmp_path, overwrite=True)
    assert done.photos == 1


def test_words_of_an_earlier_conversion_go_where_the_new_set_states_none(write, make_photo, tmp_path):
    for name in ("1.jpg", "2.jpg"):
        make_photo(f"photos/{name}")
    output, photos = tmp_path / "metadata.csv", tmp_path / "photos"
    vt.convert(write("labels.csv", ONE_HOT), output=output, photos=photos)
    assert read_data_set(output).known == ("dog",)
    write("photos/metadata.jsonl", '{"file_name": "2.jpg", "tags": ["cat"]}\n')

    vt.convert(photos, output=output, overwrite=True)

    assert read_data_set(output).known is None
    assert not (tmp_path / "known_tags.txt").exists()


def test_photos_that_an_earlier_conversion_wrote_stay_and_are_named(write, make_photo, tmp_path, caplog):
    for name in ("train-000000.jpg", "train-000001.jpg", "mine.jpg"):
        make_photo(f"photos/{name}")
    output = write("metadata.csv", "image_path,tags\n" + "".join(f"photos/train-00000{n}.jpg,dog\n" for n in (0, 1)))
    write("photos/metadata.jsonl", '{"file_name": "train-000000.jpg", "tags": ["cat"]}\n')

    vt.convert(tmp_path / "photos", output=output, overwrite=True)

    (warning,) = caplog.messages
    assert (
        warning == f"{tmp_path / 'photos/train-000001.jpg'}: in the metadata.csv that was replaced, and not in this one"
    )
    assert (tmp_path / "photos/train-000001.jpg").is_file()


def test_a_source_is_never_replaced(write, make_photo):
    make_photo("1.jpg")
    source = write("labels.csv", ONE_HOT)

    with pytest.raises(OverwriteError, match="is an input"):
        vt.convert(source, output=source, overwrite=True)


def test_photos_stay_where_they_are_and_are_named_from_the_output(write, make_photo, tmp_path):
    photo = make_photo("photos/1.jpg")
    before = photo.read_bytes()

    done = vt.convert(
        write("labels.csv", ONE_HOT), output=tmp_path / "elsewhere" / "metadata.csv", photos=tmp_path / "photos"
    )

    with done.output.open(newline="") as file:
        assert [row["image_path"] for row in csv.DictReader(file)] == ["../photos/1.jpg"]
    assert photo.read_bytes() == before


def test_a_part_that_only_some_photos_have_is_no_column(write, make_photo, tmp_path, caplog):
    for name in ("1.jpg", "2.jpg"):
        make_photo(name)
    table = "file_name,dog,split\n1.jpg,1,train\n2.jpg,1,\n"

    done = vt.convert(write("labels.csv", table), output=tmp_path / "metadata.csv")

    assert done.output.read_text().splitlines()[0] == "image_path,tags"
    assert "no column split is written: 1 of 2 photos have none" in caplog.text


def test_the_command_says_what_it_found(cli, write, make_photo, tmp_path):
    make_photo("1.jpg")

    done = cli("convert", write("labels.csv", ONE_HOT), "--output", tmp_path / "metadata.csv")

    assert (done.status, done.stdout) == (0, f"{tmp_path / 'metadata.csv'}\n")
    assert done.stderr == "one-hot: 1 photos, 1 words\n"
