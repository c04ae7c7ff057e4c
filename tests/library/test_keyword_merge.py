"""Which keywords are VectorTag's, which are the person's, and what was deleted by hand."""

from __future__ import annotations

import pytest
from packets import (
    ANIMAL,
    CAPTURE_ONE,
    DOG,
    LIGHTROOM,
    RUN,
    SEA,
    SIDECARS,
    WANTED,
    lists,
    without,
    written,
)

from vectortag.library.keyword_fields import Record, TagRecord, WantedTag
from vectortag.library.keyword_merge import Lists, plan, plan_nothing, read_lists
from vectortag.library.sidecars import merge, record_in, without_ours


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


FLAT, TREE, DIGIKAM_TREE = "subject", "hierarchicalSubject", "TagsList"
WROTE = {FLAT: ("animal", "dog"), TREE: ("animal|dog",), DIGIKAM_TREE: ("animal/dog",)}
BEFORE = Record(
    tags=(TagRecord("animal", ("animal",), 0.95, "model"), TagRecord("dog", ("animal", "dog"), 0.91, "model")),
    wrote=WROTE,
)


class TestReading:
    @pytest.mark.parametrize(
        ("present", "deleted"),
        [
            ({name: [*entries] for name, entries in WROTE.items()}, set()),
            ({**WROTE, FLAT: ["animal"]}, {"dog"}),
            ({**WROTE, FLAT: ["dog"]}, set()),  # digiKam writes the last levels alone into the flat list
            ({**WROTE, TREE: ["animal"]}, {"dog"}),
            ({**WROTE, DIGIKAM_TREE: []}, {"dog"}),
            ({FLAT: ["animal", "dog"], TREE: ["animal|dog"]}, {"dog"}),  # the record is there, and one list is not
            ({}, {"animal", "dog"}),
        ],
    )
    def test_what_is_missing_beside_its_record_was_deleted(self, present: Lists, deleted: set[str]):
        assert read_lists(present, BEFORE, noted=True).deleted == deleted

    @pytest.mark.parametrize(
        ("present", "deleted"),
        [
            ({FLAT: ["animal", "dog"]}, set()),  # the program keeps flat keywords alone
            ({FLAT: ["animal"]}, {"dog"}),
            ({}, {"animal", "dog"}),
        ],
    )
    def test_a_list_that_another_program_dropped_says_nothing(self, present: Lists, deleted: set[str]):
        assert read_lists(present, BEFORE, noted=False).deleted == deleted

    def test_the_persons_keywords_are_taken_once_from_the_first_tree_that_has_any(self):
        there = read_lists(
            {FLAT: ["Pets", "Rex", "Oma"], TREE: ["Pets|Rex"], DIGIKAM_TREE: ["Tiere/Rex"]},
            None,
            noted=False,
            embedded=[["oma"], ["Rome"]],
        )

        assert there.own_paths == [["Pets", "Rex"], ["Oma"], ["Tiere", "Rex"], ["Rome"]]
        assert there.theirs[FLAT] == ["Pets", "Rex", "Oma"]
        assert not any(there.ours.values())

    def test_notes_of_other_programs_are_no_keywords(self):
        there = read_lists({TREE: ["darktable|format|jpg"], FLAT: ["Oma"]}, None, noted=False)

        assert there.own_paths == [["Oma"]]


class TestThePlan:
    def test_each_list_that_is_always_written_gets_the_tags_and_repeats_the_persons_words(self):
        planned = plan(read_lists({FLAT: ["Oma"]}, None, noted=False), [ANIMAL, DOG])

        assert planned.add == {
            FLAT: ["animal", "dog"],
            TREE: ["animal|dog", "Oma"],
            DIGIKAM_TREE: ["animal/dog", "Oma"],
            "LastKeywordXMP": [],
        }
        assert not any(planned.remove.values())
        assert planned.record.wrote[FLAT] == ("animal", "dog")

    def test_done_again_it_adds_and_removes_nothing(self):
        planned = plan(read_lists(WROTE, BEFORE, noted=True), [ANIMAL, DOG])

        assert not any(planned.add.values())
        assert not any(planned.remove.values())
        assert planned.record.says_the_same(BEFORE)

    def test_what_was_deleted_is_remembered_until_a_person_accepts_it(self):
        there = read_lists({**WROTE, FLAT: ["animal"]}, BEFORE, noted=True)
        planned = plan(there, [ANIMAL, DOG])
        assert planned.record.deleted == ("dog",)
        assert planned.remove[TREE] == ["animal|dog"]
        assert planned.add[TREE] == ["animal"]

        left = {FLAT: ["animal"], TREE: ["animal"], DIGIKAM_TREE: ["animal"]}
        accepted = WantedTag("dog", ("animal", "dog"), 0.91, "person")
        again = plan(read_lists(left, planned.record, noted=True), [ANIMAL, accepted])

        assert again.record.deleted == ()
        assert again.add[FLAT] == ["dog"]

    def test_what_was_accepted_and_deleted_at_once_is_deleted(self):
        accepted = WantedTag("dog", ("animal", "dog"), 0.91, "person")

        planned = plan(read_lists({**WROTE, FLAT: ["animal"]}, BEFORE, noted=True), [ANIMAL, accepted])

        assert planned.record.deleted == ("dog",)

    def test_a_word_that_the_person_has_is_noted_as_theirs_and_not_written_again(self):
        planned = plan(read_lists({FLAT: ["DOG"]}, None, noted=False), [ANIMAL, DOG])

        assert {one.tag: one.by for one in planned.record.tags} == {"animal": "model", "dog": "keyword"}
        assert planned.add[FLAT] == ["animal"]

    def test_nothing_leaves_what_is_the_persons(self):
        there = read_lists({**WROTE, FLAT: ["animal", "dog", "Oma"]}, BEFORE, noted=True)

        planned = plan_nothing(there)

        assert planned.remove[FLAT] == ["animal", "dog"]
        assert planned.record.says_nothing()
