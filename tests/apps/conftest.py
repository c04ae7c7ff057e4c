"""The command line, called as the console script calls it, without the cost of a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from vectortag.apps.cli.app import run


class Outcome(NamedTuple):
    """What a command leaves: its exit status, data and notes."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """cli("tag", path, "--top-k", 3): run a command of vectortag."""

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        return Outcome(status, *capsys.readouterr())

    return call
