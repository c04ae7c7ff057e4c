"""Counts what tests try, and writes the counts: the fixture `tried`, the marker `long` and the option --record.

`./task.sh test` runs a sample. `./task.sh long` runs every test that is marked `long` or uses `tried`, and writes the
table of docs/reliability.md from the counts.
"""

from __future__ import annotations

import datetime
import json
import platform
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest


class Record:
    """How often each kind of thing was tried and what came of it, and the worst figure of each kind.

    >>> record = Record()
    >>> record("mutated photos", "tagged", 3)
    >>> record.worst("mutated photos", "CPU seconds a photo", 0.25)
    >>> record.as_dict()
    {'mutated photos': {'outcomes': {'tagged': 3}, 'worst': {'CPU seconds a photo': 0.25}}}
    """

    def __init__(self) -> None:
        self._outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._worst: defaultdict[str, dict[str, float]] = defaultdict(dict)

    def __call__(self, kind: str, outcome: str, count: int = 1) -> None:
        """Count `count` things of a kind that had the same outcome."""
        self._outcomes[kind][outcome] += count

    def worst(self, kind: str, name: str, value: float) -> None:
        """Keep a figure of a kind if it is the largest so far."""
        self._worst[kind][name] = max(value, self._worst[kind].get(name, value))

    def add(self, other: Mapping[str, Any]) -> None:
        """Add what `as_dict` of another record gave."""
        for kind, entry in other.items():
            for outcome, count in entry["outcomes"].items():
                self(kind, outcome, count)
            for name, value in entry["worst"].items():
                self.worst(kind, name, value)

    def as_dict(self) -> dict[str, Any]:
        """The counts and figures, kinds in alphabetical order."""
        kinds = sorted({*self._outcomes, *self._worst})
        return {kind: {"outcomes": dict(self._outcomes[kind]), "worst": self._worst[kind]} for kind in kinds}


RECORD = pytest.StashKey[Record]()
RESULTS = pytest.StashKey[Counter[str]]()


@pytest.fixture
def tried(request: pytest.FixtureRequest) -> Record:
    """tried("kind", "outcome"): count one more of what was tried; tried.worst("kind", "name", 1.5): keep a figure."""
    return request.config.stash[RECORD]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, metavar="FILE", help="add what `tried` counted to this JSON file")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "long: too long for every run; ./task.sh long runs it")
    config.addinivalue_line("markers", "tried: uses the fixture of that name; set by itself")
    config.stash[RECORD], config.stash[RESULTS] = Record(), Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tried" in getattr(item, "fixturenames", ()):
            item.add_marker("tried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    if report.when == "call" or (report.when == "setup" and not report.passed):
        item.config.stash[RESULTS][report.outcome] += 1
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if file := session.config.getoption("--record"):
        add_to_file(file, session.config.stash[RECORD], session.config.stash[RESULTS])


def add_to_file(file: Path, record: Record, results: Mapping[str, int]) -> None:
    """Add a run's counts to those of earlier runs in the file."""
    before = json.loads(file.read_text("utf-8")) if file.exists() else {"kinds": {}, "tests": {}}
    together = Record()
    together.add(before["kinds"])
    together.add(record.as_dict())
    content = {
        "date": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}",
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "tests": dict(Counter(before["tests"]) + Counter(results)),
        "kinds": together.as_dict(),
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
