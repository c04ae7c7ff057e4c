"""How much networks may hold: an encoder more than a model, and neither what loops, branches or is random."""

from __future__ import annotations

import pytest

from vectortag.runtime.network_limits import ENCODER, MODEL, NetworkLimits


@pytest.mark.parametrize("limits", [MODEL, ENCODER])
def test_no_operator_loops_branches_or_makes_what_the_file_does_not_bound(limits: NetworkLimits):
    refused = {"Loop", "If", "Scan", "SequenceMap", "RandomNormal", "NonZero", "Unique", "StringNormalizer", "Optional"}

    assert limits.operators.isdisjoint(refused)


def test_an_encoder_may_hold_more_than_a_model():
    assert MODEL.operators < ENCODER.operators
    assert MODEL.most_bytes < ENCODER.most_bytes
    assert not MODEL.external
    assert not MODEL.minus_infinity
