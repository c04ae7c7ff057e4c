"""An interpreter that has imported the command line and forks for each run: a start costs a tenth of a fresh one.

Each run is a process of its own, in a session of its own, and ends as any Python program does.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOOP = """
import importlib, json, os, resource, sys
os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy, openvino, PIL.Image, rich.console, safetensors.numpy, sqlite3, threadpoolctl
import vectortag.apps.cli.app, vectortag.inference.tagger, vectortag.data.embedding_cache
for name in set(vectortag.apps.cli.app.COMMANDS.values()):
    importlib.import_module(f"vectortag.apps.cli.{name}")
for name in ("assembly.fit", "assembly.learn_words", "assembly.onnx_export", "assembly.quantise",
             "evaluation.report.write"):
    importlib.import_module(f"vectortag.{name}")
for name in sys.argv[1:]:
    importlib.import_module(name)
while True:
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    asked = json.loads(line)
    if "wait" in asked:
        pid, status = os.waitpid(asked["wait"], os.WNOHANG)
        print(json.dumps(os.waitstatus_to_exitcode(status) if pid else None), flush=True)
        continue
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    break
os.setsid()
os.chdir(asked["cwd"])
os.environ.update(asked["environment"])
for number, name in enumerate(["stdin", "stdout", "stderr"]):
    os.dup2(os.open(asked[name], os.O_RDWR), number)
for name, limit in asked["limits"].items():
    resource.setrlimit(getattr(resource, name), (limit, limit))
sys.argv = ["vectortag", *asked["arguments"]]
exec(asked["program"], {"__name__": "__main__"})
"""


class StillRunning(Exception):
    """A run has not ended in time."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit status, or minus the signal that ended it; and what it said."""

    status: int
    stdout: str
    stderr: str


class ReadyInterpreter:
    """Use as a context manager. `modules` are imported beside those of the command line."""

    def __init__(self, *modules: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", LOOP, *modules], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._folder = tempfile.TemporaryDirectory()

    def __enter__(self) -> ReadyInterpreter:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def start(
        self, program: str, arguments: Sequence[str], *, cwd: Path,
        environment: Mapping[str, str], limits: Mapping[str, int] | None = None,
    ) -> Run:  # fmt: skip
        """Start a program; `limits` such as {"RLIMIT_NOFILE": 16}."""
        files = {name: Path(tempfile.mkstemp(dir=self._folder.name)[1]) for name in ("stdout", "stderr")}
        pid = self._ask(
            program=program, arguments=list(arguments), cwd=str(cwd), environment=dict(environment),
            limits=dict(limits or {}), stdin="/dev/null", **{name: str(file) for name, file in files.items()},
        )  # fmt: skip
        return Run(self, pid, files["stdout"], files["stderr"])

    def ended(self, pid: int) -> int | None:
        """The exit status of a run; None while it goes on."""
        status: int | None = self._ask(wait=pid)
        return status

    def _ask(self, **question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


@dataclass(frozen=True)
class Run:
    """A process that was started."""

    interpreter: ReadyInterpreter
    pid: int
    stdout: Path
    stderr: Path

    def wait(self, seconds: float) -> Outcome:
        """Its outcome.

        Raises:
            StillRunning: it does not end in time.
        """
        until = time.monotonic() + seconds
        while (status := self.interpreter.ended(self.pid)) is None:
            if time.monotonic() > until:
                raise StillRunning(self.pid)
            time.sleep(0.01)
        said = [file.read_text("utf-8", "backslashreplace") for file in (self.stdout, self.stderr)]
        for file in (self.stdout, self.stderr):
            file.unlink()
        return Outcome(status, *said)
