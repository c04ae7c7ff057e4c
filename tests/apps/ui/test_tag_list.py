"""Which tags the list shows."""

from __future__ import annotations

from dataclasses import replace

from vectortag.apps.ui.tag_list import NEAR_MISSES, RankedTag, as_stored, rank_tags, tags_to_list
from vectortag.core.types import Tagging, TagScore
from vectortag.model.language import Language


class TestTagList:
    SCORES = SEA, DOG, HOT_DOG, SKY = tuple(
        TagScore(name, score, limit)
        for name, score, limit in [("sea", 0.4, 0.5), ("dog", 0.6, 0.5), ("hot dog", 0.9, None), ("sky", 0.3, 0.2)]
    )
    TAGGING = Tagging(None, "m", "r", "f32", 224, tags=(DOG, SKY), scores=SCORES)

    def test_found_tags_come_first_by_score_and_a_tag_without_threshold_is_never_found(self):
        rows = rank_tags(self.TAGGING)

        assert [(row.tag, row.found) for row in rows] == [
            ("dog", True),
            ("sky", True),
            ("hot dog", False),
            ("sea", False),
        ]

    def test_one_threshold_decides_for_all(self):
        assert [row.tag for row in rank_tags(self.TAGGING, 0.5) if row.found] == ["hot dog", "dog"]

    def test_a_search_takes_part_of_a_name_or_a_synonym(self):
        rows = rank_tags(self.TAGGING)

        assert [row.tag for row in tags_to_list(rows, search=" DOG ")] == ["dog", "hot dog"]
        assert [row.tag for row in tags_to_list(rows, search="ocean", synonym="sea")] == ["sea"]

    def test_a_search_takes_names_of_another_language_and_english_ones(self):
        rows = rank_tags(self.TAGGING)
        german = Language("de", "Deutsch", {"dog": ("Hund",), "sea": ("Meer",)})

        assert [row.tag for row in tags_to_list(rows, search="hun", language=german)] == ["dog"]
        assert [row.tag for row in tags_to_list(rows, search="sea", language=german)] == ["sea"]

    def test_without_a_search_only_the_nearest_misses_are_listed(self):
        scores = tuple(TagScore(str(n), n / 100, 0.8) for n in range(100))
        rows = rank_tags(Tagging(None, "m", "r", "f32", 224, scores[80:], scores))

        assert len(tags_to_list(rows)) == 20 + NEAR_MISSES

    def test_a_parent_is_found_with_its_child(self):
        tagging = replace(self.TAGGING, tags=(self.DOG, self.SEA), ancestors={"dog": ("sea",)})

        assert [row.tag for row in rank_tags(tagging) if row.found] == ["dog", "sea"]
        assert [row.tag for row in rank_tags(tagging, 0.5) if row.found] == ["hot dog", "dog", "sea"]

    def test_guesses_come_before_the_other_misses_and_are_not_found(self):
        scores = tuple(TagScore(str(n), n / 100, 0.8) for n in range(80))
        rows = rank_tags(Tagging(None, "m", "r", "f32", 224, (), scores, guesses=scores[50:52]))

        listed = tags_to_list(rows)

        assert [row.tag for row in listed] == ["51", "50", "79", "78", "77", "76", "75", "74"]
        assert [row.guessed for row in listed] == [True] * 2 + [False] * NEAR_MISSES
        assert not any(row.found for row in listed)

    def test_where_one_threshold_finds_tags_there_are_no_guesses(self):
        tagging = replace(self.TAGGING, tags=(), guesses=(self.SEA,))

        assert [(row.tag, row.found) for row in rank_tags(tagging, 0.5) if row.found or row.guessed] == [
            ("hot dog", True),
            ("dog", True),
        ]


def test_the_tags_of_a_library_photo_are_those_that_the_library_shows():
    rows = [
        RankedTag("sea", 0.9, 0.5, found=True),
        RankedTag("dog", 0.6, 0.5, found=True),
        RankedTag("boat", 0.2, 0.5, found=False),
    ]

    stored = as_stored(rows, {"boat": None, "sea": 0.9})

    assert [(row.tag, row.found) for row in stored] == [("boat", True), ("sea", True), ("dog", False)]
