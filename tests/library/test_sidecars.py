"""What VectorTag changes in a sidecar, and what it leaves."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packets import BROKEN, CAPTURE_ONE, DARKTABLE, DIGIKAM, EMPTY_LIST, LIGHTROOM, OTHER_PREFIXES, SIDECARS

from vectortag.data.xmp import RDF, XmpError, keyword_paths
from vectortag.library.keyword_fields import Record, WantedTag
from vectortag.library.packet import Packet
from vectortag.library.sidecars import ModelRun, SidecarNames, merge, record_in, without_ours

RUN = ModelRun("tiny@12345678", "2026-11-30T16:00:00+00:00")
ANIMAL, DOG, SEA = (
    WantedTag("animal", ("animal",), 0.95),
    WantedTag("dog", ("animal", "dog"), 0.91),
    WantedTag("sea", ("sea",), 0.6),
)
WANTED = [ANIMAL, DOG, SEA]

each_sidecar = pytest.mark.parametrize("existing", SIDECARS.values(), ids=list(SIDECARS))


def lists(content: bytes) -> dict[str, list[str]]:
    return Packet(content).lists


def written(existing: bytes | None, wanted=WANTED, **more) -> bytes:
    content = merge(existing, wanted, run=RUN, **more)
    assert content is not None
    return content


def without(content: bytes, *entries: str) -> bytes:
    """A sidecar from which a program has taken keywords out."""
    text = content.decode()
    for entry in entries:
        before, item, after = text.partition(f"<rdf:li>{entry}</rdf:li>")
        assert item, entry
        text = before.rstrip() + after
    return text.encode()


class TestANewSidecar:
    def test_has_every_field_and_says_by_whom(self):
        content = written(None)

        assert lists(content) == {
            "subject": ["animal", "dog", "sea"],
            "hierarchicalSubject": ["animal|dog", "sea"],
            "TagsList": ["animal/dog", "sea"],
        }
        record = record_in(content)
        assert record is not None
        assert (record.model, record.date, record.created) == (RUN.model, RUN.date, True)
        assert [(one.tag, one.path, one.score, one.by) for one in record.tags] == [
            ("animal", ("animal",), 0.95, "model"),
            ("dog", ("animal", "dog"), 0.91, "model"),
            ("sea", ("sea",), 0.6, "model"),
        ]

    def test_has_no_date_and_no_toolkit_of_another_program(self):
        """A date in a sidecar replaces the photo's own in other programs (a-eye#21)."""
        names = {element.tag.partition("}")[2] for element in ET.fromstring(written(None)).iter()}

        assert not {name for name in names if "Date" in name} - {"TaggingDate"}

    def test_is_not_made_without_tags(self):
        assert merge(None, [], run=RUN) is None

    def test_repeats_the_keywords_inside_the_photo_which_other_programs_would_lose(self):
        content = written(None, [SEA], embedded=[["Pets", "Rex"], ["Oma"]])

        assert lists(content) == {
            "subject": ["sea", "Pets", "Rex", "Oma"],
            "hierarchicalSubject": ["sea", "Pets|Rex", "Oma"],
            "TagsList": ["sea", "Pets/Rex", "Oma"],
        }

    def test_marks_a_tag_that_a_person_has_accepted(self):
        record = record_in(written(None, [WantedTag("sea", ("sea",), 0.3, "person")]))

        assert record is not None
        assert [(one.tag, one.score, one.by) for one in record.tags] == [("sea", 0.3, "person")]


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


class TestOnlyOursIsChanged:
    def test_a_tag_that_the_model_does_not_find_any_more_goes(self):
        content = written(written(LIGHTROOM), [SEA])

        assert lists(content) == {
            "subject": ["Pets", "Rex", "sea"],
            "hierarchicalSubject": ["Pets|Rex", "sea"],
            "TagsList": ["sea", "Pets/Rex"],
        }

    def test_a_tag_that_the_person_had_already_is_never_ours(self):
        existing = LIGHTROOM.replace(b"Rex", b"Dog")
        content = written(existing)

        assert lists(content)["subject"] == ["Pets", "Dog", "animal", "sea"]
        assert lists(content)["hierarchicalSubject"] == ["Pets|Dog", "animal", "sea"]
        record = record_in(content)
        assert record is not None
        assert {one.tag: one.by for one in record.tags} == {"animal": "model", "dog": "keyword", "sea": "model"}
        assert lists(written(content, []))["subject"] == ["Pets", "Dog"]
        assert without_ours(content) == existing

    def test_a_rejected_tag_goes_and_its_branch_with_it(self):
        content = written(written(None), WANTED, refused={"dog"})

        assert lists(content)["TagsList"] == ["animal", "sea"]
        assert "dog" not in lists(content)["subject"]

    def test_a_level_that_was_rejected_is_left_out_of_the_path(self):
        assert lists(written(None, WANTED, refused={"animal"}))["TagsList"] == ["dog", "sea"]

    def test_another_score_is_written_and_the_same_after_rounding_is_not(self):
        content = written(None)

        assert merge(content, [ANIMAL, DOG, WantedTag("sea", ("sea",), 0.604)], run=RUN) is None
        record = record_in(written(content, [ANIMAL, DOG, WantedTag("sea", ("sea",), 0.7)]))
        assert record is not None
        assert record.tags[2].score == 0.7

    def test_a_sidecar_of_ours_without_any_tag_is_left_empty(self):
        assert merge(written(None), [], run=RUN) == b""

    def test_a_sidecar_of_ours_in_which_a_person_wrote_stays(self):
        content = written(None).replace(b"<rdf:li>sea</rdf:li>", b"<rdf:li>sea</rdf:li><rdf:li>Oma</rdf:li>", 1)

        left = without_ours(content)

        assert left
        assert lists(left) == {"subject": ["Oma"]}
        assert record_in(left) is None

    def test_a_sidecar_that_another_program_made_is_never_removed(self):
        assert without_ours(written(SIDECARS["bare"]))

    def test_a_sidecar_without_ours_is_left_alone(self):
        assert without_ours(LIGHTROOM) is None


class TestDeletedByHand:
    def test_a_deleted_tag_does_not_come_back(self):
        content = without(written(LIGHTROOM), "dog", "animal|dog", "animal/dog")

        again = written(content)

        assert "dog" not in lists(again)["subject"]
        assert lists(again)["hierarchicalSubject"] == ["Pets|Rex", "sea", "animal"]
        assert merge(again, WANTED, run=RUN) is None
        record = record_in(again)
        assert record is not None
        assert record.deleted == ("dog",)

    @pytest.mark.parametrize(
        "entries",
        [("dog", "animal|dog"), ("animal/dog",), ("dog",)],
        ids=["Lightroom, which leaves digiKam's list", "Immich, which writes digiKam's list alone", "a flat program"],
    )
    def test_it_is_deleted_everywhere_if_one_program_deleted_it_in_its_own_field(self, entries: tuple[str, ...]):
        now = lists(written(without(written(LIGHTROOM), *entries)))

        assert "dog" not in " ".join(entry for field in now.values() for entry in field)

    def test_all_tags_deleted_in_bulk_stay_out(self):
        """Tags that were removed in bulk came back from stale sidecars (immich#23792)."""
        every = ("animal", "dog", "sea", "animal|dog", "sea", "animal/dog", "sea")

        content = written(without(written(LIGHTROOM), *every))

        assert lists(content) == lists(LIGHTROOM)
        assert merge(content, WANTED, run=RUN) is None

    def test_a_level_that_a_program_leaves_out_of_the_flat_list_stays_in_the_tree(self):
        """digiKam writes the last levels alone into dc:subject."""
        content = without(written(None), "animal")

        now = lists(merge(content, [*WANTED, WantedTag("boat", ("boat",), 0.5)], run=RUN) or b"")

        assert now["subject"] == ["dog", "sea", "boat"]
        assert now["hierarchicalSubject"] == ["animal|dog", "sea", "boat"]

    def test_an_accepted_tag_comes_back(self):
        content = written(without(written(LIGHTROOM), "dog", "animal|dog", "animal/dog"))
        accepted = WantedTag("dog", ("animal", "dog"), 0.91, "person")

        assert "animal/dog" in lists(written(content, [ANIMAL, accepted, SEA]))["TagsList"]

    def test_what_was_accepted_and_then_deleted_stays_out(self):
        accepted = WantedTag("sea", ("sea",), 0.6, "person")
        content = without(written(None, [DOG, accepted]), "sea", "sea", "sea")

        assert "sea" not in lists(written(content, [DOG, accepted]))["subject"]

    def test_a_keyword_of_the_person_that_they_deleted_is_not_put_back_by_us(self):
        content = written(LIGHTROOM.replace(b"Rex", b"dog"))
        content = without(content, "dog", "Pets|dog")

        assert "dog" not in lists(written(content))["subject"]

    def test_a_tag_that_was_moved_in_the_tree_is_the_persons(self):
        content = written(None, [SEA])
        moved = content.replace(b"<rdf:li>sea</rdf:li>", b"<rdf:li>Water|sea</rdf:li>").replace(
            b"<rdf:li>Water|sea</rdf:li>", b"<rdf:li>sea</rdf:li>", 1
        )  # dc:subject comes first
        head, mark, record = moved.partition(b"<vectortag:TaggingWroteSubject>")
        moved = head.replace(b"/sea", b"/sea") + mark + record.replace(b"Water|sea", b"sea")

        now = lists(written(moved, [DOG, SEA]))

        assert "sea" in now["subject"]
        assert now["hierarchicalSubject"] == ["Water|sea", "animal|dog"]

    def test_what_a_program_without_our_namespace_has_left_counts_with_the_librarys_record(self):
        record = record_in(written(None))
        flat = CAPTURE_ONE.replace(b"Studio", b"animal</rdf:li><rdf:li>sea")

        content = written(flat, WANTED, last=record)

        assert lists(content)["subject"] == ["animal", "sea"]
        assert lists(content)["hierarchicalSubject"] == ["animal", "sea"]

    def test_the_same_record_says_nothing_where_the_sidecar_itself_is_gone(self):
        assert written(None, WANTED, last=Record(deleted=("dog",))) == written(None)


class TestWhatReadersTake:
    def test_tags_of_the_model_are_no_keywords_of_the_person(self):
        assert keyword_paths(written(LIGHTROOM)) == keyword_paths(LIGHTROOM)

    def test_confirmed_tags_are(self):
        accepted = WantedTag("sea", ("sea",), 0.6, "person")

        assert ["sea"] in keyword_paths(written(LIGHTROOM, [DOG, accepted]))

    def test_copies_in_fields_of_other_programs_are_none_either(self):
        copied = DIGIKAM.replace(
            b"    <rdf:Bag>\n     <rdf:li>Places/Rome", b"    <rdf:Bag>\n<rdf:li>sea</rdf:li>\n     <rdf:li>Places/Rome"
        )

        assert ["sea"] in keyword_paths(copied)
        head, bag, tail = written(DIGIKAM.replace(b"LastKeywordXMP", b"Other")).partition(b"<MicrosoftPhoto:Other>")
        with_copy = (head + bag + tail.replace(b"<rdf:Bag>", b"<rdf:Bag><rdf:li>sea</rdf:li>", 1)).replace(
            b":Other", b":LastKeywordXMP"
        )
        assert ["sea"] not in keyword_paths(with_copy)
        assert lists(written(with_copy, [DOG]))["LastKeywordXMP"] == ["Places/Rome", "animal/dog"]


class TestTheName:
    @pytest.mark.parametrize(
        ("files", "sidecars"),
        [
            (["a.jpg"], ["a.jpg.xmp"]),
            (["a.jpg", "a.jpg.xmp"], ["a.jpg.xmp"]),
            (["a.jpg", "a.xmp"], ["a.xmp"]),
            (["a.jpg", "a.XMP"], ["a.XMP"]),
            (["a.jpg", "a.JPG.xmp"], ["a.jpg.xmp"]),
            (["a.jpg", "a.xmp", "a.CR2"], ["a.jpg.xmp"]),
            (["a.jpg", "a.xmp", "A.png"], ["a.jpg.xmp"]),
            (["a.jpg", "a.xmp", "a.mov"], ["a.jpg.xmp"]),
            (["a.jpg", "a.xmp", "a.txt"], ["a.xmp"]),
            (["a.jpg", "a.xmp", "a.jpg.xmp"], ["a.jpg.xmp", "a.xmp"]),
            (["a.b.jpg", "a.xmp"], ["a.b.jpg.xmp"]),
        ],
    )
    def test_which_sidecar_a_photo_has(self, tmp_path: Path, files: list[str], sidecars: list[str]):
        for name in files:
            (tmp_path / name).write_bytes(b"")

        assert [path.name for path in SidecarNames().of(tmp_path / files[0])] == sidecars

    @pytest.mark.parametrize(
        ("files", "sidecar"),
        [
            (["a.jpg"], "a.xmp"),
            (["a.jpg", "a.jpg.xmp"], "a.jpg.xmp"),
            (["a.jpg", "a.CR2"], "a.jpg.xmp"),
            (["a.jpg", "A.png"], "a.jpg.xmp"),
        ],
    )
    def test_a_new_one_may_have_the_stem_if_no_other_photo_has_it(self, tmp_path: Path, files: list[str], sidecar: str):
        for name in files:
            (tmp_path / name).write_bytes(b"")

        assert [path.name for path in SidecarNames(by_stem=True).of(tmp_path / files[0])] == [sidecar]
