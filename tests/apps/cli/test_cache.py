"""vectortag cache"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.core.folders import cache_home

Cli = Callable[..., Any]


@pytest.fixture
def search(cli: Cli, worded: Path, thirty_photos: list[Path]) -> tuple[Any, ...]:
    """The arguments of a search that was made, which leaves embeddings in the cache."""
    arguments = ("find", "cats", thirty_photos[0].parent, "--model", worded)
    assert cli(*arguments).status == 0
    return arguments


def test_a_search_leaves_embeddings_that_are_shown_and_deleted(cli: Cli, search):
    shown = json.loads(cli("cache", "--size", "--json").stdout)

    assert shown["folder"] == str(cache_home())
    assert "embeddings" in [kind["name"] for kind in shown["kinds"]]
    assert cli("cache").stdout == cli("cache", "--size").stdout

    cleared = cli("cache", "--clear", "--kind", "embeddings")
    assert cleared.status == 0
    assert cleared.stdout.splitlines()[1].startswith(" embeddings")
    assert "embeddings" not in [kind["name"] for kind in json.loads(cli("cache", "--json").stdout)["kinds"]]


def test_a_search_works_after_all_is_cleared(cli: Cli, search):
    before = cli(*search).stdout

    assert cli("cache", "--clear").status == 0

    assert json.loads(cli("cache", "--json").stdout)["kinds"] == []
    assert cli(*search).stdout == before


def test_a_kind_that_is_not_there_is_named(cli: Cli, search):
    outcome = cli("cache", "--clear", "--kind", "embedings")

    assert outcome.status == 2
    assert 'the cache holds no kind "embedings". Did you mean "embeddings"?' in outcome.stderr


@pytest.mark.parametrize("options", [("--size", "--clear"), ("--kind", "embeddings")])
def test_options_that_do_not_go_together_are_refused(cli: Cli, options):
    assert cli("cache", *options).status == 2
