"""What the tests of formats share."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vectortag.data.records import read_data_set

Write = Callable[[str, Any], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write("labels.json", {...}): a file in the test's folder, of text or of JSON."""

    def save(name: str, content: Any) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return save


@pytest.fixture
def read() -> Callable[[Path], dict[str, tuple[set[str], str | None]]]:
    """read(file): what fit and train find in a metadata.csv: the words and the part of each photo, by its name."""

    def rows(file: Path) -> dict[str, tuple[set[str], str | None]]:
        with file.open(newline="") as stream:
            assert next(csv.reader(stream))[:2] == ["image_path", "tags"]
        return {one.path.name: (set(one.words), one.split) for one in read_data_set(file).records}

    return rows
