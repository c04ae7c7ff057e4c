"""Every command that writes, disturbed: what was there stays whole or the new is, and the next run leaves no mess."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ready_interpreter import ReadyInterpreter, StillRunning
from tried import Record
from workplace import Expected, Workplace, check_message, check_next_run, found, restore
from writing_commands import (
    COMMANDS,
    ELSEWHERE,
    READING,
    WRITING_OPTIONS,
    WritingCommand,
    all_commands,
    left_over,
    state_of,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's signals, limits and mounts")

SAMPLE = ("tag, jsonl", "add-tag", "correct", "library add")
"""The commands that every run disturbs; ./task.sh long disturbs all."""
NAMES = [name if name in SAMPLE else pytest.param(name, marks=pytest.mark.long) for name in COMMANDS]
ALL_LONG = [pytest.param(name, marks=pytest.mark.long) for name in COMMANDS]
HEAVY = {"": (), "torch": ("vectortag.train.recipe", "lightning.pytorch", "timm", "onnxscript")}


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
    for name, numbers in (("land", range(8)), ("water", range(8, 24))):
        table = [f"{n}.png,{n % 2},{n % 3 // 2}" for n in numbers]
        (folder / f"{name}.csv").write_text("\n".join(["file_name,dog,sea", *table]) + "\n")
    shutil.copytree(tiny_model, folder / "model")
    return folder


@pytest.fixture(scope="module")
def interpreters() -> Iterator[Callable[[str], ReadyInterpreter]]:
    """interpreters("torch"): one that has imported what a command needs; "" for the command line alone."""
    with ExitStack() as stack:

        @functools.cache
        def ready(needs: str) -> ReadyInterpreter:
            return stack.enter_context(ReadyInterpreter(*HEAVY[needs]))

        yield ready


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, inputs: Path) -> Path:
    """Where all commands run, one after the other: a library knows its photos by their absolute paths."""
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "in").symlink_to(inputs)
    for name in ("out", "home"):
        (folder / "disk" / name).mkdir(parents=True)
    for name in ("photos", "moved"):
        shutil.copytree(inputs / "photos", folder / "disk" / name)
    shutil.copytree(folder / "disk", folder / "untouched")
    return folder


@dataclass(frozen=True)
class Prepared:
    """What a command leaves when nothing disturbs it, and the content of the disk before."""

    expected: Expected
    kept: Path


_prepared: dict[str, Prepared] = {}


@pytest.fixture
def prepared(
    folder: Path,
    inputs: Path,
    interpreters: Callable[[str], ReadyInterpreter],
    worded: Any,
    need: Callable[[object, str], None],
) -> Callable[[str], tuple[Workplace, WritingCommand, Expected]]:
    """prepared(name): the workplace with what the command finds, and what it is expected to leave.

    The command is run twice in peace; files that differ then are not compared with what it leaves when disturbed.
    """
    if not (inputs / "worded").exists():
        shutil.copytree(worded.path, inputs / "worded")

    def prepare(name: str) -> tuple[Workplace, WritingCommand, Expected]:
        command = COMMANDS[name]
        need(not command.needs or importlib.util.find_spec(command.needs), command.needs)
        workplace = Workplace(folder, interpreters(command.needs))
        if command.needs == "torch" and not (inputs / "train.toml").exists():
            configure_training(inputs)
        if name not in _prepared:
            _prepared[name] = run_undisturbed(workplace, command, kept=Path(tempfile.mkdtemp(dir=folder)) / "kept")
        restore(workplace, _prepared[name].kept)
        return workplace, command, _prepared[name].expected

    return prepare


def run_undisturbed(workplace: Workplace, command: WritingCommand, *, kept: Path) -> Prepared:
    restore(workplace, workplace.folder / "untouched")
    for before in command.before:
        workplace.run_well(before)
    shutil.copytree(workplace.disk, kept)
    old = state_of(workplace.disk, command)
    notes = workplace.run_well(command.command, what="COUNT")
    first = state_of(workplace.disk, command)
    restore(workplace, kept)
    workplace.run_well(command.command)
    second = state_of(workplace.disk, command)
    moments = int(notes.rpartition("moments: ")[2].split()[0])
    assert old != first or command.uncompared != "-"
    assert moments > 0
    unsteady = frozenset(path for path in first if first[path] != second.get(path))
    return Prepared(Expected(old, first, unsteady, moments), kept)


def configure_training(inputs: Path) -> None:
    """Write train.toml: one epoch of a small head on a small network with random weights."""
    code = """
import sys, timm, torch
from safetensors.torch import save_file
torch.manual_seed(0)
save_file(timm.create_model("test_resnet").state_dict(), sys.argv[1])
"""
    weights = inputs / "weights.safetensors"
    subprocess.run([sys.executable, "-c", code, weights], check=True)
    (inputs / "train.toml").write_text(
        'name = "mine"\nepochs = 1\nbatch_size = 8\nworkers = 0\nfreeze = "backbone"\n'
        f'[backbone]\narchitecture = "test_resnet"\ninit = "{weights}"\nimage_size = 64\n'
        '[augment]\nresize = 72\nviews = 1\n[vocabulary]\ntaxonomy = "none"\n'
        f'[[data]]\nname = "data"\ncsv = "{inputs / "data/metadata.csv"}"\n'
    )


class TestTheList:
    """What is disturbed is every command that writes."""

    def test_each_command_writes_or_only_reads(self):
        named = {words[:2] if words[0] == "library" else words[:1] for words in map(words_of, COMMANDS)}

        assert {" ".join(words) for words in named}.isdisjoint(READING)
        assert {*(" ".join(words) for words in named), *READING} == set(OPTIONS)

    def test_each_option_that_writes_is_used(self):
        used = {(" ".join(one.command[: 1 + (one.command[0] == "library")]), word)
                for one in COMMANDS.values() for word in one.command}  # fmt: skip

        for command, options in OPTIONS.items():
            for option in options & WRITING_OPTIONS:
                assert command in READING or (command, option) in used | ELSEWHERE.keys(), f"{command} {option}"


def words_of(name: str) -> tuple[str, ...]:
    return tuple(name.partition(",")[0].split())


OPTIONS = {
    " ".join(words): {option for parameter in command.params for option in parameter.opts}
    for words, command in all_commands()
}
"""The options of each command of the program."""


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
            assert left_over(workplace.disk, command.keeps) == [], moment
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
        made_anew = state_of(workplace.disk, command)
        shutil.rmtree(workplace.disk, ignore_errors=True)
        elsewhere.rename(workplace.disk)
        left = found(command, expected, workplace.disk)
        whole = left in ("new", "between/new")  # between: only the plan of shards remained, which is void then
        assert outcome.status or whole or made_anew or name == "refresh --undo"  # nothing is left to forget
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


LIMITS = [
    *((name, "RLIMIT_FSIZE", 100) for name in SAMPLE),
    *(
        pytest.param(name, limit, value, marks=pytest.mark.long)
        for name in COMMANDS
        for limit, value in (
            ("RLIMIT_FSIZE", 100),
            ("RLIMIT_FSIZE", 5000),
            ("RLIMIT_NOFILE", 16),
            ("RLIMIT_NOFILE", 32),
        )
        if (limit, value) != ("RLIMIT_FSIZE", 100) or name not in SAMPLE
    ),
]
LIMITED = {"RLIMIT_FSIZE": "a limit of the file size", "RLIMIT_NOFILE": "a limit of open files"}


@pytest.mark.parametrize(("name", "limit", "value"), LIMITS)
def test_files_are_limited_in_size_or_number(prepared: Any, tried: Record, name: str, limit: str, value: int):
    workplace, command, expected = prepared(name)

    outcome = workplace.run(command.command, limits={limit: value})

    check_message(outcome, statuses={0, 1, 2})
    verdict = found(command, expected, workplace.disk)
    assert outcome.status or verdict == "new"
    tried(LIMITED[limit], verdict)
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
    assert left_over(workplace.disk, command.keeps) == []
    if name in {"correct", "correct --undo"}:  # each of the two counts
        tried("two writers at once", "both")
        return
    verdict = found(command, expected, workplace.disk)
    assert verdict == "new"
    tried("two writers at once", verdict)
    check_next_run(workplace, command, expected)
