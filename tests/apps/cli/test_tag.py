"""vectortag tag"""

from __future__ import annotations

import io
import itertools
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def tags_of(line: dict[str, Any]) -> list[str]:
    return [scored["tag"] for scored in line["tags"]]


class TestChoice:
    def test_all_scores_are_every_tag_in_the_models_order(self, tag, photos, tagger: Tagger):
        (line,) = read_lines(tag(photos[0], "--all-scores", "--format", "jsonl").stdout)

        assert tags_of(line) == list(tagger.tags)
        assert [s["threshold"] for s in line["tags"]] == [0.5, 0.5, 0.5, None, 0.5, 0.5]

    def test_a_threshold_takes_the_place_of_each_tags_own(self, tag, photos, tagger: Tagger):
        expected = [{s.tag for s in tagging.scores if s.score >= 0.3} for tagging in tagger.tag_many(photos)]

        lines = read_lines(tag(*photos, "--threshold", 0.3, "--format", "jsonl").stdout)

        assert [set(tags_of(line)) for line in lines] == expected
        assert "sea" in set().union(*expected)  # which has no threshold of its own

    def test_top_k_keeps_the_best(self, tag, photos):
        all_found = read_lines(tag(photos[1], "--format", "jsonl").stdout)[0]
        best = read_lines(tag(photos[1], "--format", "jsonl", "--top-k", 2).stdout)[0]

        assert len(tags_of(all_found)) > 2
        assert best["tags"] == all_found["tags"][:2]

    def test_top_k_with_threshold_0_gives_exactly_k(self, tag, photos):
        lines = read_lines(tag(*photos, "--format", "jsonl", "--top-k", 5, "--threshold", 0).stdout)

        for line in lines:
            scores = [scored["score"] for scored in line["tags"]]
            assert len(scores) == 5
            assert scores == sorted(scores, reverse=True)

    def test_a_profile_chooses_the_thresholds(self, tag, photos):
        lines = read_lines(tag(photos[0], "--profile", "precise", "--all-scores", "--format", "jsonl").stdout)

        assert [s["threshold"] for s in lines[0]["tags"]] == [0.7, 0.7, 0.7, None, 0.7, 0.7]

    def test_a_parent_is_shown_with_its_child_whatever_its_threshold(
        self, cli, write_tiny_model, with_thresholds, photos_12, tmp_path: Path
    ):
        model = write_tiny_model(tmp_path / "model", **with_thresholds([0.99999, 1, 0.5, None, 1, 1])).path
        lines = read_lines(cli("tag", *photos_12, "--model", model, "--format", "jsonl").stdout)

        assert {tuple(tags_of(line)) for line in lines} == {(), ("animal", "dog")}
        assert all(line.get("implied", []) == tags_of(line)[:1] for line in lines)


class TestOutput:
    def test_a_file_gets_what_stdout_would(self, tag, photos, tmp_path: Path):
        outcome = tag(*photos, "--format", "csv", "--output", tmp_path / "tags.csv")

        assert outcome.stdout == ""
        assert (tmp_path / "tags.csv").read_text() == tag(*photos, "--format", "csv").stdout

    def test_it_is_an_ordinary_file(self, tag, photos, tmp_path: Path):
        tag(photos[0], "--output", tmp_path / "tags")
        (tmp_path / "other").touch()

        assert (tmp_path / "tags").stat().st_mode == (tmp_path / "other").stat().st_mode

    @staticmethod
    def stop_after_one(monkeypatch: pytest.MonkeyPatch, error: BaseException, look: Callable[[], None]) -> None:
        whole = Tagger.tag_many

        def tag_many(tagger: Tagger, photos: Iterable[Path]) -> Iterator[Any]:
            yield from whole(tagger, itertools.islice(photos, 1))
            look()
            raise error

        monkeypatch.setattr(Tagger, "tag_many", tag_many)

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("a bug")])
    def test_a_file_appears_only_when_it_is_complete(self, tag, photos, tmp_path: Path, monkeypatch, error):
        folder = tmp_path / "out"
        folder.mkdir()
        seen: list[list[str]] = []
        self.stop_after_one(monkeypatch, error, lambda: seen.append([file.name for file in folder.iterdir()]))

        if isinstance(error, KeyboardInterrupt):
            assert tag(*photos, "--output", folder / "tags").status == 130
        else:
            with pytest.raises(ValueError, match="a bug"):
                tag(*photos, "--output", folder / "tags")

        (while_tagging,) = seen
        assert len(while_tagging) == 1
        assert "tags" not in while_tagging
        assert list(folder.iterdir()) == []

    def test_an_older_file_stays_where_a_job_is_stopped(self, tag, photos, tmp_path: Path, monkeypatch):
        (tmp_path / "tags").write_text("older")
        self.stop_after_one(monkeypatch, KeyboardInterrupt(), lambda: None)

        tag(*photos, "--output", tmp_path / "tags")

        assert (tmp_path / "tags").read_text() == "older"

    def test_a_folder_is_no_output(self, tag, photos, tmp_path: Path):
        (tmp_path / "out").mkdir()

        outcome = tag(photos[0], "--output", tmp_path / "out")

        assert (outcome.status, outcome.stdout) == (1, "")
        assert "not a regular file" in outcome.stderr

    def test_a_file_below_a_folder_that_is_not_there_is_no_output(self, tag, photos, tmp_path: Path):
        outcome = tag(photos[0], "--output", tmp_path / "gone/tags")

        assert outcome.status == 1
        assert f"{tmp_path}/gone/tags: cannot be written: No such file" in outcome.stderr


def decompression_bomb() -> bytes:
    """A PNG of 69 bytes that says it has 900 megapixels."""
    content = io.BytesIO()
    Image.new("L", (1, 1)).save(content, "PNG")
    whole = bytearray(content.getvalue())
    whole[16:24] = struct.pack(">II", 30_000, 30_000)
    whole[29:33] = struct.pack(">I", zlib.crc32(whole[12:29]))
    return bytes(whole)


BROKEN = {
    "bomb.jpg": "30000 x 30000 pixels are more than the limit of 200,000,000",
    "empty.jpg": "not a photo in a known format",
    "folder.jpg": "is a directory",
    "text.jpg": "not a photo in a known format",
    "truncated.jpg": "truncated",
}


@pytest.fixture
def mixed_folder(make_photo: MakePhoto, tmp_path: Path) -> Path:
    """20 photos, five of them broken in the ways of BROKEN."""
    for seed in range(15):
        make_photo(f"mixed/{seed:02}.jpg", seed=seed)
    folder = tmp_path / "mixed"
    (folder / "bomb.jpg").write_bytes(decompression_bomb())
    (folder / "empty.jpg").touch()
    (folder / "folder.jpg").mkdir()
    (folder / "text.jpg").write_text("not a photo")
    (folder / "truncated.jpg").write_bytes((folder / "00.jpg").read_bytes()[:-100])
    return folder


class TestFailures:
    def test_broken_photos_become_errors_and_the_others_go_on(self, tag, mixed_folder: Path):
        outcome = tag(mixed_folder, "--format", "jsonl")

        lines = read_lines(outcome.stdout)
        errors = {Path(line["path"]).name: line["error"] for line in lines if "error" in line}
        assert [Path(line["path"]).name for line in lines] == sorted(path.name for path in mixed_folder.iterdir())
        assert sum("tags" in line for line in lines) == 15
        assert errors.keys() == BROKEN.keys()
        for name, error in errors.items():
            assert error["type"] == "PhotoError"
            assert BROKEN[name] in error["message"]
        assert outcome.status == 1
        assert outcome.stderr == "5 of 20 photos could not be tagged\n"

    def test_the_good_photos_get_the_tags_that_they_get_alone(self, tag, mixed_folder: Path):
        broken = [str(mixed_folder / name) for name in BROKEN]
        among = [line for line in read_lines(tag(mixed_folder, "--format", "jsonl").stdout) if "tags" in line]

        for name in broken:
            Path(name).rmdir() if name.endswith("folder.jpg") else Path(name).unlink()

        assert [tags_of(line) for line in among] == [
            tags_of(line) for line in read_lines(tag(mixed_folder, "--format", "jsonl").stdout)
        ]

    @pytest.mark.parametrize("form", ["table", "csv"])
    def test_every_form_shows_errors_in_their_place(self, tag, mixed_folder: Path, form):
        outcome = tag(mixed_folder, "--format", form)

        assert outcome.status == 1
        for message in BROKEN.values():
            assert message in outcome.stdout

    def test_a_path_that_is_not_there_becomes_an_error_in_its_place(self, tag, photos, tmp_path: Path):
        outcome = tag(photos[0], tmp_path / "gone.jpg", photos[1], "--format", "jsonl")

        first, gone, last = read_lines(outcome.stdout)
        assert "tags" in first
        assert "tags" in last
        assert gone["path"] == str(tmp_path / "gone.jpg")
        assert "No such file" in gone["error"]["message"]
        assert outcome.status == 1

    def test_an_output_with_failed_photos_is_complete(self, tag, mixed_folder: Path, tmp_path: Path):
        outcome = tag(mixed_folder, "--format", "jsonl", "--output", tmp_path / "tags")

        assert (outcome.status, outcome.stdout) == (1, "")
        assert len(read_lines((tmp_path / "tags").read_text())) == 20

    def test_a_photo_that_may_not_be_read_becomes_an_error(self, mixed_folder: Path, tiny_model: Path):
        with tempfile.TemporaryDirectory() as public:  # pytest's own folders are closed to other users
            Path(public).chmod(0o755)
            shutil.copytree(mixed_folder, Path(public) / "photos")
            (Path(public) / "photos/03.jpg").chmod(0)
            outcome = subprocess.run(
                [sys.executable, "-c", TAG_AS_ORDINARY_USER, "photos", shutil.copytree(tiny_model, f"{public}/model")],
                cwd=public,
                capture_output=True,
                text=True,
                check=False,
            )
        if outcome.returncode == NO_SUCH_USER:
            pytest.skip("run by root, and there is no ordinary user to become")

        assert outcome.stdout, outcome.stderr
        lines = read_lines(outcome.stdout)
        errors = {line["path"]: line["error"]["message"] for line in lines if "error" in line}
        assert errors.keys() == {f"photos/{name}" for name in (*BROKEN, "03.jpg")}
        assert "cannot be read: Permission denied" in errors["photos/03.jpg"]
        assert (len(lines), outcome.returncode) == (20, 1)


NO_SUCH_USER = 77
TAG_AS_ORDINARY_USER = f"""
import os, sys
from vectortag.apps.cli.app import run
photos, model = sys.argv[1:]
run(["tag", photos, "--model", model, "--output", "warm"])  # imports what an ordinary user may not be able to read
if os.geteuid() == 0:
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    except OSError:
        sys.exit({NO_SUCH_USER})
sys.exit(run(["tag", photos, "--model", model, "--format", "jsonl"]))
"""
