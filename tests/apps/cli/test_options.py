"""Options of several commands: each means the same everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.apps.cli.options import SidecarOptions

Cli = Callable[..., Any]


def test_the_environment_chooses_a_language_and_the_option_another(tag, photos, monkeypatch):
    monkeypatch.setenv("VECTORTAG_LANGUAGE", "de_AT.UTF-8")

    assert "Hund" in tag(photos[1]).stdout
    assert "chien" in tag(photos[1], "--language", "fr").stdout
    assert "dog" in tag(photos[1], "--language", "en").stdout


def test_an_unknown_language_is_wrong_usage_before_any_work(tag, tmp_path: Path):
    outcome = tag(tmp_path / "gone.jpg", "--language", "xx")

    assert (outcome.status, outcome.stdout) == (2, "")
    assert 'no language "xx". There are: en, cs, de,' in outcome.stderr


def test_the_profile_thorough_tags_at_the_largest_size_and_an_output_says_so(cli, photos, two_sizes):
    sizes = {}
    for options in ((), ("--profile", "thorough"), ("--profile", "thorough", "--size", 32), ("--size", 64)):
        outcome = cli("tag", photos[0], "--model", two_sizes.path, "--format", "jsonl", *options)
        sizes[options[-1:]] = json.loads(outcome.stdout)["size"]

    assert list(sizes.values()) == [32, 64, 32, 64]


def test_a_size_that_is_not_offered_is_wrong_usage(cli, photos, two_sizes):
    outcome = cli("tag", photos[0], "--model", two_sizes.path, "--size", 48)

    assert (outcome.status, outcome.stdout) == (2, "")
    assert outcome.stderr == 'error: model "tiny": no input size of 48 pixels. It offers: 32, 64\n'


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("--profile", ["precise", "balanced", "thorough"]),
        ("--runtime", ["auto", "openvino", "onnxruntime"]),
        ("--precision", ["auto", "exact", "bf16", "int8"]),
    ],
)
@pytest.mark.parametrize("command", [["tag"], ["explain", "--tag", "dog"]], ids=["tag", "explain"])
def test_an_unknown_choice_names_the_known_ones(cli: Cli, command: list[str], option: str, choices: list[str]):
    done = cli(command[0], "gone.jpg", *command[1:], option, "best")

    assert (done.status, done.stdout) == (2, "")
    assert [choice for choice in choices if f"'{choice}'" not in done.stderr] == []


def test_a_photo_above_the_limit_of_pixels_is_an_error_in_its_place(tag: Cli, make_photo: Callable[..., Path]):
    photo = make_photo(size=(64, 48))

    assert tag(photo, "--max-pixels", 64 * 48).status == 0
    refused = tag(photo, "--max-pixels", 64 * 48 - 1)
    assert refused.status == 1
    assert "64 x 48 pixels are more than the limit of 3,071" in refused.stdout


def test_the_lists_of_tags_are_those_that_change_what_is_shown():
    given = SidecarOptions("auto", 0.5, "dog", "sea", "dog: Rex", stem=True, language="de")

    assert given.lists == ("dog", "sea", "dog: Rex", "de")
