"""Tags from words: their scores, what is refused, and the parents that are proposed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from vectortag.core.errors import NewTagError, WordsError
from vectortag.inference.tagger import Tagger
from vectortag.model.bank import Bank
from vectortag.model.calibration import PROFILES
from vectortag.model.trust import Promise, Trust
from vectortag.model.words.similarity import values
from vectortag.model.words.word_vectors import word_bank, word_vector
from vectortag.personal.from_photos import AGREEING
from vectortag.personal.from_words import EVERY, propose_parents

WIDTH = 8


@pytest.fixture
def tagger(worded_tagger: Tagger) -> Tagger:
    return worded_tagger


@pytest.fixture
def photos(photos_12: list[Path]) -> list[Path]:
    return photos_12


def scores(tagger: Tagger, photos: Sequence[Path]) -> np.ndarray:
    return np.stack([[one.score for one in tagging.scores] for tagging in tagger.tag_many(photos)])


class TestFromWords:
    def test_a_name_is_enough(self, tagger, photos):
        added = tagger.add_tag("zebra", words=True)

        assert (added.examples, added.words, added.nearest[0]) == (0, "zebra", "zebra")
        assert added.nearness == pytest.approx(1, abs=0.01)
        assert tagger.tags[-1] == "zebra"
        assert 0 < tagger.tag(photos[0])["zebra"].score < 1

    def test_its_score_and_threshold_are_those_of_unseen_words_as_near(self, tagger):
        evidence = tagger.folder.words.evidence

        near, far = tagger.add_tag("zebra", words=True), tagger.add_tag("pony", words=True)

        assert far.nearness < 0.9
        for added, place in ((near, 1), (far, 0)):
            assert added.slope == pytest.approx(evidence.calibration.slope[place])
            assert added.separation == pytest.approx(evidence.separation[place])
            for profile in PROFILES:
                assert added.thresholds[profile] == pytest.approx(evidence.calibration.thresholds[profile][place])

    def test_no_old_score_changes_by_a_bit(self, tagger, photos):
        tagger.add_tag("plain", photos[:4])
        before = scores(tagger, photos)

        for name in ("zebra", "armchair", "pony"):
            tagger.add_tag(name, words=True)

        after = scores(tagger, photos)
        kept = [tagger.tags.index(tag) for tag in (*tagger.folder.manifest.tags, "plain")]
        np.testing.assert_array_equal(after[:, kept], before)

    def test_every_later_load_has_it(self, tagger, worded, photos):
        tagger.add_tag("zebra", words=True)

        assert Tagger.load(worded.path).tag(photos[0]) == tagger.tag(photos[0])

    def test_it_ranks_photos_as_its_words_do(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        embeddings = np.stack([one for _, one in tagger.embedder.embed_many(photos)])
        words = tagger.folder.words

        views = words.views(embeddings)
        embedded = words.embed_word(word_vector("zebra"), words.views(tagger.folder.background))
        fit = np.log(views.probabilities @ embedded.classes + 1e-6) * embedded.by_class
        fit += embedded.by_direction * (views.directions @ embedded.query)

        assert (np.argsort(fit) == np.argsort(scores(tagger, photos)[:, -1])).all()

    def test_it_has_a_heat_map_of_its_own(self, tagger, photos):
        tagger.add_tag("zebra", words=True)
        analysis = next(one for one in map(tagger.analyse, photos) if not one.heatmap("zebra").is_empty)

        found = analysis.heatmap("zebra")

        step, cells = 1e-2, analysis.feature_map.reshape(WIDTH, -1)
        moved = np.stack([cells.mean(axis=1) + sign * step * cell for cell in cells.T for sign in (1, -1)])
        logits = tagger.scorer.logits(moved.astype(np.float32))[:, -1].astype(np.float64)
        raw = np.maximum((logits[0::2] - logits[1::2]) / (2 * step), 0)
        raw = (raw - raw.min()) / (raw - raw.min()).max()
        np.testing.assert_allclose(found.values.ravel(), raw, atol=0.02)

    def test_parents_come_from_the_taxonomy_and_from_the_caller(self, tagger):
        assert tagger.add_tag("zebra", words=True, parents=["ship"]).parents == ("boat", "vehicle")

    def test_what_most_of_the_nearest_imply_is_proposed(self, tagger):
        taxonomy = tagger.folder.manifest.taxonomy

        assert propose_parents(taxonomy, tagger.tags, ("dog", "puppy", "dog", "sea", "boat")) == ("animal",)
        assert propose_parents(taxonomy, tagger.tags, ("dog", "boat", "sea")) == ()

    def test_a_model_without_a_classifier_goes_by_the_direction(self, write_tiny_model, make_words, tmp_path, photos):
        tagger = Tagger.load(write_tiny_model(tmp_path / "plain", words=make_words(classes=())))

        tagger.add_tag("horse", words=True)

        assert 0 < tagger.tag(photos[0])["horse"].score < 1

    @pytest.mark.parametrize(
        ("name", "words", "error", "problem"),
        [
            ("dog", True, NewTagError, "exists already"),
            ("puppy", True, NewTagError, 'is another name of "dog"'),
            ("", True, NewTagError, "1 to 60 characters"),
            ("z" * 61, True, NewTagError, "1 to 60 characters"),
            ("斑马", True, WordsError, "only English"),
            ("theorem", True, WordsError, r"too far from everything .* The nearest: "),
            ("zebra", " ".join(["very"] * 200), WordsError, "too long"),
        ],
    )
    def test_what_cannot_be_placed_is_refused(self, tagger, name, words, error, problem):
        with pytest.raises(error, match=problem):
            tagger.add_tag(name, words=words)

        assert tagger.tags == tagger.folder.manifest.tags

    def test_a_model_that_knows_no_words_says_so(self, tiny_model):
        with pytest.raises(WordsError, match="vectortag learn-words tiny"):
            Tagger.load(tiny_model).add_tag("zebra", words=True)


SIGN_COUNT = 10


def trusting(precision: float, recall: float) -> Trust:
    """The same curve and promise, as logits, for every word."""
    curves, promises = np.zeros((2, SIGN_COUNT + 1), np.float32), np.zeros((2, SIGN_COUNT + 1), np.float32)
    curves[:, 0], promises[:, 0] = (1.5, -4), (precision, recall)
    thresholds = dict.fromkeys(PROFILES, 0.5)
    return Trust(np.zeros(SIGN_COUNT, np.float32), np.ones(SIGN_COUNT, np.float32), curves, promises, thresholds, 40)


class TestTrust:
    @pytest.fixture
    def load(self, write_tiny_model, make_words, tiny_background, tmp_path):
        def load(trust: Trust) -> Tagger:
            words = replace(make_words(), trust=trust)
            bank = Bank(tiny_background)
            return Tagger.load(
                write_tiny_model(tmp_path / "trusting", words=words, classifier=words.classifier, bank=bank)
            )

        return load

    def test_a_word_gets_the_promise_of_words_of_which_as_much_is_seen(self, load):
        added = load(trusting(2, 0)).add_tag("zebra", words=True)

        assert added.promise == Promise(pytest.approx(1 / (1 + np.exp(-2))), pytest.approx(0.5))
        assert (added.slope, added.bias) == (pytest.approx(1.5), pytest.approx(-4))

    def test_a_word_that_is_not_seen_is_refused_with_what_was_to_be_expected(self, load):
        tagger = load(trusting(-1, -3))

        with pytest.raises(WordsError, match=r"search only.* about 3 of 10 photos .* would show it, and about 0 of 10"):
            tagger.add_tag("zebra", words=True)

        assert tagger.tags == tagger.folder.manifest.tags

    def test_a_name_counts_where_the_photos_stand_out_by_it(self, load, photos):
        tagger = load(trusting(2, 0))
        words, background = tagger.folder.words, tagger.folder.background
        shown = np.stack([one for _, one in tagger.embedder.embed_many(photos[:4])])
        bank = tagger.folder.bank.embeddings[::EVERY]
        truth = np.arange(len(shown) + len(bank)) < len(shown)
        areas = {}
        for noun in word_bank().names[::100]:
            embedded = words.embed_word(word_vector(noun), words.views(background))
            said = np.concatenate([values(embedded, words.views(some)) for some in (shown, bank)])
            areas[noun] = roc_auc_score(truth, said)
        fits, does_not = max(areas, key=areas.__getitem__), min(areas, key=areas.__getitem__)

        added = {noun: tagger.add_tag(noun, photos[:4]).words for noun in (fits, does_not)}

        assert areas[does_not] < AGREEING < areas[fits]
        assert added == {fits: fits, does_not: None}
