"""The outputs of `vectortag tag`: a table, JSON Lines and CSV of the same taggings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.output import bar, cells
from vectortag.apps.cli.tag_output import TableWriter
from vectortag.core.types import Tagging, TagScore
from vectortag.inference.tagger import Tagger

MakePhoto = Callable[..., Path]


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_table_has_a_block_for_each_photo_and_a_bar_for_each_tag(tag, photos, tagger: Tagger):
    expected = []
    for tagging in tagger.tag_many(photos):
        width = max(len(scored.tag) for scored in tagging.tags)
        expected += [str(tagging.path)]
        expected += [f"  {s.tag:{width}}  {bar(s.score)} {s.score:.2f}" for s in tagging.tags]

    assert tag(*photos).stdout.splitlines() == expected


def test_a_table_names_the_tags_in_another_language(tag, photos):
    english = tag(photos[1]).stdout
    german, japanese = (tag(photos[1], "--language", code).stdout for code in ("de", "ja"))

    names = {"animal": "Tier", "dog": "Hund", "boat": "Boot", "vehicle": "Fahrzeug"}
    shown = [line.split()[0] for line in english.splitlines()[1:]]
    assert [line.split()[0] for line in german.splitlines()[1:]] == [names.get(name, name) for name in shown]
    assert len({cells(line.partition("█")[0]) for line in japanese.splitlines()[1:]}) == 1


def test_json_lines_keep_the_english_tag_beside_its_name(tag, photos):
    (line,) = lines_of(tag(photos[1], "--format", "jsonl", "--language", "fr").stdout)

    assert {"tag": "dog", "name": "chien"}.items() <= next(t for t in line["tags"] if t["tag"] == "dog").items()


def test_a_table_says_that_no_tag_was_found(tag, photos):
    assert tag(photos[0], "--threshold", 1).stdout.splitlines()[1] == "  no tag reaches its threshold"


def test_guesses_are_offered_apart_where_no_tag_is_found(
    cli, write_tiny_model, with_thresholds, photos_12, tmp_path: Path
):
    model = write_tiny_model(tmp_path / "model", **with_thresholds([0.99999] * 6)).path
    guessed = [tagging for tagging in Tagger.load(model).tag_many(photos_12) if tagging.guesses]
    assert guessed

    for tagging in guessed:
        table = cli("tag", tagging.path, "--model", model).stdout.splitlines()
        (line,) = lines_of(cli("tag", tagging.path, "--model", model, "--format", "jsonl").stdout)
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


def test_jsonl_is_an_object_a_line(tag, photos, tagger: Tagger):
    outcome = tag(*photos, "--format", "jsonl")

    assert (outcome.status, outcome.stderr) == (0, "")
    for line, tagging in zip(lines_of(outcome.stdout), tagger.tag_many(photos), strict=True):
        assert line == {
            "path": tagging.path,
            "model": tagging.model,
            "runtime": "openvino",
            "precision": "f32",
            "size": 32,
            "tags": [{"tag": s.tag, "score": round(s.score, 6), "threshold": s.threshold} for s in tagging.tags],
        }


def test_csv_is_a_row_a_tag(tag, photos, tagger: Tagger):
    outcome = tag(*photos, "--format", "csv")

    assert list(csv.reader(io.StringIO(outcome.stdout))) == [
        ["path", "tag", "score", "threshold", "model", "precision", "size", "error", "guesses"],
        *(
            [tagging.path, s.tag, str(round(s.score, 6)), str(s.threshold), tagging.model, "f32", "32", "", ""]
            for tagging in tagger.tag_many(photos)
            for s in tagging.tags
        ),
    ]


def test_csv_has_one_row_for_a_photo_without_tags_and_for_a_failed_one(tag, photos, tmp_path, tagger):
    outcome = tag(photos[0], tmp_path / "gone.jpg", "--format", "csv", "--threshold", 1)

    _, untagged, failed = csv.reader(io.StringIO(outcome.stdout))
    assert untagged == [str(photos[0]), "", "", "", tagger.folder.id, "f32", "32", "", ""]
    assert failed[:7] == [str(tmp_path / "gone.jpg"), "", "", "", "", "", ""]
    assert "No such file" in failed[7]


def test_names_are_printed_as_they_are(tag, make_photo: MakePhoto):
    photo = make_photo("[bold]:dog: é.jpg")

    assert tag(photo).stdout.splitlines()[0] == str(photo)
    assert lines_of(tag(photo, "--format", "jsonl").stdout)[0]["path"] == str(photo)


def test_a_console_without_block_characters_gets_bars_of_ascii():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1", newline="")
    tags = (TagScore("sea", 0.5, 0.4),)

    TableWriter(stream).tagged(Tagging("a.jpg", "m@1", "openvino", "f32", 32, tags, tags, ()), tags)

    stream.seek(0)
    assert stream.read() == f"a.jpg\n  sea  {'#' * 10}{' ' * 10} 0.50\n"


def test_a_tag_that_is_shown_only_with_its_child_is_marked_as_implied():
    dog, animal = TagScore("dog", 0.9, 0.5), TagScore("animal", 0.4, 0.6)
    stream = io.StringIO()

    TableWriter(stream).tagged(
        Tagging("a.jpg", "m@1", "openvino", "f32", 32, (dog, animal), (dog, animal), ()), (dog, animal)
    )

    _, first, second = stream.getvalue().splitlines()
    assert first.endswith(" 0.90")
    assert second.endswith(" 0.40  implied")


def test_a_failed_photo_has_its_error_below_its_name(tag: Callable[..., Any], tmp_path: Path):
    (tmp_path / "text.jpg").write_text("no photo")

    name, error = tag(tmp_path / "text.jpg").stdout.splitlines()

    assert name == str(tmp_path / "text.jpg")
    assert error.startswith("  error: ")
    assert "not a photo in a known format" in error
