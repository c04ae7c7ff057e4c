"""Files of API keys: one name and one hash per line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vectortag.apps.server.auth import new_key, read_keys
from vectortag.core.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_a_new_key_is_accepted_and_no_other(file: Path):
    web, app = new_key(file, "web"), new_key(file, "app")

    keys = read_keys(file)

    assert web != app
    assert [keys.accepts(key) for key in (web, app, web[:-1], f"{web} ", "")] == [True, True, False, False, False]


def test_the_file_has_hashes_only(file: Path):
    keys = [new_key(file, name) for name in ("web", "app")]

    text = file.read_text()

    assert re.fullmatch(r"web sha256:[0-9a-f]{64}\napp sha256:[0-9a-f]{64}\n", text)
    assert not any(key in text or key.removeprefix("vt_") in text for key in keys)
    assert all(len(key) > 40 for key in keys)


def test_comments_and_empty_lines_are_allowed(file: Path):
    key = new_key(file, "web")
    file.write_text(f"# made by hand\n\n{file.read_text()}")

    assert read_keys(file).accepts(key)
    app = new_key(file, "app")
    assert read_keys(file).accepts(app)
    assert file.read_text().startswith("# made by hand\n")


def test_a_removed_line_is_a_key_that_is_not_accepted_any_more(file: Path):
    web, app = new_key(file, "web"), new_key(file, "app")
    file.write_text(file.read_text().splitlines()[1] + "\n")

    assert [read_keys(file).accepts(key) for key in (web, app)] == [False, True]


def test_a_name_is_used_once(file: Path):
    new_key(file, "web")
    before = file.read_text()

    with pytest.raises(ConfigError, match='has a key "web" already'):
        new_key(file, "web")

    assert file.read_text() == before


@pytest.mark.parametrize("name", ["", "a b", "-web", "a:b", "a\nb"])
def test_a_name_with_other_characters_is_refused_and_nothing_is_written(file: Path, name: str):
    with pytest.raises(ConfigError, match="may have letters, digits"):
        new_key(file, name)

    assert not file.exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no keys"),
        ("# nothing\n", "has no keys"),
        ("web secret\n", ":1: expected NAME sha256:HASH"),
        (f"web sha256:{'0' * 64}\napp sha256:{'0' * 63}\n", ":2: expected NAME sha256:HASH"),
    ],
)
def test_a_file_that_is_no_key_file_is_refused_where_it_is_wrong(file: Path, text: str, problem: str):
    file.write_text(text)

    with pytest.raises(ConfigError, match=problem):
        read_keys(file)


def test_a_file_that_is_not_there_cannot_be_read(file: Path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_keys(file)
