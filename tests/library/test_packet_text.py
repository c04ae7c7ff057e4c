"""Names and records as XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import (
    LIGHTROOM,
    RUN,
    lists,
    written,
)

from vectortag.data.xmp import RDF, VECTORTAG, XmpError
from vectortag.library.keyword_fields import Record, TagRecord, WantedTag
from vectortag.library.packet_text import description_of, escaped, list_of
from vectortag.library.sidecars import merge, record_in, without_ours


class TestNames:
    def test_marks_of_xml_and_other_scripts(self):
        names = ["AT&T <b>", "Möwe", "海", 'say "hi"', "a, b", "🐕"]

        content = written(None, [WantedTag(name, (name,), 0.9) for name in names])

        assert lists(content)["subject"] == names
        assert lists(content)["hierarchicalSubject"] == names

    def test_a_slash_becomes_a_backslash_where_it_would_separate_levels(self):
        now = lists(written(None, [WantedTag("AC/DC", ("music", "AC/DC"), 0.9)]))

        assert now["subject"] == ["music", "AC/DC"]
        assert now["hierarchicalSubject"] == ["music|AC/DC"]
        assert now["TagsList"] == ["music/AC\\DC"]

    def test_a_control_character_is_refused(self):
        with pytest.raises(XmpError, match="control character"):
            merge(None, [WantedTag("a\x1b", ("a\x1b",), 0.9)], run=RUN)

    def test_a_character_that_xml_cannot_hold_is_refused(self):
        with pytest.raises(XmpError, match="not XML"):
            merge(None, [WantedTag("a\ufffe", ("a\ufffe",), 0.9)], run=RUN)

    def test_blanks_at_the_ends_of_a_name_are_refused_rather_than_lost(self):
        with pytest.raises(XmpError, match="cannot be"):
            merge(LIGHTROOM, [WantedTag(" a ", (" a ",), 0.9)], run=RUN)

    @given(
        st.lists(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="|"), min_size=1), unique=True)
    )
    @settings(max_examples=50, deadline=None)
    def test_every_name_comes_back(self, names: list[str]):
        wanted = [WantedTag(name, (name,), 0.9) for name in names]
        content = merge(LIGHTROOM, wanted, run=RUN)

        record = record_in(content or LIGHTROOM)
        assert [one.tag for one in record.tags] == names if record else not names
        assert content is None or merge(content, wanted, run=RUN) is None
        assert content is None or without_ours(content) == LIGHTROOM


WITH_RDF = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{}</rdf:RDF>'


def test_a_description_is_xml_that_says_the_record():
    record = Record(model="a<b@1", tags=(TagRecord("dog", ("animal", "dog"), 0.9, "person"),), deleted=("R&D",))

    text = description_of(record, {"subject": ["dog"]}, 'a"b\n&', line="\r\n", indent="  ", declare_rdf=False)

    (found,) = ET.fromstring(WITH_RDF.format(text))
    words = {part.tag.partition("}")[2]: "".join(part.itertext()).split() for part in found}
    fields = {part.tag.partition("}")[2]: part.text for part in found.find(f"{VECTORTAG}TaggingScores").iter()}
    assert found.get(f"{RDF}about") == 'a"b\n&'
    assert words == {
        "subject": ["dog"],
        "TaggingModel": ["a<b@1"],
        "TaggingScores": ["doganimal|dogperson0.90"],
        "TaggingDeleted": ["R&D"],
    }
    assert fields | {"Tag": "dog", "Path": "animal|dog", "By": "person", "Score": "0.90"} == fields
    assert text.count("\n") == text.count("\r\n")


def test_a_document_without_the_prefix_gets_its_declaration():
    text = description_of(Record(deleted=("sea",)), {}, "", line="\n", indent="", declare_rdf=True)

    assert ET.fromstring(text).tag == f"{RDF}Description"


@pytest.mark.parametrize(
    ("text", "xml"), [("AT&T <b>", "AT&amp;T &lt;b&gt;"), ('say "hi"', 'say "hi"'), ("Möwe 海 🐕", "Möwe 海 🐕")]
)
def test_text_is_escaped_as_far_as_xml_needs_it(text: str, xml: str):
    assert escaped(text) == xml


@pytest.mark.parametrize("text", ["a\x1bb", "a\nb", "a\x00"])
def test_what_xml_cannot_hold_is_refused(text: str):
    with pytest.raises(XmpError, match="control character"):
        list_of(["dog", text], "Bag", "", "")
