"""The nodes of words give what words give in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx_runs import OPSET, run

from vectortag.assembly.onnx_graph import GraphBuilder
from vectortag.assembly.onnx_words import WordNodes
from vectortag.model.words.similarity import WordEmbedding, Words, values
from vectortag.model.words.word_vectors import word_vector

WIDTH, CELLS = 8, 9


@pytest.fixture(autouse=True)
def _needed(need_module: Callable[[str], Any]) -> None:
    need_module("onnx")
    need_module("onnxruntime")


@pytest.fixture(params=[("zebra", "tractor", "violin"), ()], ids=["classes", "no classes"])
def words(request: pytest.FixtureRequest, make_words: Callable[..., Words]) -> Words:
    return make_words(classes=request.param)


@pytest.fixture
def embedded(words: Words) -> list[WordEmbedding]:
    background = np.abs(np.random.default_rng(2).normal(0, 1, (50, WIDTH))).astype(np.float32)
    return [words.embed_word(word_vector(name), words.views(background)) for name in ("zebra", "boat")]


@pytest.fixture
def cells() -> np.ndarray:
    return np.abs(np.random.default_rng(1).normal(0, 1, (3, WIDTH, CELLS))).astype(np.float32)


def test_the_values_of_words_are_theirs(words: Words, embedded: list[WordEmbedding], cells: np.ndarray):
    graph, embeddings = GraphBuilder(OPSET), cells.mean(axis=2)
    views, has_classes = words.views(embeddings), bool(words.classifier.names)
    nodes = WordNodes(graph, "embeddings", words, embedded, "probabilities" if has_classes else "")

    inputs = {"embeddings": embeddings} | ({"probabilities": views.probabilities} if has_classes else {})
    actual = run(graph, nodes.values(), **inputs)

    np.testing.assert_allclose(actual, np.stack([values(one, views) for one in embedded], axis=1), rtol=1e-3, atol=1e-4)


def test_their_changes_along_the_cells_are_theirs(words: Words, embedded: list[WordEmbedding], cells: np.ndarray):
    graph, embeddings = GraphBuilder(OPSET), cells.mean(axis=2)
    has_classes = bool(words.classifier.names)
    nodes = WordNodes(graph, "embeddings", words, embedded, "probabilities" if has_classes else "")
    output = nodes.along("cells", "classes_along" if has_classes else "")

    inputs = {"embeddings": embeddings, "cells": cells}
    if has_classes:
        along = np.matmul(words.classifier.w, cells)
        inputs |= {"probabilities": words.views(embeddings).probabilities, "classes_along": along}
    actual = run(graph, output, **inputs)

    for photo in range(len(cells)):
        expected = [words.along(one, embeddings[photo], cells[photo]) for one in embedded]
        np.testing.assert_allclose(actual[photo], expected, rtol=1e-3, atol=1e-3)
