"""A tagging job in partitions: which photos are where, and what a second start takes over."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from vectortag.apps.partitions import JOB, SHORTEST, PartitionedJob, open_photos, part_name, partitions, photos_of
from vectortag.core.errors import ConfigError, OverwriteError
from vectortag.data.output_folder import OutputFolder
from vectortag.data.parquet_photos import ParquetRows
from vectortag.data.sources import Reference, count_of
from vectortag.inference.many_photos import SCORED_TOGETHER

pytest.importorskip("pyarrow")


def files(count: int) -> list[Reference]:
    return [Path(f"/photos/{n}.jpg") for n in range(count)]


def sizes(parts: list[list[Reference]]) -> list[int]:
    return [sum(map(count_of, part)) for part in parts]


class TestCutting:
    def test_files_are_cut_evenly_and_a_short_rest_joins_the_last_part(self):
        assert sizes(list(partitions(files(1024), 512))) == [512, 512]
        assert sizes(list(partitions(files(1024 + SHORTEST), 512))) == [512, 512, SHORTEST]
        assert sizes(list(partitions(files(1024 + SHORTEST - 1), 512))) == [512, 512 + SHORTEST - 1]
        assert sizes(list(partitions(files(3), 512))) == [3]
        assert list(partitions([], 512)) == []

    def test_every_photo_is_in_one_part_in_order(self):
        found = files(1000)

        assert list(itertools.chain.from_iterable(partitions(found, 64))) == found

    @pytest.mark.parametrize("lengths", [(1000,), (100, 100, 100), (5, 3, 700, 1, 90), (16, 16), (15, 1, 512)])
    def test_rows_are_kept_whole_but_for_the_rest_of_a_batch(self, lengths: tuple[int, ...]):
        groups = [ParquetRows(f"{n}.parquet", 0, length) for n, length in enumerate(lengths)]

        parts = list(partitions(groups, 64))

        rows = [(one.file, row) for part in parts for one in part for row in range(one.first, one.stop)]
        assert rows == [(one.file, row) for one in groups for row in range(one.stop)]
        assert all(size % SCORED_TOGETHER == 0 for size in sizes(parts)[:-1])
        assert sum(len(part) for part in parts) <= len(groups) + len(parts)

    def test_rows_and_files_may_be_mixed(self):
        found: list[Reference] = [*files(10), ParquetRows("a.parquet", 0, 100), "s3://b/c.jpg", *files(200)]

        parts = list(partitions(found, 64))

        assert sizes(parts) == [96 + 0, 64, 64, 311 - 224]


class TestJob:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> OutputFolder:
        return OutputFolder(tmp_path / "tags")

    def test_the_photos_of_a_part_are_read_back(self, folder: OutputFolder):
        odd = Path("/photos/caf\udce9 \\x41.jpg")
        found: list[Reference] = [odd, "s3://b/a b#?.jpg", ParquetRows("/p.parquet", 3, 9, "why"), *files(61)]

        job = PartitionedJob.begin(folder, {"model": "m"}, found, 64)

        assert job.sizes == (69,)
        with open_photos(folder) as listed:
            assert photos_of(listed, 0) == found

    def test_a_second_start_takes_the_photos_of_the_first_and_what_is_left(self, folder: OutputFolder):
        first = PartitionedJob.begin(folder, {"model": "m"}, files(200), 64)
        folder.write(part_name(1), b"done")

        second = PartitionedJob.begin(folder, {"model": "m"}, iter(()), 64)

        assert second == first
        assert second.left() == [0, 2]

    def test_failed_photos_of_finished_parts_count(self, folder: OutputFolder, cli, tiny_model: Path, tmp_path: Path):
        job = PartitionedJob.begin(folder, {"model": "m"}, files(200), 64)
        (tmp_path / "broken.jpg").write_bytes(b"no photo")
        part = folder.place / part_name(1)
        options = ("--model", tiny_model, "--format", "parquet", "--output", part)
        assert cli("tag", tmp_path / "broken.jpg", *options).status == 1

        assert job.failed() == 1

    def test_a_start_that_was_killed_before_the_job_was_written_begins_anew(self, folder: OutputFolder):
        PartitionedJob.begin(folder, {"model": "m"}, files(200), 64)
        (folder.place / JOB).unlink()

        assert sum(PartitionedJob.begin(folder, {"model": "m"}, files(3), 64).sizes) == 3

    def test_other_options_are_refused(self, folder: OutputFolder):
        PartitionedJob.begin(folder, {"model": "m", "size": 224}, files(2))

        with pytest.raises(ConfigError, match="was begun with size 224, and now it is 320"):
            PartitionedJob.begin(folder, {"model": "m", "size": 320}, files(2))

    def test_a_folder_with_something_else_is_refused(self, folder: OutputFolder):
        folder.write("letter.txt", b"dear")

        with pytest.raises(OverwriteError, match=r"letter\.txt"):
            PartitionedJob.begin(folder, {}, files(2))
