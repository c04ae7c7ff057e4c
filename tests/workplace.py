"""A place where a command is run and disturbed, and what is expected of the files that it changes."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ready_interpreter import Outcome, ReadyInterpreter, Run
from writing_commands import LEFT_OVER, State, WritingCommand, left_over, state_of

from vectortag.data.shards.layout import PLAN
from vectortag.library.schema import find_damage

PROGRAM = """
import atexit, os, signal, sys, time
disk, moment, what = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1)
count, writing = [0], os.O_WRONLY | os.O_RDWR | os.O_CREAT
EVENTS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "sqlite3.connect"}
def is_on_disk(path):
    name = os.fsdecode(path) if isinstance(path, (str, bytes, os.PathLike)) else ""
    return name and os.path.abspath(name).startswith(disk)
def watch(event, arguments):
    if event not in EVENTS or not any(map(is_on_disk, arguments[:2])):
        return
    if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & writing):
        return
    count[0] += 1
    if count[0] != moment:
        return
    if what == "vanish":
        os.rename(disk, disk + "-elsewhere")
    else:
        os.kill(os.getpid(), getattr(signal, what))
if what == "COUNT":
    atexit.register(lambda: sys.stderr.write(f"\\nmoments: {count[0]}\\n"))
if what == "BACKWARDS":
    now, back = time.time(), [0]
    def earlier():
        back[0] += 1
        return now - 86_400 * back[0]
    time.time = earlier
    time.time_ns = lambda: int(earlier() * 1e9)
for name in ("SIGHUP", "SIGTERM"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)  # whoever runs the tests may ignore them
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.addaudithook(watch)
from vectortag.apps.entry import main
main()
"""
"""Runs a command; at the n-th time that it opens, renames or removes something on its disk, something happens."""


@dataclass
class Workplace:
    """A folder with inputs, and `disk/` with what a command changes."""

    folder: Path
    interpreter: ReadyInterpreter

    @property
    def disk(self) -> Path:
        return self.folder / "disk"

    def start(
        self, command: tuple[str, ...], *, moment: int = 0, what: str = "nothing", limits: dict[str, int] | None = None
    ) -> Run:
        arguments = [str(self.disk), str(moment), what, *command]
        home = {"VECTORTAG_HOME": str(self.disk / "home")}
        return self.interpreter.start(PROGRAM, arguments, cwd=self.folder, environment=home, limits=limits)

    def run(self, command: tuple[str, ...], **options: Any) -> Outcome:
        return self.start(command, **options).wait(300)

    def run_well(self, command: tuple[str, ...], **options: Any) -> str:
        outcome = self.run(command, **options)
        assert outcome.status == 0, f"{command}: {outcome.stderr[-3000:]}"
        return outcome.stderr


@dataclass(frozen=True)
class Expected:
    """What a command finds and leaves, and how often it touches the disk meanwhile."""

    old: State
    new: State
    unsteady: frozenset[str]
    moments: int


def restore(workplace: Workplace, kept: Path) -> None:
    shutil.rmtree(workplace.folder / "disk-elsewhere", ignore_errors=True)
    workplace.disk.mkdir(exist_ok=True)
    for path in workplace.disk.iterdir():
        shutil.rmtree(path)
    shutil.copytree(kept, workplace.disk, dirs_exist_ok=True)


def found(command: WritingCommand, expected: Expected, disk: Path) -> str:
    """Whether the outputs are as before, as after the command, or of both; fails where one is neither.

    A library may be in between, if the next run goes on with it: then it must be sound. So may the plan of shards.
    """
    now = {path: content for path, content in state_of(disk, command).items() if not left_over_name(path)}
    verdicts = {}
    for path in now.keys() | expected.old.keys() | expected.new.keys():
        old, new = now.get(path) == expected.old.get(path), now.get(path) == expected.new.get(path)
        unsteady = path in expected.unsteady and path in now
        if command.goes_on and path.endswith(("library.sqlite", f"/{PLAN}")) and not (old or new):
            assert path.endswith(PLAN) or find_damage(disk.parent / path) == []
            verdicts[path] = "between"
            continue
        assert old or new or unsteady, f"{path} is neither the old nor the new one"
        if old != new:
            verdicts[path] = "old" if old else "new"
    for whole in command.wholes:
        parts = {verdict for path, verdict in verdicts.items() if path.startswith(f"{whole}/")}
        assert len(parts) < 2, f"{whole} is of two minds"
    return "/".join(sorted(set(verdicts.values()))) or "old"


def left_over_name(path: str) -> bool:
    return any(LEFT_OVER.search("/".join(path.split("/")[:n])) for n in range(1, path.count("/") + 2))


def check_message(outcome: Outcome, *, statuses: set[int]) -> None:
    """A line says what is wrong, one for each output; no traceback.

    It begins with "error: " where it ends the command. Else it says which file it is about, or how many went away.
    """
    assert outcome.status in statuses, (outcome.status, outcome.stderr[-3000:])
    assert "Traceback" not in outcome.stderr
    if outcome.status:
        assert re.search(r"^error: |: cannot be \w+|changed during the update", outcome.stderr, re.MULTILINE), (
            outcome.stderr
        )


def check_next_run(workplace: Workplace, command: WritingCommand, expected: Expected) -> None:
    workplace.run_well(command.again or command.command)
    remaining = left_over(workplace.disk)
    assert remaining == [], remaining
    if command.goes_on:
        now = state_of(workplace.disk, command)
        assert [path for path in now.keys() | expected.new.keys() if now.get(path) != expected.new.get(path)] == []
