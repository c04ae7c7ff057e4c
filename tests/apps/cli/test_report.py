"""vectortag report"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Cli = Callable[..., Any]


def test_it_says_where_the_report_is(cli: Cli, tiny_model: Path, make_data_set: Callable[..., Path], tmp_path: Path):
    words = {"1.jpg": "dog", "2.jpg": "sea", "3.jpg": "dog, sea"}
    data = make_data_set(words, splits={"1.jpg": "train", "2.jpg": "val", "3.jpg": "val"})

    outcome = cli("report", tiny_model, data, "--output", tmp_path / "report")

    assert (outcome.status, outcome.stdout) == (0, f"{tmp_path / 'report' / 'README.md'}\n")
    assert "| photos | 2 |" in (tmp_path / "report/README.md").read_text()


def test_a_data_set_that_is_not_there_is_named(cli: Cli, tiny_model: Path, tmp_path: Path):
    outcome = cli("report", tiny_model, tmp_path / "nowhere", "--output", tmp_path / "report")

    assert (outcome.status, outcome.stdout) == (1, "")
    assert "nowhere" in outcome.stderr
