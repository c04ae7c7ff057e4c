"""A sidecar is edited in place: what is not a keyword of VectorTag's stays as it is."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from packets import (
    BROKEN,
    CAPTURE_ONE,
    DARKTABLE,
    DIGIKAM,
    EMPTY_LIST,
    LIGHTROOM,
    OTHER_PREFIXES,
    RUN,
    SIDECARS,
    WANTED,
    each_sidecar,
    lists,
    written,
)

from vectortag.data.xmp import RDF, XmpError
from vectortag.library.keyword_fields import Record, TagRecord, WantedTag
from vectortag.library.keyword_merge import Planned
from vectortag.library.packet import MOST_KEYWORDS, Packet
from vectortag.library.sidecars import ModelRun, merge, without_ours


class TestAnExistingSidecar:
    @each_sidecar
    def test_written_twice_is_written_once(self, existing: bytes):
        content = written(existing)

        assert merge(content, WANTED, run=RUN) is None
        assert merge(content, WANTED, run=ModelRun("other@1", "2030-01-01T00:00:00+00:00")) is None

    @each_sidecar
    def test_forgotten_it_is_what_it_was(self, existing: bytes):
        restored = without_ours(written(existing))

        assert restored is not None
        if b"RDF" in existing and b"/>" in existing[-4:]:  # <rdf:RDF/> was opened
            assert ET.canonicalize(restored.decode(), strip_text=True) == ET.canonicalize(existing.decode())
        else:
            assert restored == existing

    @each_sidecar
    def test_keeps_every_byte_that_is_not_a_keyword(self, existing: bytes):
        content = written(existing)
        pieces = existing.decode("latin-1").split("\n")

        kept = iter(content.decode("latin-1").split("\n"))
        assert all(any(piece in line for line in kept) for piece in pieces if "RDF" not in piece and "Bag" not in piece)

    @each_sidecar
    def test_has_all_tags_and_all_keywords_of_the_person(self, existing: bytes):
        there, now = lists(existing), lists(written(existing))

        for name, entries in there.items():
            assert [entry for entry in now[name] if entry in entries] == entries
        assert {"animal", "dog", "sea"} <= set(now["subject"])
        assert {"animal|dog", "sea"} <= set(now["hierarchicalSubject"])
        assert {"animal/dog", "sea"} <= set(now["TagsList"])
        assert ("LastKeywordXMP" in now) == ("LastKeywordXMP" in there)

    def test_new_fields_repeat_what_the_person_has(self):
        assert lists(written(LIGHTROOM))["TagsList"] == ["animal/dog", "sea", "Pets/Rex"]
        assert lists(written(CAPTURE_ONE))["hierarchicalSubject"] == ["animal|dog", "sea", "Studio"]
        assert lists(written(DARKTABLE))["TagsList"] == ["animal/dog", "sea", "Family"]  # not darktable's own

    def test_a_field_that_the_person_has_is_not_filled_up(self):
        assert lists(written(DIGIKAM))["subject"] == ["Rome", "animal", "dog", "sea"]

    def test_the_line_ends_are_those_of_the_file(self):
        content = written(CAPTURE_ONE)

        assert content.count(b"\n") == content.count(b"\r\n")

    def test_an_empty_list_is_filled_and_emptied(self):
        content = written(EMPTY_LIST)

        assert lists(content)["subject"] == ["animal", "dog", "sea"]
        assert lists(without_ours(content) or b"") == {"subject": []}

    def test_other_prefixes_are_used_as_they_stand(self):
        content = written(OTHER_PREFIXES).decode()

        assert "<r:li>dog</r:li>" in content
        assert 'rdf:about="uuid:1234"' in content

    def test_what_the_packet_is_about_is_repeated_whatever_marks_it_has(self):
        existing = OTHER_PREFIXES.replace(b"uuid:1234", b"a&#10;&quot;b&quot;&#9;&amp;&lt;c&apos;")

        content = written(existing)

        abouts = {one.get(f"{RDF}about") for one in ET.fromstring(content).iter(f"{RDF}Description")}
        assert abouts == {'a\n"b"\t&<c\''}

    @pytest.mark.parametrize("existing", BROKEN.values(), ids=list(BROKEN))
    def test_what_cannot_be_read_is_refused(self, existing: bytes):
        with pytest.raises(XmpError):
            merge(existing, WANTED, run=RUN)
        with pytest.raises(XmpError):
            without_ours(existing)

    def test_characters_that_an_encoding_lacks_are_escaped(self):
        content = written(SIDECARS["Latin-1"], [WantedTag("海", ("海",), 0.9)])

        assert b"&#28023;" in content
        assert "海" in lists(content)["subject"]


NOTHING = Planned({}, {}, Record())
START, END = "<vectortag:TaggingScores>", "</vectortag:TaggingScores>"


def as_attributes(content: bytes) -> bytes:
    """VectorTag's record as a program writes it that makes attributes of simple properties."""
    text = content.decode()
    head, start, rest = text.partition(START)
    scores, end, tail = rest.partition(END)
    scores = scores.replace('<rdf:li rdf:parseType="Resource">', "<rdf:li><rdf:Description>").replace(
        "</vectortag:Score></rdf:li>", "</vectortag:Score></rdf:Description></rdf:li>"
    )
    model = f"<vectortag:TaggingModel>{RUN.model}</vectortag:TaggingModel>"
    assert model in head
    head, about, more = head.replace(model, "").rpartition("<rdf:Description ")
    return f'{head}{about}vectortag:TaggingModel="{RUN.model}" {more}{start}{scores}{end}{tail}'.encode()


def test_the_record_is_read_however_another_program_has_written_it():
    content = written(LIGHTROOM)

    assert Packet(as_attributes(content)).record == Packet(content).record


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<vectortag:Score>0.95<", "<vectortag:Score>much<"),
        ("<vectortag:Tag>animal<", "<vectortag:Tag><"),
        ("<vectortag:By>model<", "<vectortag:By>nobody<"),
    ],
)
def test_a_damaged_tag_of_the_record_takes_nothing_from_the_others(before: str, after: str):
    content = written(None).decode().replace(before, after, 1)

    record = Packet(content.encode()).record

    assert record is not None
    assert [one.tag for one in record.tags] == ["dog", "sea"]


def test_a_plan_is_carried_out_and_nothing_else():
    record = Record(tags=(TagRecord("dog", ("dog",), 0.9, "model"),), wrote={"subject": ("dog",)})

    content = Packet(LIGHTROOM).edited(Planned({"subject": ["dog"]}, {"hierarchicalSubject": ["Pets|Rex"]}, record))

    packet = Packet(content)
    assert packet.lists == {"subject": ["Pets", "Rex", "dog"], "hierarchicalSubject": []}
    assert packet.record == record
    kept = [line for line in LIGHTROOM.splitlines() if b"Pets|Rex" not in line]
    lines = iter(content.splitlines())
    assert all(line in lines for line in kept)  # each behind the one before


def test_a_sidecar_that_vectortag_made_is_removed_with_its_last_word_and_another_is_not():
    ours = Packet(written(None))

    assert ours.edited(Planned({}, ours.lists, Record())) == b""
    assert Packet(SIDECARS["bare"]).edited(NOTHING) == SIDECARS["bare"]


@pytest.mark.parametrize(("count", "is_read"), [(MOST_KEYWORDS, True), (MOST_KEYWORDS + 1, False)])
def test_a_list_is_read_up_to_its_limit(count: int, is_read: bool):
    content = LIGHTROOM.replace(b"<rdf:li>Rex</rdf:li>", b"<rdf:li>a</rdf:li>" * (count - 1))

    if is_read:
        assert len(Packet(content).lists["subject"]) == count
    else:
        with pytest.raises(XmpError, match="its dc:subject has more than 2,000 keywords"):
            Packet(content)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (b"</rdf:Description>", b"<dc:subject><rdf:Bag/></dc:subject></rdf:Description>", "it has dc:subject twice"),
        (b"<rdf:li>Rex</rdf:li>", b"<rdf:li><b/></rdf:li>", "its dc:subject is a list of something else than words"),
        (b"<rdf:li>Rex</rdf:li>", b"<li>Rex</li>", "its dc:subject is a list of something else than words"),
    ],
)
def test_a_property_that_is_no_list_of_words_is_named(before: bytes, after: bytes, problem: str):
    with pytest.raises(XmpError, match=problem):
        Packet(LIGHTROOM.replace(before, after))
