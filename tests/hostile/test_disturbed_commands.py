"""Every command that writes, disturbed: what was there stays whole or the new is, and the next run leaves no mess."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ready_interpreter import ReadyInterpreter, StillRunning
from tried import Record
from workplace import Expected, Workplace, check_message, check_next_run, found, restore
from writing_commands import COMMANDS, WritingCommand, left_over, state_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's signals, limits and mounts")

SAMPLE = {"tag, jsonl", "add-tag", "correct"}
"""The commands that every run disturbs; ./task.sh long disturbs all."""
NAMES = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.long) for name in COMMANDS]
ALL_LONG = [pytest.param(name, marks=pytest.mark.long) for name in COMMANDS]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory, tiny_network: bytes, tiny_model: Path) -> Path:
    """Photos, a data set, captions and models, for all commands."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("inputs")
    random = np.random.default_rng(2)
    for part in ("photos", "data"):
        (folder / part).mkdir()
    for number in range(24):
        colours = random.integers(0, 256, (4, 4, 3), np.uint8)
        picture = Image.fromarray(colours).resize((64, 48), Image.Resampling.BICUBIC)
        picture.save(folder / "data" / f"{number}.png")
        if number < 6:
            picture.save(folder / "photos" / f"{number}.png")
    words = ["dog", "sea", "boat", "beach"]
    rows = [
        f'{n}.png,"{words[n % 4]}, {words[(n // 2 + 1) % 4]}",{"val" if n % 3 == 0 else "train"}' for n in range(24)
    ]
    (folder / "data/metadata.csv").write_text("\n".join(["image_path,tags,split", *rows]) + "\n")
    captions = [f"data/{n}.png,a {words[n % 4]} beside a {words[(n + 1) % 4]}" for n in range(24) if n % 3]
    (folder / "captions.csv").write_text("\n".join(["image_path,caption", *captions]) + "\n")
    shutil.copytree(tiny_model, folder / "model")
    return folder


@pytest.fixture(scope="module")
def interpreter() -> Iterator[ReadyInterpreter]:
    with ReadyInterpreter() as ready:
        yield ready


_expected: dict[str, tuple[Expected, Path]] = {}


@pytest.fixture
def workplace(inputs: Path, interpreter: ReadyInterpreter, worded: Any, tmp_path: Path) -> Workplace:
    if not (inputs / "worded").exists():
        shutil.copytree(worded.path, inputs / "worded")
    folder = tmp_path / "workplace"
    (folder / "disk/out").mkdir(parents=True)
    (folder / "disk/home").mkdir()
    (folder / "in").symlink_to(inputs)
    return Workplace(folder, interpreter)


@pytest.fixture
def prepared(
    workplace: Workplace, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Workplace, WritingCommand, Expected]]:
    """prepared(name): the workplace with what the command finds, and what it is expected to leave.

    The command is run twice in peace; files that differ then are not compared with what it leaves when disturbed.
    """

    def prepare(name: str) -> tuple[Workplace, WritingCommand, Expected]:
        command = COMMANDS[name]
        if name not in _expected:
            for before in command.before:
                workplace.run_well(before)
            kept = tmp_path_factory.mktemp("kept") / "disk"
            shutil.copytree(workplace.disk, kept)
            old = state_of(workplace.disk)
            notes = workplace.run_well(command.command, what="COUNT")
            first = state_of(workplace.disk)
            restore(workplace, kept)
            workplace.run_well(command.command)
            second = state_of(workplace.disk)
            unsteady = frozenset(path for path in first if first[path] != second.get(path))
            moments = int(notes.rpartition("moments: ")[2])
            _expected[name] = Expected(old, first, unsteady, moments), kept
            assert old != first
            assert moments > 0
        expected, kept = _expected[name]
        restore(workplace, kept)
        return workplace, command, expected

    return prepare


def moments_of(expected: Expected, count: int) -> list[int]:
    """Some moments: the first, the last, and some between; the middle one if it is only one."""
    if count == 1:
        return [(expected.moments + 1) // 2]
    return sorted({round(moment) for moment in np.linspace(1, expected.moments, min(count, expected.moments))})


SIGNALS = {"SIGKILL": {-signal.SIGKILL}, "SIGTERM": {143}, "SIGHUP": {129}, "SIGINT": {130}}


@pytest.mark.parametrize("name", ALL_LONG)
@pytest.mark.parametrize("number", SIGNALS)
def test_ended_by_a_signal(prepared: Any, tried: Record, name: str, number: str):
    workplace, command, expected = prepared(name)
    for moment in moments_of(expected, 4 if number == "SIGKILL" else 1):
        workplace, command, expected = prepared(name)

        outcome = workplace.run(command.command, moment=moment, what=number)

        plain = -getattr(signal, number)  # of `serve`, which answers signals itself once it listens
        assert outcome.status in SIGNALS[number] | ({plain} if name.startswith("serve") else set()), (moment, outcome)
        if outcome.status >= 0:
            check_message(outcome, statuses=SIGNALS[number])
            assert left_over(workplace.disk) == [], moment
        tried(f"{number} at a write", found(command, expected, workplace.disk))
        check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", NAMES)
def test_killed_in_the_middle(prepared: Any, tried: Record, name: str):
    workplace, command, expected = prepared(name)

    outcome = workplace.run(command.command, moment=(expected.moments + 1) // 2, what="SIGKILL")

    assert outcome.status == -signal.SIGKILL
    tried("SIGKILL at a write", found(command, expected, workplace.disk))
    check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
def test_killed_at_random_times(prepared: Any, tried: Record, name: str):
    random = np.random.default_rng(len(name))
    for _ in range(2):
        workplace, command, expected = prepared(name)
        run = workplace.start(command.command)
        try:
            run.wait(float(random.uniform(0, 0.6)))
        except StillRunning:
            os.kill(run.pid, signal.SIGKILL)
            run.wait(60)
        tried("SIGKILL at a random time", found(command, expected, workplace.disk))
        check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
def test_the_folder_vanishes(prepared: Any, tried: Record, name: str):
    workplace, command, expected = prepared(name)
    for moment in moments_of(expected, 2):
        workplace, command, expected = prepared(name)

        outcome = workplace.run(command.command, moment=moment, what="vanish")

        elsewhere = workplace.folder / "disk-elsewhere"
        check_message(outcome, statuses={0, 1, 2})
        made_anew = state_of(workplace.disk)
        shutil.rmtree(workplace.disk, ignore_errors=True)
        elsewhere.rename(workplace.disk)
        left = found(command, expected, workplace.disk)
        assert outcome.status or left == "new" or made_anew or name == "refresh --undo"  # nothing is left to forget
        tried("the folder vanishes", left)
        check_next_run(workplace, command, expected)


@contextmanager
def mounted(disk: Path) -> Iterator[Callable[[str], None]]:
    """A file system of its own with the content of a folder; the yielded function mounts it again with options."""
    copy = disk.with_name("copy")
    shutil.copytree(disk, copy)
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        shutil.copytree(copy, disk, dirs_exist_ok=True)
        yield lambda options: subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True) and None
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
        shutil.rmtree(copy)


@pytest.mark.parametrize("name", ALL_LONG)
@pytest.mark.parametrize("free", [0, 8192])
def test_the_disk_is_full(prepared: Any, tried: Record, name: str, free: int):
    workplace, command, expected = prepared(name)
    with mounted(workplace.disk) as remount:
        used = os.statvfs(workplace.disk)
        remount(f"size={(used.f_blocks - used.f_bfree) * used.f_frsize + free}")

        outcome = workplace.run(command.command)

        check_message(outcome, statuses={0, 1, 2})
        verdict = found(command, expected, workplace.disk)
        assert outcome.status or verdict == "new"
        tried("a full disk", verdict)
        remount("size=64m")
        check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
def test_the_disk_is_read_only(prepared: Any, tried: Record, name: str):
    workplace, command, expected = prepared(name)
    with mounted(workplace.disk) as remount:
        remount("ro")

        outcome = workplace.run(command.command)

        check_message(outcome, statuses={1, 2})
        remount("rw")
        tried("a read-only disk", found(command, expected, workplace.disk))
        check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [100, *(pytest.param(one, marks=pytest.mark.long) for one in (5000,))])
def test_no_file_may_be_larger(prepared: Any, tried: Record, name: str, size: int):
    workplace, command, expected = prepared(name)

    outcome = workplace.run(command.command, limits={"RLIMIT_FSIZE": size})

    check_message(outcome, statuses={0, 1, 2})
    verdict = found(command, expected, workplace.disk)
    assert outcome.status or verdict == "new"
    tried("a limit of the file size", verdict)
    check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
@pytest.mark.parametrize("files", [16, 32])
def test_few_files_may_be_open(prepared: Any, tried: Record, name: str, files: int):
    workplace, command, expected = prepared(name)

    outcome = workplace.run(command.command, limits={"RLIMIT_NOFILE": files})

    check_message(outcome, statuses={0, 1, 2})
    verdict = found(command, expected, workplace.disk)
    assert outcome.status or verdict == "new"
    tried("a limit of open files", verdict)
    check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
@pytest.mark.parametrize("megabytes", [700, 1400])
def test_memory_is_short(prepared: Any, tried: Record, name: str, megabytes: int):
    workplace, command, expected = prepared(name)
    outcome = workplace.run(command.command, limits={"RLIMIT_AS": megabytes << 20})

    verdict = found(command, expected, workplace.disk)
    assert outcome.status or verdict == "new"
    tried("a limit of memory", verdict)
    check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
def test_the_clock_runs_backwards(prepared: Any, tried: Record, name: str):
    workplace, command, expected = prepared(name)
    for path in workplace.disk.rglob("*"):
        os.utime(path, (4e9, 4e9))  # in the year 2096

    workplace.run_well(command.command, what="BACKWARDS")

    verdict = found(command, expected, workplace.disk)
    assert verdict == "new"
    tried("a clock that runs backwards", verdict)
    check_next_run(workplace, command, expected)


@pytest.mark.parametrize("name", ALL_LONG)
def test_two_at_once(prepared: Any, tried: Record, name: str):
    workplace, command, expected = prepared(name)

    outcomes = [run.wait(300) for run in [workplace.start(command.command), workplace.start(command.command)]]

    for outcome in outcomes:
        check_message(outcome, statuses={0, 1, 2})
    assert 0 in [outcome.status for outcome in outcomes]
    assert left_over(workplace.disk) == []
    if name in {"correct", "correct --undo"}:  # each of the two counts
        tried("two writers at once", "both")
        return
    verdict = found(command, expected, workplace.disk)
    assert verdict == "new"
    tried("two writers at once", verdict)
    check_next_run(workplace, command, expected)
