"""`vectortag tag --engine ray`: what is refused, and what the machines of a job are told. Runs: test_ray_engine.py."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.tag_options import Loading
from vectortag.apps.cli.tag_ray import absolute, job_options, tagger_options
from vectortag.apps.ray_engine import TaggerOptions
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import ModelFolder
from vectortag.model.language import Language

pytest.importorskip("pyarrow")  # as a job writes Parquet, options are refused only with it


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("--engine", "ray"), "--engine ray needs --format parquet"),
        (("--engine", "ray", "--format", "parquet"), "--format parquet needs --output"),
        (("--engine", "ray", "--format", "parquet", "--output", "x", "--partition", "20"), "a multiple of 16"),
        (("--ray-address", "auto"), "go with --engine ray"),
    ],
)
def test_options_that_do_not_go_together_are_refused(cli, make_photo, given: tuple[str, ...], expected: str):
    found = cli("tag", make_photo(), *given)

    assert found.status == 2
    assert expected in found.stderr


def test_without_ray_the_command_says_what_to_install_and_writes_nothing(
    cli, make_photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "ray" else found(name, *more))

    outcome = cli("tag", make_photo(), "--engine", "ray", "--format", "parquet", "--output", tmp_path / "tags")

    assert outcome.status == 2
    assert "vectortag[ray]" in outcome.stderr
    assert not (tmp_path / "tags").exists()


@pytest.mark.parametrize(
    "option",
    [("--write-xmp",), ("--library", "l.sqlite"), ("--only", "dog"), ("--not", "dog"), ("--rename", "dog: Rex")],
    ids=lambda option: option[0],
)
def test_what_belongs_to_this_machine_does_not_go_with_a_cluster(
    cli: Callable[..., Any], photos: list[Path], tmp_path: Path, option: tuple[str, ...]
):
    output = tmp_path / "tags"

    done = cli("tag", photos[0], "--engine", "ray", "--format", "parquet", "--output", output, *option)

    assert done.status == 2
    assert f"{option[0]}" in done.stderr
    assert "do not go with it" in done.stderr
    assert not output.exists()


def test_photos_are_named_for_machines_with_other_working_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    assert absolute(Path("photos/../a.jpg")) == tmp_path / "a.jpg"
    assert absolute("s3://bucket/a.jpg") == "s3://bucket/a.jpg"


class TestJobs:
    def options(self, model: Path, *, top_k: int = 3, embeddings: bool = False, **loading: Any) -> TaggerOptions:
        return tagger_options(Loading(model=str(model), **loading), {"top_k": top_k}, Language(), embeddings=embeddings)

    def test_this_machine_decides_what_is_auto(self, two_sizes: ModelFolder):
        chosen = self.options(two_sizes.path)

        assert (chosen.size, chosen.precision) == (32, "f32")
        assert self.options(two_sizes.path, profile="thorough").size == 64
        assert self.options(two_sizes.path, profile="thorough", size=32).size == 32

    def test_what_changes_rows_is_part_of_a_job_and_how_fast_they_come_is_not(self, tiny_model: Path):
        about = job_options(self.options(tiny_model))

        assert job_options(self.options(tiny_model, threads=2)) == about
        for other in (
            self.options(tiny_model, top_k=4),
            self.options(tiny_model, profile="precise"),
            self.options(tiny_model, embeddings=True),
            self.options(tiny_model, max_pixels=1000),
            replace(self.options(tiny_model), language=Language.load("de")),
        ):
            assert job_options(other) != about

    def test_a_tag_that_was_added_or_corrected_is_part_of_a_job(self, tiny_model: Path, photos_12: list[Path]):
        Tagger.load(tiny_model).add_tag("pet", photos_12[:4])

        assert job_options(self.options(tiny_model))["additions"] == ["pet"]
        assert job_options(self.options(tiny_model, additions=False))["additions"] == []
