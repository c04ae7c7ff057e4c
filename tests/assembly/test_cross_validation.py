"""Figures over folds."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from vectortag.assembly.cross_validation import CrossValidation, cross_validate
from vectortag.data.records import Record
from vectortag.model.calibration import fit_thresholds

PHOTOS, FOLDS = 150, 3


@pytest.fixture(scope="module")
def crossed() -> CrossValidation:
    """Two tags that the embedding shows, of photos of which five have a wrong label."""
    random = np.random.default_rng(0)
    truth = random.random((PHOTOS, 2)) < 0.4
    embeddings = random.normal(0, 1, (PHOTOS, 8)).astype(np.float32)
    embeddings[:, :2] += 4 * truth
    targets = truth.astype(np.uint8)
    targets[:5, 0] = 1 - targets[:5, 0]
    records = tuple(Record(Path(f"{row}.jpg"), (), row, None, "photos") for row in range(PHOTOS))
    return cross_validate(embeddings, targets, ("dog", "sea"), records, folds=FOLDS, epochs=60)


def test_the_mean_of_each_fold_is_that_of_scikit_learn(crossed: CrossValidation):
    for fold in range(FOLDS):
        rows = crossed.folds == fold
        expected = np.mean([average_precision_score(crossed.targets[rows, t], crossed.scores[rows, t]) for t in (0, 1)])
        assert crossed.maps[fold] == pytest.approx(expected)


def test_a_fold_is_judged_at_thresholds_of_the_others(crossed: CrossValidation):
    for fold in range(FOLDS):
        rows = crossed.folds == fold
        shown = crossed.scores[rows] >= fit_thresholds(crossed.scores[~rows], crossed.targets[~rows])
        expected = f1_score(crossed.targets[rows].ravel(), shown.ravel())
        assert crossed.micro_f1s[fold] == pytest.approx(expected)


def test_it_sums_up_by_mean_and_standard_deviation(crossed: CrossValidation):
    summary = crossed.summary()

    assert summary["folds"] == FOLDS
    assert summary["map"]["mean"] == pytest.approx(crossed.maps.mean(), abs=1e-4)
    assert summary["map"]["deviation"] == pytest.approx(np.std(crossed.maps, ddof=1), abs=1e-4)
    assert (summary["labels"], summary["doubted"]) == (2 * PHOTOS, len(crossed.doubts))


def test_the_first_that_are_doubted_are_wrong(crossed: CrossValidation):
    assert len(crossed.doubts) >= 3
    assert {(one.row, one.tag) for one in crossed.doubts[:3]} <= {(row, 0) for row in range(5)}


def test_its_file_has_all_that_another_program_needs(crossed: CrossValidation):
    with np.load(io.BytesIO(crossed.to_npz()), allow_pickle=False) as file:
        assert file["photos"].tolist()[:2] == ["0.jpg", "1.jpg"]
        assert file["tags"].tolist() == ["dog", "sea"]
        np.testing.assert_array_equal(file["scores"], crossed.scores)
        np.testing.assert_array_equal(file["labels"], crossed.targets)
        np.testing.assert_array_equal(file["folds"], crossed.folds)
