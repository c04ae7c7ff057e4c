"""One rule for rows that cannot be used: stop at them, or leave them out and say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import DataError, PhotoError
from vectortag.data.records import DataSet, read_data_set
from vectortag.data.usable import embed_data_set, read_usable, without_broken
from vectortag.inference.tagger import Tagger

WORDS = {f"{number}.jpg": "dog" for number in range(6)}


@pytest.fixture
def data(make_data_set: Callable[..., Path]) -> DataSet:
    return read_data_set(make_data_set(WORDS))


def broken(data: DataSet, *places: int) -> dict[Path, PhotoError]:
    return {data.records[place].path: PhotoError(f"photo {place}: not a photo") for place in places}


def test_without_broken_photos_a_set_stays_as_it_is(data: DataSet):
    assert without_broken(data, {}, skip_bad_rows=False) is data
    assert without_broken(data, {Path("another.jpg"): PhotoError("bad")}, skip_bad_rows=False) is data


def test_a_broken_photo_stops_the_command_at_its_row(data: DataSet):
    with pytest.raises(DataError, match=r"metadata\.csv:3: photo 1: not a photo \(and 1 more: .*--skip-bad-rows"):
        without_broken(data, broken(data, 1, 4), skip_bad_rows=False)


def test_broken_photos_are_left_out_where_that_is_asked_and_the_first_are_named(
    data: DataSet, caplog: pytest.LogCaptureFixture
):
    left = without_broken(data, broken(data, 0, 1, 2, 3, 4), skip_bad_rows=True)

    assert [record.path.name for record in left.records] == ["5.jpg"]
    assert caplog.messages[:3] == [f"left out: metadata.csv:{row + 2}: photo {row}: not a photo" for row in range(3)]
    assert caplog.messages[3] == f"left out: 2 more rows. List all: vectortag check {data.csv}"
    assert len(caplog.messages) == 4


@pytest.mark.parametrize("skip", [True, False])
def test_a_set_of_broken_photos_alone_is_an_error(data: DataSet, skip: bool):
    with pytest.raises(DataError, match=r"none of 6 photos can be read; the first: metadata\.csv:2: photo 0"):
        without_broken(data, broken(data, *range(6)), skip_bad_rows=skip)


def test_rows_that_are_left_out_when_a_set_is_read_are_told(
    make_data_set: Callable[..., Path], caplog: pytest.LogCaptureFixture
):
    folder = make_data_set(WORDS)
    (folder / "3.jpg").unlink()

    with pytest.raises(DataError, match=r"3\.jpg is not there"):
        read_usable(folder)
    assert not caplog.messages
    data = read_usable(folder, name="mine", skip_bad_rows=True)

    assert (data.name, len(data.records)) == ("mine", 5)
    (message,) = caplog.messages
    assert message.startswith("left out: metadata.csv:5: ")


class TestEmbeddings:
    def test_each_photo_has_that_of_the_network(self, data: DataSet, tagger: Tagger):
        same, embeddings = embed_data_set(tagger.embedder, tagger.folder, data)

        assert same is data
        for record in data.records:
            alone = tagger.embedder.embed(tagger.embedder.pixels(record.path)[None])[0]
            np.testing.assert_array_equal(embeddings[record.path], alone)

    def test_a_broken_photo_is_left_out_with_its_own_error(
        self, data: DataSet, tagger: Tagger, caplog: pytest.LogCaptureFixture
    ):
        for place in (4, 1):
            data.records[place].path.write_text("no photo")

        with pytest.raises(DataError, match=r"metadata\.csv:3: .*1\.jpg: not a photo"):
            embed_data_set(tagger.embedder, tagger.folder, data)
        left, embeddings = embed_data_set(tagger.embedder, tagger.folder, data, skip_bad_rows=True)

        assert [record.path.name for record in left.records] == ["0.jpg", "2.jpg", "3.jpg", "5.jpg"]
        assert set(embeddings) == {record.path for record in left.records}
        for row, name in ((3, "1.jpg"), (6, "4.jpg")):
            assert any(f"metadata.csv:{row}: " in text and name in text for text in caplog.messages)
