"""An update that is killed goes on where it was, and two updates at once do no harm: real processes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tried import Record

from vectortag.library.library import Library
from vectortag.library.schema import find_damage
from vectortag.library.update_lock import update_lock

PHOTOS, KILLS = 240, 3
MANY_PHOTOS, MANY_KILLS = 2000, 30
MAIN = "from vectortag.apps.entry import main; main()"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


@pytest.fixture(scope="module")
def many_photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PHOTOS photos and a broken one."""
    return make_photos(tmp_path_factory.mktemp("many"), PHOTOS)


def make_photos(folder: Path, count: int) -> Path:
    """Photos in folders of fifty, of which every tenth has the same content as another, and one cannot be read."""
    for number in range(count):
        path = folder / f"{number // 50}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        colours = np.random.default_rng(number // 10 * 10 if number % 10 == 1 else number).integers(0, 256, (4, 4, 3))
        Image.fromarray(colours.astype(np.uint8)).resize((64, 48)).save(path)
    (folder / "0" / "bad.jpg").write_bytes(b"no photo")
    return folder


Start = Callable[[Path], "subprocess.Popen[str]"]


@pytest.fixture
def start(tiny_model: Path) -> Iterator[Start]:
    """start(library): an update in a process of its own, whose batches are small."""
    running = []
    code = f"from vectortag.library import update; update.BATCH = 8; {MAIN}"

    def run(library: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", code, "library", "update", "--library", library, "--model", tiny_model]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def content_of(library: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that a library holds, but for times and for numbers that depend on the order of work."""
    queries = {
        "photos": "SELECT path, size, content, taken, width, height, error, gone FROM photos ORDER BY path",
        "analyses": "SELECT DISTINCT content, codes, embedding FROM analyses ORDER BY content",
        "shown": "SELECT tag, content, round(score, 4) FROM shown ORDER BY tag, content",
        "models": "SELECT name, digest, tags FROM models",
    }
    with closing(sqlite3.connect(library)) as database:
        return {name: database.execute(query).fetchall() for name, query in queries.items()}


def analyses_in(library: Path) -> int:
    with closing(sqlite3.connect(library)) as database:
        return int(database.execute("SELECT count(*) FROM analyses").fetchone()[0])


def made(library: Path, photos: Path) -> Path:
    with Library.open(library) as opened:
        opened.add(photos)
    return library


@pytest.mark.parametrize(
    ("count", "kills"), [(PHOTOS, KILLS), pytest.param(MANY_PHOTOS, MANY_KILLS, marks=pytest.mark.long)]
)
def test_an_update_that_is_killed_again_and_again_ends_as_one_that_was_not(
    count: int, kills: int, start: Start, tmp_path: Path, tried: Record
):
    photos = make_photos(tmp_path / "photos", count)
    whole, killed = made(tmp_path / "whole.sqlite", photos), made(tmp_path / "killed.sqlite", photos)
    _, errors = start(whole).communicate(timeout=600)
    assert f"{count + 1:,} photos, {count + 1:,} new" in errors

    at_work = 0
    for analysed in sorted(random.Random(0).sample(range(count // 2), kills)):
        process = start(killed)
        while process.poll() is None and analyses_in(killed) < analysed:
            time.sleep(0.005)
        time.sleep(random.Random(analysed).uniform(0, 0.02))
        at_work += process.poll() is None
        process.kill()
        process.communicate()
        assert find_damage(killed) == []
    assert at_work > kills // 2
    start(killed).communicate(timeout=600)

    assert content_of(killed) == content_of(whole)
    tried("updates of a library that were killed at work", "went on, and ended as one that was not", at_work)


def test_ctrl_c_finishes_what_is_in_hand_and_says_how_to_go_on(many_photos: Path, start: Start, tmp_path: Path):
    library = made(tmp_path / "library.sqlite", many_photos)
    process = start(library)
    while process.poll() is None:
        if analyses_in(library) > 0:
            break
    process.send_signal(signal.SIGINT)

    _, errors = process.communicate(timeout=600)

    assert process.returncode == 128 + signal.SIGINT, errors
    assert f"To continue: vectortag library update --library {library}" in errors
    assert "Traceback" not in errors
    start(library).communicate(timeout=600)
    with closing(sqlite3.connect(library)) as database:
        assert database.execute("SELECT count(*) FROM photos WHERE content IS NULL").fetchone() == (1,)


def test_of_two_updates_at_once_neither_does_harm(many_photos: Path, start: Start, tmp_path: Path):
    whole, library = made(tmp_path / "whole.sqlite", many_photos), made(tmp_path / "library.sqlite", many_photos)

    for process in [start(library), start(library), start(whole)]:
        process.communicate(timeout=600)

    assert content_of(library) == content_of(whole)
    assert find_damage(library) == []


def test_a_second_update_says_that_it_waits(many_photos: Path, start: Start, tmp_path: Path):
    library = made(tmp_path / "library.sqlite", many_photos)

    with update_lock(library):
        process = start(library)
        assert process.stderr is not None
        line = process.stderr.readline()

    assert f"process {os.getpid()} is updating this library; waiting for it" in line
    assert f"{PHOTOS + 1:,} photos, {PHOTOS + 1:,} new" in process.communicate(timeout=600)[1]


def test_an_update_goes_on_while_others_read_and_decide(many_photos: Path, start: Start, tmp_path: Path):
    library = made(tmp_path / "library.sqlite", many_photos)
    process, decided = start(library), 0

    with Library.open(library) as opened:
        while process.poll() is None:
            opened.change_setting("parent", f"auto{decided}")
            opened.status()
            decided += 1

    assert "unreadable photos" in process.communicate()[1]
    assert decided > 3
    with Library.open(library) as opened:
        assert opened.setting("parent") == f"auto{decided - 1}"
        assert opened.status().roots[0].photos == PHOTOS + 1
