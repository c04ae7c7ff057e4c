"""The backbone's own classifier: a linear layer and a softmax."""

from __future__ import annotations

import numpy as np

from vectortag.model.classifier import Classifier

RANDOM = np.random.default_rng(0)
CLASSIFIER = Classifier(
    RANDOM.normal(0, 1, (3, 5)).astype(np.float32), RANDOM.normal(0, 1, 3).astype(np.float32), ("a", "b", "c")
)
EMBEDDINGS = RANDOM.normal(0, 1, (7, 5)).astype(np.float32)


def test_logits_are_those_of_a_linear_layer_of_torch(need_module):
    torch = need_module("torch")
    arrays = map(torch.from_numpy, (EMBEDDINGS, CLASSIFIER.w, CLASSIFIER.b))

    expected = torch.nn.functional.linear(*arrays).numpy()

    np.testing.assert_allclose(CLASSIFIER.logits(EMBEDDINGS), expected, atol=1e-5)


def test_probabilities_are_the_softmax_of_the_logits_in_float32():
    found = CLASSIFIER.probabilities(EMBEDDINGS)

    powers = np.exp(CLASSIFIER.logits(EMBEDDINGS).astype(np.float64))
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-5)
    assert found.dtype == np.float32


def test_far_embeddings_do_not_overflow():
    with np.errstate(over="raise", invalid="raise"):
        found = CLASSIFIER.probabilities(1e6 * EMBEDDINGS)

    np.testing.assert_allclose(found.sum(axis=1), 1)
