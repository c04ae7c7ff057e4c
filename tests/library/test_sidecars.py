"""What VectorTag changes in a sidecar, and what it leaves."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from packets import (
    DIGIKAM,
    DOG,
    LIGHTROOM,
    RUN,
    SEA,
    lists,
    written,
)

from vectortag.data.xmp import keyword_paths
from vectortag.library.keyword_fields import WantedTag
from vectortag.library.sidecars import SidecarNames, merge, record_in


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
