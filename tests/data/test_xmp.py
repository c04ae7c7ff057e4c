"""Keywords and ratings in packets of XMP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packets import BROKEN, DARKTABLE, DIGIKAM, DOG, LIGHTROOM, SEA, SIDECARS, written

from vectortag.data.xmp import DEEPEST, LARGEST_PACKET, XmpError, keyword_paths, rating_in
from vectortag.library.keyword_fields import WantedTag

PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:acdsee="http://ns.acdsee.com/iptc/1.0/"{}>{}</rdf:Description></rdf:RDF></x:xmpmeta>'
)

CATEGORIES = (
    '<Categories><Category Assigned="0">A<Category Assigned="1">B</Category><Category Assigned="0">D</Category>'
    '</Category><Category Assigned="1">C</Category></Categories>'
).replace("<", "&lt;")


def packet(inside: str = "", attributes: str = "") -> bytes:
    return PACKET.format(attributes, inside).encode()


@pytest.mark.parametrize(
    ("content", "paths"),
    [
        (LIGHTROOM, [["Pets"], ["Rex"], ["Pets", "Rex"]]),
        (DIGIKAM, [["Rome"], ["Places", "Rome"], ["Places", "Rome"], ["Places", "Rome"]]),
        (DARKTABLE, [["darktable", "format", "jpg"], ["Family"]]),
        (SIDECARS["Latin-1"], [["Möwe"]]),
        (SIDECARS["bare"], []),
        (packet("<acdsee:keywords>A|B</acdsee:keywords>"), [["A", "B"]]),
        (b"\0 \r\n" + packet("<dc:subject>dog</dc:subject>") + b"\0\0 ", [["dog"]]),
    ],
    ids=["Lightroom", "digiKam", "darktable", "Latin-1", "bare", "ACDSee", "between other bytes"],
)
def test_the_keywords_of_each_program_are_paths(content: bytes, paths: list[list[str]]):
    assert keyword_paths(content) == paths


@pytest.mark.parametrize("existing", [LIGHTROOM, DIGIKAM, DARKTABLE], ids=["Lightroom", "digiKam", "darktable"])
def test_what_vectortag_wrote_is_left_out(existing: bytes):
    assert keyword_paths(written(existing)) == keyword_paths(existing)


def test_what_a_person_confirmed_counts_unless_it_is_not_wanted():
    content = written(LIGHTROOM, [DOG, WantedTag("sea", ("sea",), 0.6, "person")])

    assert [path for path in keyword_paths(content) if path[-1] in {"sea", "dog"}] == [["sea"]] * 3
    assert not [path for path in keyword_paths(content, confirmed=False) if path[-1] in {"sea", "dog"}]


def test_a_copy_of_vectortags_keyword_in_another_field_is_vectortags_too():
    content = written(None, [SEA])
    copied = content.replace(
        b"</rdf:Description>",
        b'<a:keywords xmlns:a="http://ns.acdsee.com/iptc/1.0/">sea</a:keywords></rdf:Description>',
    )

    assert keyword_paths(copied) == keyword_paths(content) == []


def test_categories_of_acdsee_count_where_they_are_assigned():
    assert keyword_paths(packet(f"<acdsee:categories>{CATEGORIES}</acdsee:categories>")) == [["A", "B"], ["C"]]


def test_categories_that_are_too_deep_are_refused():
    deep = "&lt;Category Assigned='1'>x" * (DEEPEST + 2) + "&lt;/Category>" * (DEEPEST + 2)

    with pytest.raises(XmpError, match="its categories are more than 100 levels deep"):
        keyword_paths(packet(f"<acdsee:categories>{deep}</acdsee:categories>"))


@pytest.mark.parametrize(
    ("attributes", "inside", "rating"),
    [
        (' xmp:Rating="4"', "", 4),
        ("", "<xmp:Rating>-1</xmp:Rating>", -1),
        ("", "<xmp:Rating> 3.0 </xmp:Rating>", 3),
        ("", "<xmp:Rating>0</xmp:Rating>", 0),
        ("", "<xmp:Rating>6</xmp:Rating>", None),
        ("", "<xmp:Rating>good</xmp:Rating>", None),
        ("", "<xmp:Rating>inf</xmp:Rating>", None),
        (' xmp:Rating="2"', "<xmp:Rating>99</xmp:Rating>", 2),
        ("", "", None),
    ],
)
def test_a_rating_is_read(attributes: str, inside: str, rating: int | None):
    assert rating_in(packet(inside, attributes)) == rating


NO_XML = ("nothing", "no XML", "a raw ampersand", "a cut end", "a document type", "an external entity")


@pytest.mark.parametrize("name", [*NO_XML, "an unknown encoding", "bytes that are not UTF-8"])
@pytest.mark.parametrize("read", [keyword_paths, rating_in], ids=["keywords", "rating"])
def test_what_cannot_be_parsed_is_an_error(name: str, read: Callable[[bytes], object]):
    with pytest.raises(XmpError):
        read(BROKEN[name])


def test_a_packet_that_is_too_large_is_not_parsed():
    with pytest.raises(XmpError, match="it has 32 MiB; the limit is 32"):
        keyword_paths(b" " * (LARGEST_PACKET + 1))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_damage_to_a_packet_is_words_or_an_error(data: st.DataObject):
    damaged = bytearray(packet(f"<acdsee:categories>{CATEGORIES}</acdsee:categories>"))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        paths = keyword_paths(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    except XmpError:
        return

    assert all(isinstance(level, str) for path in paths for level in path)
