"""Thousands of damaged photos of all formats: each is tagged or an error with its name; bounded, in order, no crash."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mutations import mutated
from tried import Record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads memory as Linux counts it")

MEASURED = """
import json, sys, time
from vectortag.runtime import pixels
longest, plain = [0.0], pixels.decode_upright
def decode(*arguments, **options):
    before = time.thread_time()
    try:
        return plain(*arguments, **options)
    finally:
        longest[0] = max(longest[0], time.thread_time() - before)
pixels.decode_upright = decode
def peak(process):  # ru_maxrss counts the program that started this one, too
    with open(f"/proc/{process}/status") as lines:
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM:")).split()[1])
def report(**more):
    memory = peak("self")
    sys.stderr.write("\\n" + json.dumps({"memory": memory, "seconds": longest[0], **more}) + "\\n")
"""
"""The start of a program that knows how many CPU seconds its slowest photo took, and how much memory it had."""

COMMAND = """
from vectortag.apps.cli.app import run
report(status=run(sys.argv[1:]))
"""
PYTHON = """
import warnings
from pathlib import Path
warnings.filterwarnings("ignore", module=r"PIL\\.")  # Python's users choose for themselves
from vectortag import FailedTagging, Tagger
folder = Path(sys.argv[1])
photos = sorted(folder.iterdir())
contents = (photo.read_bytes() if number % 2 else photo for number, photo in enumerate(photos))
found = [isinstance(one, FailedTagging) for one in Tagger.load(sys.argv[2]).tag_many(contents)]
report(records=len(found), failed=sum(found))
"""
PAGE = """
from pathlib import Path
from vectortag.apps.ui.session_photos import read_photo
from vectortag.core.errors import PhotoError
records = failed = 0
for photo in sorted(Path(sys.argv[1]).iterdir()):
    records += 1
    try:
        read_photo(photo.name, photo.read_bytes(), key=photo.name)
    except PhotoError as error:
        assert str(error).startswith(photo.name), error
        failed += 1
report(records=records, failed=failed)
"""


@pytest.fixture
def write_photos(tmp_path: Path) -> Any:
    """write_photos(range(...)): a folder of the damaged photos with these seeds; names sort as seeds do."""

    def write(seeds: range) -> Path:
        folder = tmp_path / f"photos-{seeds[0]}"
        folder.mkdir()
        for seed in seeds:
            name, content = mutated(seed)
            (folder / f"{seed:06}-{name}").write_bytes(content)
        return folder

    return write


def measured(program: str, *arguments: object, cwd: Path, seconds: int) -> dict[str, Any]:
    """Run a program in a process of its own, and return what it reports at its end."""
    outcome = subprocess.run(
        [sys.executable, "-c", MEASURED + program, *map(str, arguments)],
        cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    *notes, report = outcome.stderr.strip().splitlines()
    assert outcome.returncode == 0, outcome.stderr[-2000:]
    return {**json.loads(report), "notes": [line for line in notes if line]}


def check(report: dict[str, Any], kind: str, tried: Record, *, records: int, failed: int) -> None:
    tried(kind, "tagged" if "page" not in kind else "shown", records - failed)
    tried(kind, "an error with its name", failed)
    tried.worst(kind, "CPU seconds of one photo", round(report["seconds"], 2))
    tried.worst(kind, "MB of memory", round(report["memory"] / 1e6))
    assert report["seconds"] < 5
    assert report["memory"] < 1e9


def parts(count: int, *, size: int = 1000, first: int = 0) -> list[range]:
    return [range(start, min(start + size, first + count)) for start in range(first, first + count, size)]


@pytest.mark.parametrize("seeds", [range(250), *(pytest.param(one, marks=pytest.mark.long) for one in parts(10_000))])
def test_the_command_has_one_record_per_file_in_order(
    write_photos: Any, tiny_model: Path, tmp_path: Path, tried: Record, seeds: range
):
    folder = write_photos(seeds)

    report = measured(
        COMMAND, "tag", folder.name, "--format", "jsonl", "--output", "out", "--model", tiny_model,
        cwd=tmp_path, seconds=600,
    )  # fmt: skip
    lines = [json.loads(line) for line in (tmp_path / "out").read_text("utf-8").splitlines()]
    failed = [line for line in lines if "error" in line]

    assert [line["path"] for line in lines] == [f"{folder.name}/{file.name}" for file in sorted(folder.iterdir())]
    assert all(("tags" in line) != ("error" in line) for line in lines)
    assert all(line["error"]["message"].startswith(line["path"]) for line in failed)
    assert report["status"] == bool(failed)
    assert report["notes"] == ([f"{len(failed)} of {len(lines)} photos could not be tagged"] if failed else [])
    check(report, "mutated photos, command line", tried, records=len(lines), failed=len(failed))


@pytest.mark.parametrize("program", ["python", "page"])
@pytest.mark.parametrize(
    "seeds", [range(20_000, 20_100), *(pytest.param(one, marks=pytest.mark.long) for one in parts(1000, first=20_000))]
)
def test_so_have_python_and_the_page(
    write_photos: Any, tiny_model: Path, tmp_path: Path, tried: Record, seeds: range, program: str
):
    folder = write_photos(seeds)

    report = measured({"python": PYTHON, "page": PAGE}[program], folder, tiny_model, cwd=tmp_path, seconds=300)

    assert report["records"] == len(seeds)
    check(report, f"mutated photos, {program}", tried, records=report["records"], failed=report["failed"])


@pytest.fixture
def service(tiny_model: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`vectortag serve`, and its port."""
    program = "from vectortag.apps.entry import main; main()"
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--model", str(tiny_model)]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        for line in process.stderr:
            if "listening" in line:
                yield process, int(line.rsplit(":", 1)[1])
                return
        pytest.fail("the service did not start")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    "seeds", [range(30_000, 30_100), *(pytest.param(one, marks=pytest.mark.long) for one in parts(1000, first=30_000))]
)
def test_the_service_answers_each(service: tuple[subprocess.Popen[str], int], tried: Record, seeds: range):
    process, port = service
    assert process.stderr is not None
    statuses = []
    for seed in seeds:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("POST", "/v1/tag", mutated(seed)[1], {"Content-Type": "image/jpeg"})
            answer = connection.getresponse()
            body = json.loads(answer.read())
        statuses.append(answer.status)
        assert ("photos" in body) == (answer.status == 200), body
    status = Path(f"/proc/{process.pid}/status").read_text()
    memory = 1024 * int(status.partition("VmHWM:")[2].split()[0])
    process.send_signal(signal.SIGTERM)
    assert process.stderr.read() == ""
    process.wait()

    assert set(statuses) <= {200, 400, 413, 415, 422}
    assert process.returncode == 0
    for one in statuses:
        tried("mutated photos, service", "tagged" if one == 200 else "refused with a reason")
    tried.worst("mutated photos, service", "MB of memory", round(memory / 1e6))
    assert memory < 1e9
