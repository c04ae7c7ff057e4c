"""What somebody saw who looked at tags that a model would show."""

from __future__ import annotations

from pathlib import Path

import pytest

from vectortag.core.errors import DataError
from vectortag.core.types import UNKNOWN
from vectortag.data.records import Record
from vectortag.data.spot_checks import checked_targets, read_spot_checks


def test_what_was_seen_is_put_beside_the_records_that_are_there(tmp_path):
    file = tmp_path / "checks.csv"
    file.write_text(
        "data,image_path,tag,right\na,1.jpg,cat,1\na,1.jpg,dog,0\nb,x/2.jpg,cat,0\nc,1.jpg,cat,1\na,9.jpg,cat,1\n"
    )
    records = [Record(tmp_path / name, (), 2, None, data) for data, name in (("b", "b/x/2.jpg"), ("a", "a/1.jpg"))]
    folders = {"a": tmp_path / "a", "b": tmp_path / "b"}

    targets = checked_targets(read_spot_checks(file), records, folders, ["dog", "cat", "cow"])

    assert targets.tolist() == [[UNKNOWN, 0, UNKNOWN], [0, 1, UNKNOWN]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("data,image_path,tag\n", "no column 'right'"),
        ("data,image_path,tag,right\na,1.jpg,cat,yes\n", r'checks\.csv:2: column "right" is \'yes\'. Expected 1 or 0'),
        ("data,image_path,tag,right\na,1.jpg,cat,1,2\n", "checks.csv:2: more fields than columns"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(tmp_path: Path, content: str, message: str):
    (tmp_path / "checks.csv").write_text(content)

    with pytest.raises(DataError, match=message):
        read_spot_checks(tmp_path / "checks.csv")
