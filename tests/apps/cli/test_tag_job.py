"""A `tag` job that was broken off goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.inference.tagger import Tagger

Cli = Callable[..., Any]


@pytest.fixture
def photos(make_photo: Callable[..., Path], tmp_path: Path) -> Path:
    for seed in range(5):
        make_photo(f"photos/{seed}.jpg", seed=seed)
    (tmp_path / "photos" / "9.jpg").write_bytes(b"no photo")
    return tmp_path / "photos"


@pytest.fixture
def command(photos: Path, tiny_model: Path, tmp_path: Path) -> list[object]:
    return ["tag", photos, "--model", tiny_model, "--output", tmp_path / "x.jsonl", "--resume"]


@pytest.fixture
def broken_off(cli: Cli, command: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """FILE.part with two lines and a half, as a kill leaves it."""
    whole = cli(*[word for word in command if word != "--resume"])
    assert whole.status == 1
    (tmp_path / "x.jsonl").rename(tmp_path / "whole.jsonl")
    real = Tagger.tag_many

    def stop_after_two(self: Tagger, photos: Any) -> Any:
        for count, result in enumerate(real(self, photos)):
            if count == 2:
                raise KeyboardInterrupt
            yield result

    with monkeypatch.context() as patch:
        patch.setattr(Tagger, "tag_many", stop_after_two)
        assert cli(*command).status == 130
    with (tmp_path / "x.jsonl.part").open("ab") as file:
        file.write(b'{"path": "half a li')
    assert not (tmp_path / "x.jsonl").exists()
    return tmp_path / "x.jsonl.part"


def test_it_tags_only_what_is_left_and_ends_as_if_it_had_not_been(
    broken_off: Path, cli: Cli, command: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    seen: list[str] = []
    real = Tagger.tag_many
    monkeypatch.setattr(
        Tagger, "tag_many", lambda self, photos: real(self, (seen.append(Path(p).name) or p for p in photos))
    )

    done = cli(*command)

    assert done.status == 1  # 9.jpg is no photo
    assert "continuing: 2 photos are done" in done.stderr
    assert seen == ["2.jpg", "3.jpg", "4.jpg", "9.jpg"]
    lines = [
        [json.loads(line) for line in (tmp_path / name).read_text().splitlines()] for name in ("x.jsonl", "whole.jsonl")
    ]
    assert [line["path"] for line in lines[0]] == [line["path"] for line in lines[1]]
    assert [line.get("tags", "") == "" for line in lines[0]] == [False] * 5 + [True]
    assert not broken_off.exists()


def test_without_anything_to_go_on_with_it_does_all(cli: Cli, command: list[object], tmp_path: Path):
    assert cli(*command).status == 1

    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 6
    assert not (tmp_path / "x.jsonl.part").exists()


@pytest.mark.parametrize(
    ("more", "name"), [(["--threshold", "0.2"], "threshold"), (["--profile", "precise"], "profile")]
)
def test_with_other_options_it_is_refused(
    broken_off: Path, cli: Cli, command: list[object], more: list[str], name: str
):
    before = broken_off.read_bytes()

    done = cli(*command, *more)

    assert done.status == 2
    assert f"x.jsonl.part: was begun with {name}" in done.stderr
    assert broken_off.read_bytes() == before


def test_with_another_model_it_is_refused(broken_off: Path, cli: Cli, command: list[object], two_sizes):
    done = cli(*command, "--model", two_sizes.path)

    assert done.status == 2
    assert "was begun with model tiny@" in done.stderr


def test_another_file_of_that_name_is_not_replaced(cli: Cli, command: list[object], tmp_path: Path):
    (tmp_path / "x.jsonl.part").write_text("my notes\n")

    done = cli(*command)

    assert done.status == 2
    assert "is not a job file of vectortag tag" in done.stderr
    assert (tmp_path / "x.jsonl.part").read_text() == "my notes\n"
