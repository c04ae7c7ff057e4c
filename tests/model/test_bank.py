"""The bank in 4 bits."""

from __future__ import annotations

import numpy as np
import pytest

from vectortag.model.bank import Bank, pack_bank, unpack_bank


def embeddings(width: int) -> np.ndarray:
    """As a network gives them: most low, some high."""
    return np.random.default_rng(0).exponential(0.5, (300, width)).astype(np.float32)


@pytest.mark.parametrize("width", [8, 7])
def test_each_number_is_off_by_half_a_step_of_its_root(width):
    own = embeddings(width)

    packed = pack_bank(Bank(own))
    back = unpack_bank(packed, width)

    assert packed["bank.halves"].nbytes == 300 * 4
    assert back is not None
    low = own.min(axis=0)
    step = np.sqrt(own - low).max(axis=0) / 15
    assert (np.abs(np.sqrt(back.embeddings - low) - np.sqrt(own - low)) <= 0.501 * step).all()
    assert back.named is None


def test_a_folder_without_one_has_none():
    assert unpack_bank({"codes": np.zeros((3, 8), np.uint8)}, 8) is None


def test_a_bank_of_another_width_is_refused():
    with pytest.raises(ValueError, match="for embeddings of 12"):
        unpack_bank(pack_bank(Bank(embeddings(8))), 12)
