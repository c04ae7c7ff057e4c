"""The record of what tests tried."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
from tried import Record, add_to_file

DOCS = Path(__file__).parents[1] / "docs"


def test_a_second_run_adds_to_the_first(tmp_path: Path):
    file = tmp_path / "build/record.json"
    for seconds in (2.0, 1.0):
        record = Record()
        record("kills", "the old file", 2)
        record.worst("kills", "seconds", seconds)
        add_to_file(file, record, {"passed": 3})

    content = json.loads(file.read_text("utf-8"))

    assert content["kinds"] == {"kills": {"outcomes": {"the old file": 4}, "worst": {"seconds": 2.0}}}
    assert content["tests"] == {"passed": 6}


def test_the_page_shows_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = importlib.util.spec_from_file_location("write_reliability", DOCS / "write_reliability.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    page, file = tmp_path / "page.md", tmp_path / "record.json"
    page.write_text((DOCS / "reliability.md").read_text("utf-8"), "utf-8")
    monkeypatch.setattr(module, "PAGE", page)
    record = Record()
    record("kills", "old", 1200)
    record.worst("kills", "MB", 12.5)
    add_to_file(file, record, {"passed": 3})

    for _ in range(2):  # the second replaces what the first wrote
        module.main([str(file)])

    assert page.read_text("utf-8").count("| kills | 1,200 | old: 1,200 | 12.5 MB |\n") == 1
