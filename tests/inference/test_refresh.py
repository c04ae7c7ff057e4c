"""Corrections: kept, taken back, and learnt from, without any other score moving by a bit."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import CorrectionError, PhotoError, UnknownTagError
from vectortag.evaluation.evaluate import evaluate
from vectortag.inference.refresh import forget, refresh
from vectortag.inference.tagger import Tagger
from vectortag.personal.corrected_rows import read_refits, refits_file
from vectortag.personal.corrections import (
    Correction,
    add_corrections,
    corrections_file,
    read_corrections,
    undo_corrections,
)

MakePhoto = Callable[..., Path]


@pytest.fixture
def photos(make_photo: MakePhoto) -> list[Path]:
    return [make_photo(f"{seed}.jpg", seed=seed) for seed in range(8)]


def scores(tagger: Tagger, photo: Path) -> dict[str, float]:
    return {scored.tag: scored.score for scored in tagger.tag(photo).scores}


class TestKeeping:
    def test_what_was_said_is_there_for_every_model_and_later(self, tagger, photos):
        said = tagger.correct(photos[0], yes=["puppy"], no=["boat"])  # a synonym will do

        assert said == [Correction(photos[0], "dog", True), Correction(photos[0], "boat", False)]
        assert read_corrections() == said

    def test_the_last_word_counts(self, tagger, photos):
        tagger.correct(photos[0], yes=["dog"])
        tagger.correct(photos[0], no=["dog"])

        assert read_corrections() == [Correction(photos[0], "dog", False)]

    def test_what_was_said_at_one_time_is_taken_back_as_one(self, tagger, photos):
        first = tagger.correct(photos[0], yes=["dog"])
        second = tagger.correct(photos[1], yes=["dog"], no=["boat", "beach"])

        assert undo_corrections() == second
        assert read_corrections() == first
        assert undo_corrections() == first
        assert undo_corrections() == []

    def test_a_relative_path_is_kept_whole(self, tagger, photos, monkeypatch):
        monkeypatch.chdir(photos[0].parent)
        tagger.correct(photos[0].name, yes=["dog"])

        assert read_corrections()[0].photo == photos[0]

    def test_many_writers_lose_nothing(self, photos):
        def write(number: int) -> None:
            for tag in range(10):
                add_corrections([Correction(photos[0], f"{number} {tag}", True)])

        threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(read_corrections()) == 40

    @pytest.mark.parametrize(
        ("yes", "no", "problem"),
        [(["dog"], ["puppy"], '"dog" is both a tag to add and a tag to remove'), ([], [], "no tag is named")],
    )
    def test_what_makes_no_sense_is_refused(self, tagger, photos, yes, no, problem):
        with pytest.raises(CorrectionError, match=problem):
            tagger.correct(photos[0], yes=yes, no=no)
        assert read_corrections() == []

    def test_unknown_tags_and_unreadable_photos_are_refused(self, tagger, photos, tmp_path):
        with pytest.raises(UnknownTagError):
            tagger.correct(photos[0], yes=["dog"], no=["whiteboard"])
        with pytest.raises(PhotoError):
            tagger.correct(tmp_path / "missing.jpg", yes=["dog"])
        assert read_corrections() == []

    def test_a_file_that_is_no_database_is_named(self, tagger, photos):
        corrections_file().write_bytes(b"x" * 4096)

        with pytest.raises(CorrectionError, match=r"corrections.sqlite: corrections cannot be kept or read"):
            tagger.correct(photos[0], yes=["dog"])


class TestLearning:
    def test_the_score_moves_as_it_was_told(self, tagger, photos):
        before = scores(tagger, photos[0])
        tagger.correct(photos[0], yes=["dog"], no=["boat"])

        done = refresh(tagger)

        after = scores(tagger, photos[0])
        assert after["dog"] > before["dog"]
        assert after["boat"] < before["boat"]
        assert {(one.tag, one.corrections) for one in done} == {("dog", 1), ("boat", 1)}

    def test_no_other_score_moves_by_a_bit(self, tagger, photos):
        before = [scores(tagger, photo) for photo in photos]
        tagger.correct(photos[0], no=["beach"])
        refresh(tagger)

        for photo, old in zip(photos, before, strict=True):
            new = scores(tagger, photo)
            assert {tag for tag in old if new[tag] != old[tag]} <= {"beach"}

    def test_every_later_load_has_it_and_says_so(self, tagger, tiny_model, photos):
        plain = tagger.tag(photos[0]).model
        tagger.correct(photos[0], yes=["dog"])
        refresh(tagger)

        later = Tagger.load(tiny_model)
        assert scores(later, photos[1]) == scores(tagger, photos[1])
        assert later.tag(photos[0]).model == f"{plain}+corrections"
        assert Tagger.load(tiny_model, additions=False).tag(photos[0]).model == plain

    def test_evaluation_is_of_the_model_as_it_was_trained(self, tagger, photos, make_data_set):
        folder = make_data_set({f"{n}.jpg": "dog" if n % 2 else "boat" for n in range(6)}, name="judged")
        before = evaluate(tagger, folder)
        tagger.correct(photos[0], yes=["dog"], no=["boat"])
        refresh(tagger)

        assert evaluate(tagger, folder) == before

    def test_what_was_taken_back_is_unlearnt(self, tagger, photos):
        before = scores(tagger, photos[0])
        tagger.correct(photos[0], yes=["dog"])
        refresh(tagger)
        undo_corrections()

        assert refresh(tagger) == []
        assert scores(tagger, photos[0]) == before
        assert not refits_file(tagger.folder).exists()

    def test_all_can_be_forgotten_and_learnt_again(self, tagger, photos):
        before = scores(tagger, photos[0])
        tagger.correct(photos[0], yes=["dog"])
        refresh(tagger)
        learnt = scores(tagger, photos[0])

        forget(tagger)
        assert scores(tagger, photos[0]) == before
        refresh(tagger)
        assert scores(tagger, photos[0]) == learnt

    def test_refreshing_twice_changes_nothing_more(self, tagger, photos):
        tagger.correct(photos[0], yes=["dog"])
        refresh(tagger)
        once = refits_file(tagger.folder).read_bytes()
        refresh(tagger)

        assert refits_file(tagger.folder).read_bytes() == once

    def test_an_added_tag_learns_too(self, tagger, photos, tiny_model):
        tagger.add_tag("our boat", photos[:3])
        before = [scores(tagger, photo)["our boat"] for photo in photos[6:]]
        tagger.correct(photos[6], yes=["our boat"])
        tagger.correct(photos[7], no=["our boat"])

        refresh(tagger)

        after = [scores(Tagger.load(tiny_model), photo)["our boat"] for photo in photos[6:]]
        assert after[0] - after[1] > before[0] - before[1]
        assert tagger.additions[0].corrections == 2
        undo_corrections(), undo_corrections()
        refresh(tagger)
        assert scores(tagger, photos[6])["our boat"] == pytest.approx(before[0], abs=1e-3)
        assert tagger.additions[0].corrections == 0

    def test_a_photo_that_is_gone_is_left_out(self, tagger, photos, caplog):
        tagger.correct(photos[0], yes=["dog"])
        tagger.correct(photos[1], yes=["dog"])
        photos[1].unlink()

        (done,) = refresh(tagger)

        assert done.corrections == 1
        assert "1.jpg" in caplog.text

    def test_a_tag_without_a_score_of_its_own_is_left_alone(
        self, write_tiny_model, tmp_path, photos, tiny_fields, caplog
    ):
        (point,) = tiny_fields["operating_points"]
        silent = {**point, "slope": [0.0, *point["slope"][1:]]}
        tagger = Tagger.load(write_tiny_model(tmp_path / "silent", operating_points=[silent]).path)
        tagger.correct(photos[0], no=["animal"])

        refresh(tagger)

        assert read_refits(tagger.folder) == ()
        assert '"animal" has no score of its own' in caplog.text

    def test_without_a_background_nothing_can_be_learnt(self, write_tiny_model, tmp_path, photos):
        tagger = Tagger.load(write_tiny_model(tmp_path / "bare", background=None).path)

        with pytest.raises(CorrectionError, match="no background photos"):
            refresh(tagger)

    def test_the_heat_map_is_that_of_the_moved_row(self, tagger, photos):
        tagger.correct(photos[0], yes=["dog"])
        refresh(tagger)

        place = tagger.place("dog")
        feature_map = tagger.embedder.feature_map(photos[2])
        expected = tagger.scorer.head.maps(feature_map, [place])[0]
        np.testing.assert_array_equal(tagger.explain(photos[2], "dog", fine=False).values, expected)
        assert not np.array_equal(tagger.scorer.head.blocks[0].w2, tagger.folder.head.blocks[0].w2)

    def test_a_model_learns_at_its_default_size_and_knows_it_at_every_other(self, two_sizes, photos):
        Tagger.load(two_sizes).correct(photos[0], yes=["dog"])
        learnt, before = [], Tagger.load(two_sizes, size=64).tag(photos[0])["dog"].score
        for size in (32, 64):
            refresh(Tagger.load(two_sizes, size=size))
            (refit,) = read_refits(two_sizes)
            learnt.append((*refit.w.tolist(), refit.b))

        assert learnt[0] == learnt[1]
        assert Tagger.load(two_sizes, size=64).tag(photos[0])["dog"].score > before

    @pytest.mark.parametrize(
        "damage",
        [
            lambda content: b"no safetensors",
            lambda content: b"",
            lambda content: content[:-1],
            lambda content: content.replace(rb"\"format_version\": 1", rb"\"format_version\": 2"),
            lambda content: content.replace(rb"\"dog\"", rb"\"cow\""),
            lambda content: content[:-4] + np.float32(np.inf).tobytes(),
        ],
        ids=["junk", "empty", "cut", "newer", "another tag", "infinite"],
    )
    def test_what_was_taught_and_cannot_be_read_is_left_out_and_never_deleted(
        self, tagger, tiny_model, photos, caplog, damage
    ):
        plain = tagger.tag(photos[0])
        tagger.correct(photos[0], yes=["dog"])
        refresh(tagger)
        file = refits_file(tagger.folder)
        learnt, damaged = file.read_bytes(), damage(file.read_bytes())
        assert damaged != learnt
        file.write_bytes(damaged)

        assert Tagger.load(tiny_model).tag(photos[0]) == plain
        assert f"{file}: cannot be read, so what corrections have taught is left out" in caplog.text
        refresh(tagger)
        assert file.read_bytes() == learnt
        (aside,) = file.parent.glob("*.unreadable-*")
        assert aside.read_bytes() == damaged

    def test_corrections_that_cannot_be_read_are_named_and_left_alone(self, tagger, photos):
        tagger.correct(photos[0], yes=["dog"])
        corrections_file().write_bytes(b"x" * 4096)

        with pytest.raises(CorrectionError, match=r"corrections\.sqlite: .* The file stays as it is"):
            refresh(tagger)
        assert corrections_file().read_bytes() == b"x" * 4096
        assert tagger.tag(photos[0])["dog"]

    def test_where_nothing_can_be_written_the_error_says_so(self, tagger, photos, monkeypatch):
        tagger.correct(photos[0], yes=["dog"])
        (refits_file(tagger.folder).parent).write_text("a file where the folder should be")

        with pytest.raises(CorrectionError, match="cannot be written"):
            refresh(tagger)


def test_reading_leaves_no_file_behind(home):
    assert read_corrections() == []
    assert not corrections_file().exists()
