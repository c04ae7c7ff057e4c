"""Tagging, explaining and evaluating talk to nobody, start no program, and write only where they should: by strace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CREATING = "creat|link|linkat|symlink|symlinkat|mkdir|mkdirat|mknod|mknodat|rename|renameat|renameat2|unlink|unlinkat"
CALL = re.compile(r"^\d+ +(\w+)\((.*)$", re.MULTILINE)
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
MAIN = "from vectortag.apps.entry import main; main()"


@dataclass(frozen=True)
class Watched:
    """What a program and all that it started were seen to do: calls to the internet, programs, paths changed."""

    internet: list[str]
    programs: list[str]
    changed: set[Path]


@pytest.fixture
def watch(need: Callable[[object, str], None], tmp_path: Path) -> Callable[..., Watched]:
    """watch("code", "argument"): run Python in `tmp_path`, with a new home folder in it, and look on."""
    strace = shutil.which("strace")
    need(strace and subprocess.run([strace, "-f", "true"], capture_output=True, check=False).returncode == 0, "strace")
    (tmp_path / "home").mkdir()

    def run(code: str, *arguments: object) -> Watched:
        trace = tmp_path / "trace"
        command = [str(strace), "-f", "-qq", "-s", "4096", "-e", "trace=%network,%file", "-o", str(trace)]
        # Python's own files of compiled code are not ours; without a VECTORTAG_HOME the platform's folders are taken.
        environment = {"PATH": os.environ["PATH"], "HOME": f"{tmp_path}/home", "PYTHONDONTWRITEBYTECODE": "1"}
        outcome = subprocess.run(
            [*command, sys.executable, "-c", code, *map(str, arguments)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome.returncode == 0, outcome.stderr
        calls = CALL.findall(trace.read_text(errors="replace"))
        return Watched(
            internet=[f"{name}({rest}" for name, rest in calls if "AF_INET" in rest],
            programs=[rest for name, rest in calls if name.startswith("execve")],
            changed={tmp_path / path for path in changed_by(calls)},
        )

    return run


def changed_by(calls: list[tuple[str, str]]) -> Iterator[str]:
    """The paths that are made, written, renamed or removed, or were to be."""
    for name, rest in calls:
        opens = name in {"open", "openat"} and re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", rest)
        if opens or re.fullmatch(CREATING, name):
            yield from QUOTED.findall(rest)


def test_the_watch_sees_what_it_should(watch: Callable[..., Watched], tmp_path: Path):
    code = """
import os, socket, subprocess
os.makedirs("made")
open("made/a", "w").close()
os.rename("made/a", "made/b")
subprocess.run(["true"])
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(("127.0.0.1", 9))
"""
    watched = watch(code)

    assert any(call.startswith("connect(") and "127.0.0.1" in call for call in watched.internet)
    assert len(watched.programs) >= 2
    assert {tmp_path / "made", tmp_path / "made/a", tmp_path / "made/b"} <= watched.changed


@pytest.mark.parametrize(
    "arguments",
    [
        ("tag", "photos", "--format", "jsonl", "--output", "out/tags.jsonl"),
        ("explain", "photos/1.jpg", "--tag", "animal", "--tag", "sea", "--output", "out"),
        ("evaluate", "model", "photos", "--output", "out/report.json"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_no_connection_no_program_and_no_file_out_of_place(
    watch: Callable[..., Watched],
    make_data_set: Callable[..., Path],
    tiny_model: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
):
    make_data_set({"1.jpg": "dog", "2.jpg": "sea"})
    shutil.copytree(tiny_model, tmp_path / "model")
    (tmp_path / "out").mkdir()

    watched = watch(MAIN, *arguments, *(() if "model" in arguments else ("--model", "model")))

    assert watched.internet == []
    assert len(watched.programs) == 1  # Python itself
    allowed = [tmp_path / "out", *(tmp_path / "home" / place for place in (".cache", ".local/share/vectortag"))]
    assert [path for path in watched.changed if not any(path.is_relative_to(place) for place in allowed)] == []
    assert any(path.is_relative_to(tmp_path / "out") for path in watched.changed)
    left = {path.name for path in (tmp_path / "home/.cache").iterdir()}
    assert left == {"vectortag"}
