"""Heat maps of any tag from one forward pass."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vectortag.core.errors import UnknownTagError
from vectortag.inference.analysis import Analysis
from vectortag.inference.tagger import Tagger


@pytest.fixture
def analysis(tagger: Tagger, make_photo: Callable[..., Path]) -> Analysis:
    return tagger.analyse(make_photo())


def test_without_names_there_is_a_map_of_every_tag_in_the_models_order(analysis: Analysis):
    assert tuple(one.tag for one in analysis.heatmaps()) == analysis.scorer.tags


def test_a_parents_map_is_that_of_the_child_that_gave_its_score(analysis: Analysis):
    parent, child = analysis.heatmaps(["animal", "dog"])

    assert (parent.tag, parent.source, parent.score) == ("animal", "dog", child.score)
    np.testing.assert_array_equal(parent.values, child.values)


def test_a_map_has_the_grid_of_what_it_comes_from(analysis: Analysis):
    fine = np.repeat(np.repeat(analysis.feature_map, 2, axis=1), 2, axis=2)
    closer = Analysis(analysis.scorer, analysis.feature_map, analysis.own_scores, analysis.tagging, fine)

    assert analysis.heatmap("beach").values.shape == analysis.feature_map.shape[1:]
    assert closer.heatmap("beach").values.shape == fine.shape[1:]
    assert closer.heatmap("beach").score == analysis.heatmap("beach").score


def test_an_unknown_tag_is_an_error(analysis: Analysis):
    with pytest.raises(UnknownTagError, match="unicorn"):
        analysis.heatmap("unicorn")
