"""Long work on the library, in the background of the server: it outlives a reload, and all visitors see it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from vectortag.core.errors import VectorTagError

log = logging.getLogger(__name__)

MOST_FINISHED = 6
"""Jobs that are kept after their end."""

MOST_EXAMPLES = 20
"""Of each cause of errors."""

MOST_DIFFS = 30

State = Literal["running", "stopped", "done", "failed"]


@dataclass(slots=True)
class Cause:
    """Why some items could not be done: how many, and the first of them."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Job:
    """A job, as the page shows it. Its thread alone changes it, but for `stop`.

    Attributes:
        kind: of one kind only one job runs at a time.
        title: what it does.
        rows: the photos that it is about; None: all of the library.
        summary: what it did, at the end.
        causes: of errors, by their text.
        diffs: of the first files that would change.
        changes: how many files would change.
        file: what it made: name, type and content.
    """

    kind: str
    title: str
    rows: Sequence[int] | None = None
    state: State = "running"
    done: int = 0
    total: int = 0
    summary: str = ""
    causes: dict[str, Cause] = field(default_factory=dict)
    diffs: list[str] = field(default_factory=list)
    changes: int = 0
    file: tuple[str, str, bytes] | None = None
    begun: float = field(default_factory=time.monotonic)
    ended: float | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """End it after what is in hand."""
        self._stop.set()

    @property
    def is_stopping(self) -> bool:
        """Whether it was asked to end."""
        return self._stop.is_set()

    @property
    def is_running(self) -> bool:
        """Whether it is still at work."""
        return self.state == "running"

    def progress(self, done: int, total: int) -> None:
        """Note how far it is."""
        self.done, self.total = done, total

    def add_problem(self, cause: str, example: str) -> None:
        """Note something that could not be done."""
        known = self.causes.setdefault(cause, Cause())
        known.count += 1
        if len(known.examples) < MOST_EXAMPLES:
            known.examples.append(example)

    def run(self, work: Callable[[Job], None]) -> None:
        """Do the work, and note how it ended."""
        try:
            work(self)
            self.state = "stopped" if self.is_stopping else "done"
        except VectorTagError as error:
            self.summary, self.state = str(error), "failed"
        except Exception:
            log.exception("%s failed", self.title)
            self.summary, self.state = "An error of VectorTag; the log of the server has it.", "failed"
        self.ended = time.monotonic()


class Jobs:
    """The jobs of a library, the newest first."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()

    @property
    def all(self) -> list[Job]:
        """Those that run, and the last ones that ended."""
        return list(self._jobs)

    @property
    def is_running(self) -> bool:
        """Whether one is at work."""
        return any(job.is_running for job in self._jobs)

    def runs(self, kind: str) -> bool:
        """Whether a job of this kind is at work."""
        return any(job.is_running and job.kind == kind for job in self._jobs)

    def start(self, job: Job, work: Callable[[Job], None]) -> bool:
        """Begin a job. Returns whether it began: False if one of its kind runs already."""
        with self._lock:
            if self.runs(job.kind):
                return False
            ended = [other for other in self._jobs if not other.is_running and other.kind != job.kind]
            running = [other for other in self._jobs if other.is_running]
            self._jobs = [job, *running, *ended[: MOST_FINISHED - 1]]
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            self._threads.append(threading.Thread(target=job.run, args=(work,), daemon=True))
            self._threads[-1].start()
        return True

    def dismiss(self, job: Job) -> None:
        """Forget a job that ended."""
        with self._lock:
            self._jobs = [other for other in self._jobs if other is not job or other.is_running]

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all have ended, or for so long each."""
        for thread in list(self._threads):
            thread.join(seconds)
