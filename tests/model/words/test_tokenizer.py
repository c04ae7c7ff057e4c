"""Word pieces are those that BERT reads."""

from __future__ import annotations

import pytest

from vectortag.model.words.tokenizer import has_whole_word, is_known, word_pieces


class TestPieces:
    @pytest.mark.parametrize(
        ("text", "numbers"),
        [  # as the package tokenizers gives them
            ("a photo of a zebra", [101, 1037, 6302, 1997, 1037, 29145, 102]),
            ("Café au lait!", [101, 7668, 8740, 21110, 2102, 999, 102]),
            ("", [101, 102]),
        ],
    )
    def test_they_are_those_of_bert(self, text, numbers):
        assert word_pieces(text) == numbers

    def test_a_word_without_end_is_unknown_and_not_read_for_ever(self):
        assert word_pieces("a" * 10_000) == [101, 100, 102]

    def test_special_pieces_cannot_be_written(self):
        assert 102 not in word_pieces("[SEP]")[1:-1]

    @pytest.mark.parametrize(("text", "known"), [("zebra", True), ("", False), ("💛💛", False)])
    def test_what_has_no_pieces_is_not_known(self, text, known):
        assert is_known(text) is known

    def test_a_whole_word_is_a_piece_by_itself(self):
        assert has_whole_word("the blorf")
        assert not has_whole_word("blorf asdfgh")
        assert not has_whole_word("7 !")
