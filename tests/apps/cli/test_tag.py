"""vectortag tag"""

from __future__ import annotations

import csv
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

from vectortag.apps.cli.output import bar, cells
from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]
MakePhoto = Callable[..., Path]


@pytest.fixture
def photos(make_photo: MakePhoto) -> list[Path]:
    return [make_photo(f"photos/{seed}.jpg", seed=seed) for seed in range(3)]


@pytest.fixture
def tag(cli: Cli, tiny_model: Path) -> Cli:
    """tag(path, "--top-k", 3): `vectortag tag` with the tiny model."""
    return lambda *arguments: cli("tag", *arguments, "--model", tiny_model)


def read_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def tags_of(line: dict[str, Any]) -> list[str]:
    return [scored["tag"] for scored in line["tags"]]


class TestForms:
    def test_a_table_has_a_block_for_each_photo_and_a_bar_for_each_tag(self, tag, photos, tagger: Tagger):
        expected = []
        for tagging in tagger.tag_many(photos):
            width = max(len(scored.tag) for scored in tagging.tags)
            expected += [str(tagging.path)]
            expected += [f"  {s.tag:{width}}  {bar(s.score)} {s.score:.2f}" for s in tagging.tags]

        assert tag(*photos).stdout.splitlines() == expected

    def test_a_table_names_the_tags_in_another_language(self, tag, photos):
        english = tag(photos[1]).stdout
        german, japanese = (tag(photos[1], "--language", code).stdout for code in ("de", "ja"))

        names = {"animal": "Tier", "dog": "Hund", "boat": "Boot", "vehicle": "Fahrzeug"}
        shown = [line.split()[0] for line in english.splitlines()[1:]]
        assert [line.split()[0] for line in german.splitlines()[1:]] == [names.get(name, name) for name in shown]
        assert len({cells(line.partition("█")[0]) for line in japanese.splitlines()[1:]}) == 1

    def test_the_environment_chooses_a_language_and_the_option_another(self, tag, photos, monkeypatch):
        monkeypatch.setenv("VECTORTAG_LANGUAGE", "de_AT.UTF-8")

        assert "Hund" in tag(photos[1]).stdout
        assert "chien" in tag(photos[1], "--language", "fr").stdout
        assert "dog" in tag(photos[1], "--language", "en").stdout

    def test_json_lines_keep_the_english_tag_beside_its_name(self, tag, photos):
        (line,) = read_lines(tag(photos[1], "--format", "jsonl", "--language", "fr").stdout)

        assert {"tag": "dog", "name": "chien"}.items() <= next(t for t in line["tags"] if t["tag"] == "dog").items()

    def test_an_unknown_language_is_wrong_usage_before_any_work(self, tag, tmp_path: Path):
        outcome = tag(tmp_path / "gone.jpg", "--language", "xx")

        assert (outcome.status, outcome.stdout) == (2, "")
        assert 'no language "xx". There are: en, cs, de,' in outcome.stderr

    def test_a_table_says_that_no_tag_was_found(self, tag, photos):
        assert tag(photos[0], "--threshold", 1).stdout.splitlines()[1] == "  no tag reaches its threshold"

    def test_guesses_are_offered_apart_where_no_tag_is_found(
        self, cli, write_tiny_model, with_thresholds, photos_12, tmp_path: Path
    ):
        model = write_tiny_model(tmp_path / "model", **with_thresholds([0.99999] * 6)).path
        guessed = [tagging for tagging in Tagger.load(model).tag_many(photos_12) if tagging.guesses]
        assert guessed

        for tagging in guessed:
            table = cli("tag", tagging.path, "--model", model).stdout.splitlines()
            (line,) = read_lines(cli("tag", tagging.path, "--model", model, "--format", "jsonl").stdout)
            (row,) = csv.DictReader(io.StringIO(cli("tag", tagging.path, "--model", model, "--format", "csv").stdout))

            assert table[1:] == [
                "  no tag reaches its threshold",
                "  best guesses: " + ", ".join(f"{one.tag} {one.score:.2f}" for one in tagging.guesses),
            ]
            assert line["tags"] == []
            assert [(one["tag"], one["score"]) for one in line["guesses"]] == [
                (one.tag, pytest.approx(one.score, abs=1e-6)) for one in tagging.guesses
            ]
            assert row["tag"] == ""
            assert row["guesses"] == "; ".join(f"{one.tag} {one.score:.2f}" for one in tagging.guesses)

    def test_a_parent_is_shown_with_its_child_whatever_its_threshold(
        self, cli, write_tiny_model, with_thresholds, photos_12, tmp_path: Path
    ):
        model = write_tiny_model(tmp_path / "model", **with_thresholds([0.99999, 1, 0.5, None, 1, 1])).path
        lines = read_lines(cli("tag", *photos_12, "--model", model, "--format", "jsonl").stdout)

        assert {tuple(tags_of(line)) for line in lines} == {(), ("animal", "dog")}
        assert all(line.get("implied", []) == tags_of(line)[:1] for line in lines)

    def test_a_folder_without_photos_is_said_to_have_none(self, tag, tmp_path: Path):
        (tmp_path / "empty").mkdir()

        outcome = tag(tmp_path / "empty")

        assert (outcome.status, outcome.stdout) == (0, "")
        assert "no photos in" in outcome.stderr

    def test_jsonl_is_an_object_a_line(self, tag, photos, tagger: Tagger):
        outcome = tag(*photos, "--format", "jsonl")

        assert (outcome.status, outcome.stderr) == (0, "")
        for line, tagging in zip(read_lines(outcome.stdout), tagger.tag_many(photos), strict=True):
            assert line == {
                "path": tagging.path,
                "model": tagging.model,
                "runtime": "openvino",
                "precision": "f32",
                "size": 32,
                "tags": [{"tag": s.tag, "score": round(s.score, 6), "threshold": s.threshold} for s in tagging.tags],
            }

    def test_the_profile_thorough_tags_at_the_largest_size_and_an_output_says_so(self, cli, photos, two_sizes):
        sizes = {}
        for options in ((), ("--profile", "thorough"), ("--profile", "thorough", "--size", 32), ("--size", 64)):
            outcome = cli("tag", photos[0], "--model", two_sizes.path, "--format", "jsonl", *options)
            sizes[options[-1:]] = read_lines(outcome.stdout)[0]["size"]

        assert list(sizes.values()) == [32, 64, 32, 64]

    def test_a_size_that_is_not_offered_is_wrong_usage(self, cli, photos, two_sizes):
        outcome = cli("tag", photos[0], "--model", two_sizes.path, "--size", 48)

        assert (outcome.status, outcome.stdout) == (2, "")
        assert outcome.stderr == 'error: model "tiny": no input size of 48 pixels. It offers: 32, 64\n'

    def test_csv_is_a_row_a_tag(self, tag, photos, tagger: Tagger):
        outcome = tag(*photos, "--format", "csv")

        assert list(csv.reader(io.StringIO(outcome.stdout))) == [
            ["path", "tag", "score", "threshold", "model", "precision", "size", "error", "guesses"],
            *(
                [tagging.path, s.tag, str(round(s.score, 6)), str(s.threshold), tagging.model, "f32", "32", "", ""]
                for tagging in tagger.tag_many(photos)
                for s in tagging.tags
            ),
        ]

    def test_csv_has_one_row_for_a_photo_without_tags_and_for_a_failed_one(self, tag, photos, tmp_path, tagger):
        outcome = tag(photos[0], tmp_path / "gone.jpg", "--format", "csv", "--threshold", 1)

        _, untagged, failed = csv.reader(io.StringIO(outcome.stdout))
        assert untagged == [str(photos[0]), "", "", "", tagger.folder.id, "f32", "32", "", ""]
        assert failed[:7] == [str(tmp_path / "gone.jpg"), "", "", "", "", "", ""]
        assert "No such file" in failed[7]

    def test_names_are_printed_as_they_are(self, tag, make_photo: MakePhoto):
        photo = make_photo("[bold]:dog: é.jpg")

        assert tag(photo).stdout.splitlines()[0] == str(photo)
        assert read_lines(tag(photo, "--format", "jsonl").stdout)[0]["path"] == str(photo)


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

    def test_photos_come_in_the_order_of_the_arguments(self, tag, photos, make_photo: MakePhoto):
        other = make_photo("a.jpg")

        lines = read_lines(tag(photos[2], other.parent / "photos", other, "--format", "jsonl").stdout)

        assert [line["path"] for line in lines] == [*map(str, [photos[2], *photos, other])]


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
