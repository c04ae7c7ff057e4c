"""TOML of strangers."""

from __future__ import annotations

import pytest

from vectortag.core.toml import DEEPEST, TomlError, parse_toml


def test_ordinary_files_are_read():
    assert parse_toml('a = 1\n[b.c]\nd = ["e", { f = 2 }]\n') == {"a": 1, "b": {"c": {"d": ["e", {"f": 2}]}}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a = ", "Invalid value"),
        ("a = " + "9" * 5000, "digits"),
        ("a = " + "[" * 100_000, "levels"),
        ("a = " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "levels"),
        ("[" + ".".join(["a"] * 2000) + "]\nb = 1", "levels"),
    ],
    ids=["no value", "a long number", "open lists", "one level too many", "tables in tables"],
)
def test_what_cannot_be_read_has_a_reason(text: str, reason: str):
    with pytest.raises(TomlError, match=reason):
        parse_toml(text)
