"""The record of what tests tried."""

from __future__ import annotations

import json
from pathlib import Path

from tried import Record, add_to_file


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
