"""What the command line, the page and the service write of a photo: the same values, byte for byte as documented."""

from __future__ import annotations

import csv
import io
import json

import msgspec
import pytest

from vectortag.apps.formats import CsvWriter, JsonLinesWriter, PhotoFault, found_photo, json_line, photo_fault
from vectortag.core.errors import PhotoError
from vectortag.core.types import FailedTagging, Tagging, TagScore
from vectortag.model.language import Language

SEA, BOAT = TagScore("sea", 0.7234567, 0.4999999), TagScore("bateau é", 1e-6, None)
WATER, SKY = TagScore("water", 0.3, 0.6), TagScore("sky", 0.4, 0.6)
FAILURE = FailedTagging("gone.jpg", PhotoError("gone.jpg: no such file"))


def tagging(*tags: TagScore, path: str | None = "a.jpg", guesses: tuple[TagScore, ...] = ()) -> Tagging:
    return Tagging(path, "m@1", "openvino", "f32", 224, tags, (SEA, BOAT, WATER, SKY), guesses)


def written(writer_type: type, *results: tuple[Tagging, tuple[TagScore, ...]] | FailedTagging) -> str:
    text = io.StringIO()
    writer = writer_type(text)
    for result in results:
        writer.failed(result) if isinstance(result, FailedTagging) else writer.tagged(*result)
    return text.getvalue()


def test_json_lines_are_these_bytes():
    implied, guessed = tagging(SEA, WATER, path=None), tagging(guesses=(SKY,))
    assert written(JsonLinesWriter, (tagging(SEA), (SEA, BOAT)), (implied, implied.tags), (guessed, ()), FAILURE) == (
        '{"path": "a.jpg", "model": "m@1", "runtime": "openvino", "precision": "f32", "size": 224, "tags": '
        '[{"tag": "sea", "score": 0.723457, "threshold": 0.5}, {"tag": "bateau é", "score": 1e-06, "threshold": null}]}'
        '\n{"path": null, "model": "m@1", "runtime": "openvino", "precision": "f32", "size": 224, "tags": '
        '[{"tag": "sea", "score": 0.723457, "threshold": 0.5}, {"tag": "water", "score": 0.3, "threshold": 0.6}], '
        '"implied": ["water"]}\n'
        '{"path": "a.jpg", "model": "m@1", "runtime": "openvino", "precision": "f32", "size": 224, "tags": [], '
        '"guesses": [{"tag": "sky", "score": 0.4, "threshold": 0.6}]}\n'
        '{"path": "gone.jpg", "error": {"type": "PhotoError", "message": "gone.jpg: no such file"}}\n'
    )


def test_csv_is_these_bytes():
    guessed = tagging(guesses=(SKY, WATER))
    assert written(CsvWriter, (tagging(), (SEA, BOAT)), (tagging(), ()), (guessed, ()), FAILURE) == (
        "path,tag,score,threshold,model,precision,size,error,guesses\n"
        "a.jpg,sea,0.723457,0.5,m@1,f32,224,,\n"
        "a.jpg,bateau é,1e-06,,m@1,f32,224,,\n"
        "a.jpg,,,,m@1,f32,224,,\n"
        "a.jpg,,,,m@1,f32,224,,sky 0.40; water 0.30\n"
        "gone.jpg,,,,,,,gone.jpg: no such file,\n"
    )


def test_guesses_are_not_written_beside_tags():
    both = tagging(guesses=(SKY,)), (SEA,)

    assert "sky" not in written(JsonLinesWriter, both) + written(CsvWriter, both)


def test_of_the_implied_tags_only_those_that_are_written_are_named():
    assert '"implied"' not in written(JsonLinesWriter, (tagging(SEA, WATER), (SEA,)))


def test_another_language_names_the_tags_and_json_lines_keep_the_english_ones():
    french = Language("fr", "Français", {"sea": ("mer", "océan")})
    lines, rows = io.StringIO(), io.StringIO()
    JsonLinesWriter(lines, french).tagged(tagging(), (SEA, BOAT))
    CsvWriter(rows, french).tagged(tagging(), (SEA, BOAT))

    named = [(tag["tag"], tag["name"]) for tag in json.loads(lines.getvalue())["tags"]]
    assert named == [("sea", "mer"), ("bateau é", "bateau é")]
    assert [row["tag"] for row in csv.DictReader(io.StringIO(rows.getvalue()))] == ["mer", "bateau é"]


def test_a_found_photo_is_a_line_with_a_rounded_similarity():
    assert (
        json_line(found_photo("a é.jpg", 0.12345678), io.StringIO()) == '{"path": "a é.jpg", "similarity": 0.123457}\n'
    )


def test_an_error_keeps_its_kind_and_its_message():
    assert photo_fault(FAILURE.error) == PhotoFault("PhotoError", "gone.jpg: no such file")


def test_the_answers_of_the_service_are_made_of_the_same_values():
    responses = pytest.importorskip("vectortag.apps.server.responses")
    from vectortag.apps.server.parameters import TagOptions

    tagged, guessed = tagging(SEA, WATER), tagging(path=None, guesses=(SKY,))
    answer = responses.taggings([("a.jpg", tagged), (None, guessed), (None, FAILURE.error)], TagOptions(), Language())

    lines = written(JsonLinesWriter, (tagged, tagged.tags), (guessed, ())).splitlines()
    first, second = map(msgspec.json.decode, lines)
    photos = [{"name": one.pop("path"), "tags": one.pop("tags")} for one in (first, second)]
    photos[0]["implied"], photos[1]["implied"] = first.pop("implied"), []
    photos[1]["guesses"] = second.pop("guesses")
    error = {"name": None, "error": {"type": "PhotoError", "message": "gone.jpg: no such file"}}
    assert first == second
    assert msgspec.json.decode(msgspec.json.encode(answer)) == {**first, "photos": [*photos, error]}
