"""How well untaught words are scored, from words that were held out."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.assembly.word_trust import Trial, fit_evidence


class TestEvidence:
    def trials(self, count: int = 80) -> list[Trial]:
        """The nearer a word is, the better it is told."""
        random = np.random.default_rng(0)
        made = []
        for number in range(count):
            nearness = 0.3 + 0.7 * number / count
            shown = random.random(400) < 0.1
            made.append(Trial(nearness, (random.normal(0, 1, 400) + 4 * nearness * shown).astype(np.float32), shown))
        return made

    def test_near_words_are_trusted_more_than_far_ones(self):
        evidence = fit_evidence(self.trials())

        assert list(evidence.separation) == sorted(evidence.separation)
        assert list(evidence.precision) == sorted(evidence.precision)
        assert evidence.words.sum() == 80

    def test_a_word_belongs_to_the_group_of_those_as_near(self):
        evidence = fit_evidence(self.trials())

        assert evidence.group(0.1) == -1
        assert evidence.group(0.35) == 0
        assert evidence.group(1.0) == len(evidence.calibration.slope) - 1

    def test_precision_is_what_photos_at_the_threshold_show_when_two_of_a_hundred_have_the_word(self):
        trials = self.trials()[-20:]
        evidence = fit_evidence(trials)
        slope, bias, thresholds = evidence.calibration.one(0)
        threshold = thresholds["balanced"]

        taken = [slope * trial.values + bias >= np.log(threshold / (1 - threshold)) for trial in trials]
        right = sum(float((one & t.shown).sum() / t.shown.sum()) for one, t in zip(taken, trials, strict=True))
        wrong = sum(float((one & ~t.shown).sum() / (~t.shown).sum()) for one, t in zip(taken, trials, strict=True))

        assert evidence.precision[0] == pytest.approx(0.02 * right / (0.02 * right + 0.98 * wrong), rel=1e-3)

    def test_a_few_words_say_nothing(self):
        assert fit_evidence(self.trials(11)) is None
