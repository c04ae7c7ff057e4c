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

SEA, BOAT = TagScore("sea", 0.1234567, 0.4999999), TagScore("bateau é", 1e-6, None)
FAILURE = FailedTagging("gone.jpg", PhotoError("gone.jpg: no such file"))


def tagging(*implied: str, path: str | None = "a.jpg") -> Tagging:
    return Tagging(path, "m@1", "openvino", "f32", 224, (SEA,), (SEA, BOAT), implied)


def written(writer_type: type, *results: tuple[Tagging, tuple[TagScore, ...]] | FailedTagging) -> str:
    text = io.StringIO()
    writer = writer_type(text)
    for result in results:
        writer.failed(result) if isinstance(result, FailedTagging) else writer.tagged(*result)
    return text.getvalue()


def test_json_lines_are_these_bytes():
    assert written(JsonLinesWriter, (tagging(), (SEA, BOAT)), (tagging("water", path=None), ()), FAILURE) == (
        '{"path": "a.jpg", "model": "m@1", "runtime": "openvino", "precision": "f32", "size": 224, "tags": '
        '[{"tag": "sea", "score": 0.123457, "threshold": 0.5}, {"tag": "bateau é", "score": 1e-06, "threshold": null}]}'
        '\n{"path": null, "model": "m@1", "runtime": "openvino", "precision": "f32", "size": 224, "tags": [], '
        '"implied": ["water"]}\n'
        '{"path": "gone.jpg", "error": {"type": "PhotoError", "message": "gone.jpg: no such file"}}\n'
    )


def test_csv_is_these_bytes():
    assert written(CsvWriter, (tagging(), (SEA, BOAT)), (tagging(), ()), FAILURE) == (
        "path,tag,score,threshold,model,precision,size,error\n"
        "a.jpg,sea,0.123457,0.5,m@1,f32,224,\n"
        "a.jpg,bateau é,1e-06,,m@1,f32,224,\n"
        "a.jpg,,,,m@1,f32,224,\n"
        "gone.jpg,,,,,,,gone.jpg: no such file\n"
    )


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

    answer = responses.taggings([("a.jpg", tagging("water")), (None, FAILURE.error)], TagOptions(all_scores=True))

    line = msgspec.json.decode(written(JsonLinesWriter, (tagging("water"), (SEA, BOAT))))
    photo = {"name": line.pop("path"), "tags": line.pop("tags"), "implied": line.pop("implied")}
    error = {"name": None, "error": {"type": "PhotoError", "message": "gone.jpg: no such file"}}
    assert msgspec.json.decode(msgspec.json.encode(answer)) == {**line, "photos": [photo, error]}
