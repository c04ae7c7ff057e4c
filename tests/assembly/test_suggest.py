"""Photos to label, and labels that look wrong, in Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import vectortag as vt
from vectortag.assembly import label_errors
from vectortag.core.errors import ConfigError, UnknownTagError

MakeDataSet = Callable[..., Path]


def test_photos_without_a_label_are_to_be_labelled(tiny_model: Path, make_photo: Callable[..., Path], tmp_path: Path):
    for seed in range(6):
        make_photo(f"plain/{seed}.jpg", seed=seed)

    found = vt.suggest(tiny_model, "puppy", tmp_path / "plain", count=4)

    assert (found.tag, len(found.label), found.check, found.labelled) == ("dog", 4, (), 0)


def test_a_tagger_or_a_model_folder_does_as_well(tiny_model: Path, make_data_set: MakeDataSet):
    data = make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(8)})

    by = [vt.suggest(model, "dog", data) for model in (tiny_model, vt.Tagger.load(tiny_model))]

    assert by[0] == by[1] == vt.suggest(vt.read_model_folder(tiny_model), "dog", data)


def test_by_folds_heads_judge_that_have_not_learnt_the_labels(
    tiny_model: Path, make_data_set: MakeDataSet, monkeypatch: pytest.MonkeyPatch
):
    data = make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(30)})
    folds: list[set[int]] = []
    original = label_errors.out_of_fold_scores
    monkeypatch.setattr(
        label_errors, "out_of_fold_scores", lambda *given: folds.append({*given[2].tolist()}) or original(*given)
    )

    found = vt.suggest(tiny_model, "dog", data, folds=3)

    assert folds == [{0, 1, 2}]
    assert found.labelled == 30
    assert len(found.check) == min(found.doubted, 20)


def test_one_fold_cannot_judge(tiny_model: Path, make_data_set: MakeDataSet):
    data = make_data_set({f"{n}.jpg": "dog" if n % 2 else "sea" for n in range(8)})

    with pytest.raises(ConfigError, match="folds: expected 2 to 8"):
        vt.suggest(tiny_model, "dog", data, folds=1)


def test_a_tag_must_be_one_of_the_model(tiny_model: Path, tmp_path: Path):
    with pytest.raises(UnknownTagError, match='no tag "dgo"'):
        vt.suggest(tiny_model, "dgo", tmp_path)
