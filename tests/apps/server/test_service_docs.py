"""docs/service.md says what is so: its curl lines are run, its limits and problems are those of the code."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "docs/service.md").read_text("utf-8")
BLOCKS = [block for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) if "curl" in block]


def test_the_curl_lines_work(server, photos, tmp_path, need):
    need(shutil.which("curl"), "curl")
    for name, photo in photos.items():
        (tmp_path / name).write_bytes(photo)
    lines = [line for block in BLOCKS for line in block.splitlines()]
    assert len(lines) >= 8

    for line in lines:
        command = line.replace("http://127.0.0.1:8000", server.address).replace(
            "curl ", "curl -sS --fail-with-body ", 1
        )
        outcome = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, f"{line}\n{outcome.stdout}\n{outcome.stderr}"
    assert (tmp_path / "cat.cat.png").read_bytes().startswith(b"\x89PNG")


def test_the_answer_that_is_shown_has_the_form_of_the_answer(server, cat):
    shown = json.loads(re.search(r"```json\n(\{\"model\".*?)```", TEXT, re.DOTALL)[1])

    answer = server.post("/v1/tag?top_k=3", cat).json

    assert form_of(shown) == form_of(answer)


def form_of(value: object) -> object:
    """A JSON value with names and types in the place of values."""
    if isinstance(value, dict):
        return {name: form_of(inner) for name, inner in value.items()}
    return [form_of(inner) for inner in value] if isinstance(value, list) else type(value)


def test_every_problem_is_listed():
    code = "\n".join(file.read_text("utf-8") for file in (ROOT / "src/vectortag/apps/server").glob("*.py"))
    kinds = set(re.findall(r"Problem\(\s*\d{3},\s*\"([a-z-]+)\"", code))
    assert len(kinds) > 15

    section = TEXT.partition("## Problems")[2].partition("\n## ")[0]

    assert kinds <= set(re.findall(r"`([a-z-]+)`", section))


@pytest.mark.parametrize(
    ("shown", "limit"),
    [
        ("| bytes of a photo | 32 MiB |", lambda limits: limits.file_bytes == 32 * 2**20),
        ("| bytes of a request | 128 MiB |", lambda limits: limits.request_bytes == 128 * 2**20),
        ("| photos in a request | 64 |", lambda limits: limits.files == 64),
        ("| pixels of a photo | 100 million |", lambda limits: limits.pixels == 100_000_000),
        ("| photos in the queue | 256 |", lambda limits: limits.queue == 256),
        ("the memory to decode them | 512 MiB |", lambda limits: limits.memory == 512 * 2**20),
        ("| time to receive a request, and again to answer it | 30 s |", lambda limits: limits.seconds == 30),
        ("| time without a byte while a request is received | 5 s |", lambda limits: limits.silence == 5),
    ],
)
def test_the_limits_are_those_of_the_code(server, shown, limit):
    assert shown in TEXT
    assert limit(server.service.limits)


def test_every_counter_is_listed(server):
    text = server.ask("GET", "/metrics").body.decode()
    names = set(re.findall(r"^# TYPE (vectortag_\w+) (?:counter|gauge|histogram)$", text, re.MULTILINE))
    assert len(names) > 6

    for name in names:
        assert name in TEXT or name.endswith("_created"), name
