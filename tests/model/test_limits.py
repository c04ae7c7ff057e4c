"""What a model folder may hold at most: refused with a reason, before anything is allocated."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from safetensors.numpy import save_file

from vectortag.core.errors import ModelFolderError
from vectortag.model import limits
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.limits import check_arrays, check_block, check_manifest, check_sizes, check_values, read_manifest


@pytest.fixture
def folder(tiny_model: Path) -> ModelFolder:
    return read_model_folder(tiny_model)


def test_a_real_model_is_within_all_limits(folder: ModelFolder):
    check_manifest(folder.manifest, folder.path)
    check_sizes(folder.path, folder.manifest.files)
    for file in folder.path.glob("*.safetensors"):
        check_arrays(file)


def test_a_manifest_is_measured_before_it_is_read(tmp_path: Path):
    with (tmp_path / "manifest.json").open("wb") as file:
        os.truncate(file.fileno(), limits.MANIFEST_BYTES + (1 << 20))

    with pytest.raises(ModelFolderError, match="too large: 7 MiB; the limit is 6"):
        read_manifest(tmp_path / "manifest.json")


def test_the_files_of_a_folder_are_counted_and_measured_together(tmp_path: Path):
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as file:
            os.truncate(file.fileno(), limits.FOLDER_BYTES // 2 + 1)

    check_sizes(tmp_path, ["a"])
    with pytest.raises(ModelFolderError, match="too large"):
        check_sizes(tmp_path, ["a", "b"])
    with pytest.raises(ModelFolderError, match="33 files"):
        check_sizes(tmp_path, [f"{number}" for number in range(33)])


@pytest.mark.parametrize("name", ["", "  ", "sea\x1b[31m", "x" * 201])
def test_names_that_no_tag_has_are_refused(folder: ModelFolder, name: str):
    named = replace(folder.manifest, tags=(name, *folder.manifest.tags[1:]))

    with pytest.raises(ModelFolderError, match="expected 1 to 200 characters, and no control characters"):
        check_manifest(named, folder.path)


def test_numbers_out_of_their_range_are_refused(folder: ModelFolder):
    (point,) = folder.manifest.operating_points
    for changed, problem in [
        ({"size": 100_000}, "an input size"),
        ({"slope": (1e9, *point.slope[1:])}, "slope and bias at size 32"),
        ({"thresholds": {**point.thresholds, "balanced": (1.5, *point.thresholds["balanced"][1:])}}, "from 0 to 1"),
    ]:
        manifest = replace(folder.manifest, operating_points=(replace(point, **changed),))
        with pytest.raises(ModelFolderError, match=problem):
            check_manifest(manifest, folder.path)


def test_figures_within_figures_without_end_are_refused(folder: ModelFolder):
    deep: dict[str, object] = {}
    for _ in range(100):
        deep = {"inner": deep}

    with pytest.raises(ModelFolderError, match="levels deep"):
        check_manifest(replace(folder.manifest, provenance=deep), folder.path)


def test_what_a_header_declares_is_counted_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save_file({"w": np.zeros((3, 4), np.float32)}, tmp_path / "head.safetensors")
    check_arrays(tmp_path / "head.safetensors")

    monkeypatch.setattr(limits, "MOST_VALUES", 11)

    with pytest.raises(ModelFolderError, match="values in its arrays: expected 0 to 11, got 12"):
        check_arrays(tmp_path / "head.safetensors")


@pytest.mark.parametrize("kind", [np.float16, np.float32])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, kind: type, value: float):
    check_values({"w": np.ones(3, kind)}, tmp_path)

    with pytest.raises(ModelFolderError, match="not finite"):
        check_values({"w": np.array([1, value], kind)}, tmp_path)


def test_the_arrays_of_a_block_must_fit_together():
    arrays = {
        "w1": np.zeros((5, 8), np.float32),
        "b1": np.zeros(5, np.float32),
        "w2": np.zeros((3, 5), np.float32),
        "b2": np.zeros(3, np.float32),
    }
    for kind in ("mlp", "joint"):
        check_block(kind, arrays, tags=3, width=8)
        with pytest.raises(TypeError, match=r'"b2" has the shape \(4,\), expected \(3,\)'):
            check_block(kind, {**arrays, "b2": np.zeros(4, np.float32)}, tags=3, width=8)
