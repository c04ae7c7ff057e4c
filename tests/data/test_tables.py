"""Tables as spreadsheets and programs write them: separators, encodings, quotes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.core.errors import DataError
from vectortag.data.records import DataSet, read_data_set
from vectortag.data.tables import opened_table

WriteCsv = Callable[..., Path]


def words_of(data: DataSet) -> list[tuple[str, ...]]:
    return [record.words for record in data.records]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("separator", [";", "\t", ",", "|"])
def test_separator_and_encoding_are_recognised(write_csv: WriteCsv, encoding: str, separator: str):
    text = f'image_path{separator}tags\r\n1.jpg{separator}"Möwe, sea"\r\n2.jpg{separator}dog\r\n'

    assert words_of(read_data_set(write_csv(text.encode(encoding)))) == [("Möwe", "sea"), ("dog",)]


def test_excel_s_own_first_line_names_the_separator(write_csv: WriteCsv):
    data = read_data_set(write_csv("sep=;\r\nimage_path;tags\r\n1.jpg;cat,pet\r\n"))

    assert words_of(data) == [("cat", "pet")]
    assert data.records[0].row == 3


def test_unquoted_separators_are_named(write_csv: WriteCsv):
    with pytest.raises(DataError, match=r"metadata\.csv:2: .*tags that hold semicolons\. Fix the row"):
        read_data_set(write_csv("image_path;tags\n1.jpg;cat;pet\n"))


def test_rows_of_separators_alone_say_nothing(write_csv: WriteCsv):
    assert words_of(read_data_set(write_csv("image_path;tags;\n1.jpg;cat;\n;;\n;;\n"))) == [("cat",)]


def test_another_encoding_is_an_error_that_says_what_to_do(write_csv: WriteCsv):
    with pytest.raises(DataError, match=r'not a CSV file in UTF-8.*save it as "CSV UTF-8"'):
        read_data_set(write_csv("image_path;tags\n1.jpg;Möwe\n".encode("cp1252")))


def test_a_byte_order_mark_and_windows_line_ends_are_read_over(write_csv: WriteCsv):
    data = read_data_set(write_csv(b'\xef\xbb\xbfimage_path,tags\r\n1.jpg,"dog, sea"\r\n2.jpg,cat\r\n'))

    assert words_of(data) == [("dog", "sea"), ("cat",)]


def test_rows_are_counted_in_lines_of_the_file(write_csv: WriteCsv):
    data = read_data_set(write_csv('image_path,tags\n1.jpg,"dog,\nsea"\n\n2.jpg,cat\n'))

    assert [record.row for record in data.records] == [3, 5]
    assert words_of(data) == [("dog", "sea"), ("cat",)]


def test_a_missing_column_is_named_with_the_nearest_one(write_csv: WriteCsv):
    with pytest.raises(DataError, match=r"""metadata\.csv:1: no column 'tags', only image_path, tag.*"tag"\?"""):
        read_data_set(write_csv("image_path,tag\n1.jpg,dog\n"))


def test_an_empty_file_has_no_columns(write_csv: WriteCsv):
    with pytest.raises(DataError, match="no column 'image_path', only nothing"):
        read_data_set(write_csv(""))


def test_unquoted_commas_are_too_many_fields(write_csv: WriteCsv):
    with pytest.raises(DataError, match=r"metadata\.csv:3: more fields than columns\. Put quotes.*--skip-bad-rows"):
        read_data_set(write_csv("image_path,tags\n1.jpg,dog\n2.jpg,cat,snow\n"))


def test_a_file_in_another_encoding_is_an_error(write_csv: WriteCsv):
    with pytest.raises(DataError, match="not a CSV file in UTF-8"):
        read_data_set(write_csv("image_path,tags\n1.jpg,Zürich\n".encode("latin-1")))


def test_a_quote_that_swallows_the_file_is_an_error(write_csv: WriteCsv):
    with pytest.raises(DataError, match="not a CSV file"):
        read_data_set(write_csv('image_path,tags\n1.jpg,"dog\n' + "2.jpg,cat\n" * 20_000))


def test_a_quote_that_is_never_closed_is_a_bad_row(write_csv: WriteCsv):
    file = write_csv('image_path,tags\n1.jpg,dog\n2.jpg,"cat\n3.jpg,sea\n')

    with pytest.raises(DataError, match=r"metadata.csv:4: a quote is opened .* never closed"):
        read_data_set(file)
    assert words_of(read_data_set(file, skip_bad_rows=True)) == [("dog",)]


def test_a_quote_that_is_closed_at_the_end_of_the_file_is_none(write_csv: WriteCsv):
    assert words_of(read_data_set(write_csv('image_path,tags\n1.jpg,"dog,\ncat"'))) == [("dog", "cat")]


def test_two_columns_of_the_same_name_are_an_error(write_csv: WriteCsv):
    with pytest.raises(DataError, match="2 columns are called 'tags'"):
        read_data_set(write_csv("image_path,tags,tags\n1.jpg,dog,cat\n"))


def opened(file: Path, *needed: str) -> tuple[tuple[str, ...], str, list[dict[str, str] | str]]:
    """Columns, separator, and each row or what is wrong with it."""
    with opened_table(file, needed) as table:
        rows = [str(fields) if isinstance(fields, DataError) else fields for _, fields in table.rows]
        return table.columns, table.separator, rows


@pytest.mark.parametrize(
    ("text", "columns", "separator"),
    [
        ("name,dog;cat,sea\n", ("name", "dog;cat", "sea"), ","),
        ("name;dog,cat;sea;sun\n", ("name", "dog,cat", "sea", "sun"), ";"),
        (" name \t dog\n", ("name", "dog"), "\t"),
        ('"na,me"|dog\n', ("na,me", "dog"), "|"),
        ("name\n", ("name",), ","),
        ("sep=|\nname|a,b,c\n", ("name", "a,b,c"), "|"),
    ],
)
def test_without_needed_columns_the_separator_is_the_one_that_makes_most(
    write_csv: WriteCsv, text: str, columns: tuple[str, ...], separator: str
):
    assert opened(write_csv(text)) == (columns, separator, [])


def test_the_separator_is_the_one_that_gives_the_needed_columns(write_csv: WriteCsv):
    columns, separator, rows = opened(write_csv("name;tags;a,b,c,d\n1.jpg;dog,cat;x\n"), "name", "tags")

    assert (columns, separator) == (("name", "tags", "a,b,c,d"), ";")
    assert rows == [{"name": "1.jpg", "tags": "dog,cat", "a,b,c,d": "x"}]


def test_a_row_that_is_too_short_has_empty_fields(write_csv: WriteCsv):
    assert opened(write_csv("name,tags,split\n1.jpg\n"))[2] == [{"name": "1.jpg", "tags": "", "split": ""}]


def test_empty_fields_behind_the_last_column_do_not_count(write_csv: WriteCsv):
    rows = opened(write_csv("name,tags\n1.jpg,dog,,\n2.jpg,dog,,x\n"))[2]

    assert rows[0] == {"name": "1.jpg", "tags": "dog"}
    assert rows[1] == "metadata.csv:3: more fields than columns. Put quotes around tags that hold commas."


def test_many_columns_are_not_all_listed(write_csv: WriteCsv):
    file = write_csv(",".join(f"column {number}" for number in range(1000)) + "\n")

    with pytest.raises(DataError, match=r"only column 0, column 1, .*\.\.\. \(1,000 in all\)") as caught:
        opened(file, "image_path")

    assert len(str(caught.value)) < 700
