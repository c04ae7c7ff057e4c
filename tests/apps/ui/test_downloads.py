"""What the page lets its users download, and the heat maps that it sends to the browser."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from vectortag.apps.formats import CsvWriter, JsonLinesWriter
from vectortag.apps.ui.downloads import LAYER_SIDE, PNG_SIDE, heatmap_png, layer_url, tags_as_text
from vectortag.apps.ui.tag_list import rank_tags
from vectortag.core.errors import PhotoError
from vectortag.core.types import Heatmap, Tagging, TagScore

HEATMAP = Heatmap(np.float32([[0, 1], [0, 0]]), "sea", "sea", 0.9)
SEA, SKY = TagScore("sea", 0.9, 0.5), TagScore("sky", 0.4, 0.5)
TAGGING = Tagging("a.jpg", "m@1", "openvino", "f32", 224, (SEA,), (SEA, SKY))


def test_tags_are_written_as_the_command_line_writes_them_with_the_threshold_that_decides():
    own, one_for_all = rank_tags(TAGGING), rank_tags(TAGGING, 0.3)

    lines = tags_as_text([(TAGGING, own), (TAGGING, one_for_all)], JsonLinesWriter).splitlines()

    first, second = (json.loads(line)["tags"] for line in lines)
    assert first == [{"tag": "sea", "score": 0.9, "threshold": 0.5}]
    assert second == [{"tag": "sea", "score": 0.9, "threshold": 0.3}, {"tag": "sky", "score": 0.4, "threshold": 0.3}]
    assert tags_as_text([(TAGGING, own)], CsvWriter).splitlines()[1:] == ["a.jpg,sea,0.9,0.5,m@1,f32,224,,"]


def test_guesses_are_written_apart_from_tags():
    tagging = replace(TAGGING, tags=(), guesses=(SKY,))

    (line,) = map(json.loads, tags_as_text([(tagging, rank_tags(tagging))], JsonLinesWriter).splitlines())

    assert line["tags"] == []
    assert line["guesses"] == [{"tag": "sky", "score": 0.4, "threshold": 0.5}]


def test_a_heat_map_covers_the_photo_where_the_tag_is(content: Callable[..., bytes]):
    photo = Image.open(io.BytesIO(content(3, (40, 30)))).convert("RGB")

    drawn = Image.open(io.BytesIO(heatmap_png(content(3, (40, 30)), HEATMAP, opacity=1.0)))

    assert drawn.size == photo.size
    changed = np.abs(np.asarray(drawn.convert("RGB"), int) - np.asarray(photo, int)).sum(axis=2)
    assert changed[:10, 30:].mean() > changed[20:, :10].mean()


def test_a_large_photo_is_shrunk_and_a_broken_one_is_an_error(content: Callable[..., bytes]):
    drawn = Image.open(io.BytesIO(heatmap_png(content(1, (2 * PNG_SIDE, 100)), HEATMAP, opacity=0.5)))

    assert drawn.size == (PNG_SIDE, 50)
    with pytest.raises(PhotoError):
        heatmap_png(b"no photo", HEATMAP, opacity=0.5)


def test_the_browser_gets_a_small_png_with_its_own_transparency():
    kind, data = layer_url(HEATMAP).split(",")

    layer = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/png;base64"
    assert layer.size == (LAYER_SIDE, LAYER_SIDE)
