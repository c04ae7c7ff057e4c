"""XML with positions, edited in place."""

from __future__ import annotations

import pytest

from vectortag.data.xmp import LARGEST_PACKET, XmpError
from vectortag.library.xml_source import Element, Source, parse

DOCUMENT = """<?xml version="1.0"?>
<!-- a > b --><a:root xmlns:a='urn:a' xmlns="urn:default" a:x="1>2" y='"'>
  <b/><b >é<c xmlns="urn:c" a:z="&lt;"/></b><a:d><![CDATA[<b>]]></a:d>
</a:root>
"""


def read(content: bytes) -> Source:
    return parse(content, lambda parent: True)


def text_of(source: Source, element: Element) -> str:
    return source.body[element.start : element.end].decode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_element_is_where_it_is_in_the_source(encoding: str):
    source = read(DOCUMENT.replace('<?xml version="1.0"?>\n', "").replace("<!-- a > b -->", "").encode(encoding))
    first, second, third = source.root.children

    assert source.root.name == "{urn:a}root"
    assert text_of(source, first) == "<b/>"
    assert first.is_empty_tag
    assert (text_of(source, second), second.text) == ('<b >é<c xmlns="urn:c" a:z="&lt;"/></b>', "é")
    assert (second.children[0].name, second.children[0].attributes) == ("{urn:c}c", {"{urn:a}z": "<"})
    assert (third.prefix, third.text) == ("a:", "<b>")


def test_attributes_have_their_place():
    source = read(DOCUMENT.encode())
    spans = source.attribute_spans(source.root)

    assert {name: source.body[slice(*span)].decode() for name, span in spans.items()} == {
        "xmlns:a": " xmlns:a='urn:a'",
        "xmlns": ' xmlns="urn:default"',
        "a:x": ' a:x="1>2"',
        "y": " y='\"'",
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_without_edits_every_byte_stays(encoding: str):
    content = b"\r\n" * (encoding == "utf-8") + DOCUMENT.partition("\n")[2].encode(encoding)

    assert read(content).edited([]) == content


def test_edits_at_one_position_keep_their_order():
    source = read(b"<a><b/></a>")
    (element,) = source.root.children

    assert (
        source.edited([(element.end, element.end, "1"), (element.start, element.end, ""), (7, 7, "2")]) == b"<a>12</a>"
    )


def test_below_an_element_that_is_not_kept_nothing_is():
    source = parse(b"<a><b><c/></b><d/></a>", lambda parent: parent.name == "a")

    assert [(child.name, child.children) for child in source.root.children] == [("b", []), ("d", [])]


def test_comments_are_noticed():
    assert read(DOCUMENT.encode()).has_comments
    assert not read(b"<a/>").has_comments


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"\0\0 \n", "it is empty"),
        (b"<a>", "not XML"),
        (b"<p:a/>", "not XML"),
        (b"<a" + b" " * LARGEST_PACKET + b"/>", "32 MiB; the limit is 32"),
        (b"<a>" * 200 + b"</a>" * 200, "more than 100 levels deep"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (b"<a>\xff</a>", "not text in utf-8"),
        (b'<?xml version="1.0" encoding="utf-7"?><a>+</a>', "is not"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, problem: str):
    with pytest.raises(XmpError, match=problem):
        read(content)
