"""A model as a library uses it: its names for stored scores and embeddings change when these would, and only then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import UnknownModelError
from vectortag.inference.tagger import Tagger
from vectortag.library.library_model import ALWAYS_KEPT, LibraryModel, floors_of
from vectortag.model.folder import ModelFolder
from vectortag.personal.corrected_rows import Refit, save_refits

KNOWN = 6
"""Tags of the tiny model."""


def test_scores_are_the_taggers_also_of_added_tags(tiny_model: Path, photos_12: list[Path], tagger: Tagger):
    tagger.add_tag("our boat", photos_12[:4], parents=["vehicle"])

    model = LibraryModel.load(tiny_model)

    embeddings = np.abs(np.random.default_rng(0).normal(0, 1, (5, 8))).astype(np.float32)
    assert (model.tags[-1], model.own, model.parents) == ("our boat", KNOWN, {"our boat": ("vehicle",)})
    np.testing.assert_array_equal(model.scores(embeddings), Tagger.load(tiny_model).scores(embeddings))
    assert [model.tags[parent] for parent in model.above(model.tags.index("dog"))] == ["animal"]


def test_a_score_is_kept_from_its_threshold_on_or_from_a_low_one(tiny_model: Path):
    thresholds = np.float32([0.5, 0.01, np.nan])

    np.testing.assert_array_equal(floors_of(thresholds), np.float32([ALWAYS_KEPT, 0.01, ALWAYS_KEPT]))
    assert LibraryModel.load(tiny_model).floors.tolist() == [np.float32(ALWAYS_KEPT)] * KNOWN


def test_a_correction_gives_its_tag_alone_another_print(tiny_model: Path, tagger: Tagger):
    before = LibraryModel.load(tiny_model)
    save_refits(tagger.folder, [Refit("dog", np.full(16, 0.3, np.float32), 0.5, 3)])  # 16: of the tiny model's MLP

    after = LibraryModel.load(tiny_model)

    assert set(before.prints) == {""}
    assert [tag for tag, one in zip(after.tags, after.prints, strict=True) if one] == ["dog"]
    assert after.digest == before.digest


def test_an_added_tag_has_a_print_of_its_own_photos(tiny_model: Path, photos_12: list[Path], tagger: Tagger):
    tagger.add_tag("kite", photos_12[:4])
    first = LibraryModel.load(tiny_model).prints[KNOWN]
    assert first == LibraryModel.load(tiny_model).prints[KNOWN]
    tagger.remove_tag("kite")
    tagger.add_tag("kite", photos_12[4:8])

    assert first != LibraryModel.load(tiny_model).prints[KNOWN]


def test_embeddings_are_named_by_the_network_and_the_pixels_and_not_by_the_head(
    write_tiny_model: Callable[..., ModelFolder], tiny_fields: dict[str, Any], tmp_path: Path
):
    (point,) = tiny_fields["operating_points"]
    folders = {
        "same": write_tiny_model(tmp_path / "same"),
        "other head": write_tiny_model(tmp_path / "head", operating_points=[{**point, "bias": [1.0] * 6}]),
        "other pixels": write_tiny_model(tmp_path / "pixels", pixels={"filter": "bicubic"}),
    }

    digests = {name: LibraryModel.load(folder).network_digest for name, folder in folders.items()}

    assert digests["same"] == digests["other head"] != digests["other pixels"]
    assert len({folder.digest for folder in folders.values()}) == 3


def test_a_profile_may_have_another_size_and_thresholds(two_sizes: ModelFolder):
    sizes = {profile: LibraryModel.load(two_sizes, profile=profile) for profile in ("balanced", "thorough")}

    assert {profile: model.size for profile, model in sizes.items()} == {"balanced": 32, "thorough": 64}
    assert np.nanmax(sizes["thorough"].thresholds) == np.float32(0.1)


def test_an_unknown_model_is_an_error():
    with pytest.raises(UnknownModelError):
        LibraryModel.load("no such model")
