"""Photos in a bucket: which are found, and what is done where the store fails."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gcs
import pytest

from vectortag.core.errors import ConfigError, PhotoError
from vectortag.data import object_store
from vectortag.data.find import LeftOut
from vectortag.data.object_store import objects_of, open_store, persistently, read_objects
from vectortag.data.output_folder import OutputFolder
from vectortag.data.records import read_data_set
from vectortag.data.shards.reading import read_shards
from vectortag.data.shards.writing import write_shards


class TestFinding:
    def test_photos_come_folder_by_folder_as_from_a_disk(self, bucket):
        put, _ = bucket
        names = [
            "b.jpg",
            "a.JPG",
            "in/d.png",
            "in/deep/e.webp",
            ".hidden.jpg",
            "@eaDir/f.jpg",
            "no/.nomedia",
            "no/g.jpg",
        ]
        urls = {name: put(f"photos/{name}", b"x") for name in [*names, "notes.txt", "clip.mp4"]}
        left_out = LeftOut()

        found = list(objects_of(urls["b.jpg"].removesuffix("/b.jpg"), left_out=left_out))

        assert found == [urls[name] for name in ("a.JPG", "b.jpg", "in/d.png", "in/deep/e.webp")]
        assert left_out.counts == {"other": 1, "other video": 1, "nomedia": 1}

    def test_rules_exclude_names_and_folders(self, bucket):
        put, _ = bucket
        urls = [put(f"photos/{name}", b"x") for name in ("a.jpg", "a.png", "private/b.jpg")]
        root = urls[0].removesuffix("/a.jpg")

        assert list(objects_of(root, exclude=["*.png", "private/"])) == urls[:1]

    def test_an_object_that_is_named_is_taken_whatever_its_name(self, bucket):
        put, _ = bucket
        url = put("odd name #1?.dat", b"x")

        assert list(objects_of(url)) == [url]
        assert [photo.content for photo in read_objects([url])] == [b"x"]


class TestReading:
    def test_contents_come_in_order(self, bucket):
        put, _ = bucket
        urls = [put(f"{n}.jpg", bytes([n]) * 1000) for n in range(40)]

        assert [(photo.name, photo.content) for photo in read_objects(urls)] == [
            (url, bytes([n]) * 1000) for n, url in enumerate(urls)
        ]

    def test_a_500_is_asked_again_until_the_attempts_are_used_up(self, bucket):
        put, faults = bucket
        passing, failing = put("passing.jpg", b"good"), put("failing.jpg", b"never")
        faults.failing["passing.jpg"] = object_store.ATTEMPTS - 1
        faults.failing["failing.jpg"] = 10**6

        one, other = read_objects([passing, failing])

        assert one.content == b"good"
        assert isinstance(other.content, PhotoError)
        assert "cannot be read: " in str(other.content)
        assert faults.asked["failing.jpg"] >= object_store.ATTEMPTS

    def test_a_body_that_ends_early_is_fetched_again(self, bucket):
        put, faults = bucket
        content = bytes(range(256)) * 400
        url = put("cut.jpg", content)
        faults.cut["cut.jpg"] = 1

        (photo,) = read_objects([url])

        assert photo.content == content
        assert faults.cut["cut.jpg"] == 0

    def test_a_slow_object_holds_up_no_other(self, bucket):
        put, faults = bucket
        urls = [put(f"{n}.jpg", bytes([n]) * 1000) for n in range(20)]
        faults.slow = {"0.jpg"}

        assert [photo.content[0] for photo in read_objects(urls)] == list(range(20))

    def test_an_object_that_is_not_there_is_asked_for_once(self, bucket):
        put, faults = bucket
        url = put("a.jpg", b"x").replace("a.jpg", "gone.jpg")

        (photo,) = read_objects([url])

        assert str(photo.content) == "cannot be read: no such object"
        assert faults.asked["gone.jpg"] <= 2

    def test_an_object_over_the_limit_is_not_fetched(self, bucket, monkeypatch: pytest.MonkeyPatch):
        put, _ = bucket
        monkeypatch.setattr(object_store, "LARGEST", 10)

        (photo,) = read_objects([put("large.jpg", b"x" * 11)])

        assert str(photo.content) == "11 bytes are more than the limit of 10"

    def test_only_so_many_are_fetched_ahead(self, bucket):
        put, _ = bucket
        urls, taken = [put(f"{n}.jpg", b"x") for n in range(60)], []

        photos = read_objects(taken.append(url) or url for url in urls)
        next(photos)

        assert len(taken) == object_store.READ_AHEAD
        photos.close()


class TestPersistently:
    def failing(self, *errors: Exception) -> tuple[Callable[[], str], list[Exception]]:
        left = list(errors)

        def work() -> str:
            if left:
                raise left.pop(0)
            return "done"

        return work, left

    @pytest.fixture(autouse=True)
    def _quick(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(object_store, "FIRST_WAIT", 0)

    def test_what_may_pass_is_tried_again(self):
        work, _ = self.failing(OSError("SLOW_DOWN"), TimeoutError())

        assert persistently(work) == "done"

    @pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError(), OSError("AWS Error ACCESS_DENIED")])
    def test_what_cannot_pass_is_not(self, error: Exception):
        work, left = self.failing(error, error)

        with pytest.raises(type(error)):
            persistently(work)
        assert len(left) == 1


def test_azure_needs_the_name_of_an_account(need_module: Any, monkeypatch: pytest.MonkeyPatch):
    need_module("pyarrow")
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)

    with pytest.raises(ConfigError, match="Set AZURE_STORAGE_ACCOUNT_NAME"):
        open_store("az://")


def test_a_bucket_is_tagged_as_the_same_files_are(bucket, cli, make_photo: Callable[..., Path], tiny_model: Path):
    put, faults = bucket
    files = [make_photo(f"{n}.jpg", seed=n) for n in range(5)]
    files[3].write_bytes(b"no photo")
    urls = [put(f"photos/{file.name}", file.read_bytes()) for file in files]
    faults.failing["1.jpg"] = 2
    folder = urls[0].removesuffix("/0.jpg")

    local = cli("tag", *files, "--model", tiny_model, "--format", "jsonl")
    stored = cli("tag", folder, "--model", tiny_model, "--format", "jsonl")

    assert (stored.status, local.status) == (1, 1)
    for file, url in zip(files, urls, strict=True):
        local = local._replace(stdout=local.stdout.replace(str(file), url))
    assert stored.stdout == local.stdout


@pytest.fixture(scope="module")
def google() -> Iterator[str]:
    """HOST:PORT of a server with one bucket."""
    with gcs.emulator("bucket") as address:
        yield address


class TestGoogle:
    @pytest.fixture(autouse=True)
    def _store(self, need, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        need(importlib.util.find_spec("gcp_storage_emulator"), "gcp-storage-emulator")
        need(importlib.util.find_spec("pyarrow"), "pyarrow")
        for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{request.getfixturevalue('google')}")
        open_store.cache_clear()
        yield
        open_store.cache_clear()

    def put(self, path: str, content: bytes = b"x") -> str:
        filesystem = open_store("gs://")
        with filesystem.open_output_stream(f"bucket/{path}") as stream:
            stream.write(content)
        return f"gs://bucket/{path}"

    def test_photos_in_folders_without_an_object_of_their_own_are_found(self):
        names = ("b.jpg", "a.JPG", "in/d.png", "in/deep/er/e.webp")
        urls = {name: self.put(f"photos/{name}") for name in names}
        for name in (".hidden.jpg", "@eaDir/f.jpg", "no/.nomedia", "no/g.jpg", "notes.txt"):
            self.put(f"photos/{name}")
        left_out = LeftOut()

        found = list(objects_of("gs://bucket/photos", left_out=left_out))

        assert found == [urls[name] for name in ("a.JPG", "b.jpg", "in/d.png", "in/deep/er/e.webp")]
        assert left_out.counts == {"other": 1, "nomedia": 1}
        assert list(objects_of("gs://bucket/photos", exclude=["in/"])) == [urls["a.JPG"], urls["b.jpg"]]

    def test_contents_are_read_and_a_missing_object_is_named(self):
        url = self.put("odd name #1?.jpg", b"content")

        here, gone, elsewhere = read_objects([url, "gs://bucket/gone.jpg", "gs://no-bucket/a.jpg"])

        assert here.content == b"content"
        assert {str(photo.content) for photo in (gone, elsewhere)} == {"cannot be read: no such object"}

    def test_the_folder_of_a_job_is_written_and_read(self):
        folder = OutputFolder("gs://bucket/tags")
        assert (folder.names(), folder.read("job.json")) == (set(), None)

        folder.write("job.json", b"old")
        folder.write("job.json", b"new")

        assert (folder.names(), folder.read("job.json")) == ({"job.json"}, b"new")

    def test_shards_are_written_replaced_and_read(self, make_data_set: Callable[..., Path], tmp_path: Path):
        data = read_data_set(make_data_set({f"{number}.jpg": "dog" for number in range(5)}))
        write_shards(data, "gs://bucket/in/shards", size=32, together=2)
        write_shards(data, "gs://bucket/in/shards", size=40, together=3, overwrite=True)

        records = read_shards("gs://bucket/in/shards").records

        write_shards(data, tmp_path / "shards", size=40, together=3)
        for one, other in zip(records, read_shards(tmp_path / "shards").records, strict=True):
            assert one.photo.read().content == other.photo.read().content
        assert OutputFolder("gs://bucket/in/shards").names() == {
            "index.json",
            *(f"photos-1-0000{number}.{kind}" for number in (0, 1) for kind in ("tar", "jsonl")),
        }
