"""Which photos are worth a look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vectortag.inference.active_learning import likely_mistakes, most_useful
from vectortag.inference.tagger import Tagger

COUNT = 300


@pytest.fixture
def embeddings(tagger: Tagger) -> dict[Path, np.ndarray]:
    random = np.random.default_rng(3)
    return {Path(f"{n}.jpg"): e for n, e in enumerate(np.abs(random.normal(0, 0.4, (COUNT, 8))).astype(np.float32))}


@pytest.fixture
def scores(tagger: Tagger, embeddings) -> dict[Path, float]:
    column = tagger.scores(np.stack(list(embeddings.values())))[:, tagger.place("dog")]
    return dict(zip(embeddings, column.tolist(), strict=True))


class TestUseful:
    def test_they_are_near_the_threshold(self, tagger, embeddings, scores):
        found = most_useful(tagger, "dog", embeddings, count=10)

        assert len({one.photo for one in found}) == 10
        assert all(one.has is None and one.score == pytest.approx(scores[one.photo]) for one in found)
        doubts = sorted(abs(np.log(s / (1 - s))) for s in scores.values())
        assert all(abs(np.log(one.score / (1 - one.score))) <= doubts[50] + 1e-6 for one in found)

    def test_the_most_doubtful_comes_first(self, tagger, embeddings, scores):
        first = most_useful(tagger, "dog", embeddings, count=5)[0]

        assert abs(first.score - 0.5) == pytest.approx(min(abs(s - 0.5) for s in scores.values()), abs=1e-3)

    def test_a_copy_is_not_asked_for_beside_its_twin(self, tagger, embeddings):
        first = most_useful(tagger, "dog", embeddings, count=1)[0].photo
        embeddings[Path("copy.jpg")] = embeddings[first]

        found = [one.photo for one in most_useful(tagger, "dog", embeddings, count=10)]

        assert len({first, Path("copy.jpg")} & set(found)) == 1

    def test_where_only_copies_are_left_none_is_asked_for_again(self, tagger, embeddings):
        three = dict(list(embeddings.items())[:3])
        copies = {Path(f"copy {photo}"): embedding for photo, embedding in three.items()}

        found = [one.photo for one in most_useful(tagger, "dog", {**three, **copies}, count=10)]

        assert len({photo.name.removeprefix("copy ") for photo in found}) == len(found) == 3

    def test_there_may_be_fewer_or_none(self, tagger, embeddings):
        few = dict(list(embeddings.items())[:3])

        assert len(most_useful(tagger, "dog", few, count=10)) == 3
        assert most_useful(tagger, "dog", {}, count=10) == []


class TestMistakes:
    def test_labels_that_were_turned_round_are_found(self, tagger, embeddings, scores):
        labels = {photo: score >= 0.5 for photo, score in scores.items()}
        surest = sorted(scores, key=scores.__getitem__)
        wrong = {surest[0], surest[1], surest[-1], surest[-2]}
        for photo in wrong:
            labels[photo] = not labels[photo]

        found = likely_mistakes(tagger, "dog", embeddings, labels, count=4)

        assert {one.photo for one in found} == wrong
        assert all(one.has == labels[one.photo] for one in found)

    def test_labels_that_the_model_shares_are_not_doubted(self, tagger, embeddings, scores):
        labels = {photo: score >= 0.5 for photo, score in scores.items()}

        assert likely_mistakes(tagger, "dog", embeddings, labels, count=10) == []

    def test_photos_without_a_label_are_not_judged(self, tagger, embeddings, scores):
        labels = {photo: score < 0.5 for photo, score in list(scores.items())[:100]}  # all wrong

        assert {one.photo for one in likely_mistakes(tagger, "dog", embeddings, labels, count=COUNT)} <= set(labels)

    @pytest.mark.parametrize("has", [True, False])
    def test_labels_of_one_kind_say_nothing(self, tagger, embeddings, has):
        assert likely_mistakes(tagger, "dog", embeddings, dict.fromkeys(embeddings, has), count=10) == []
