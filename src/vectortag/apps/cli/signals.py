"""SIGTERM and SIGHUP end a command as Ctrl-C does: incomplete output is removed first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

OWN_WAYS = {"serve", "ui"}
"""Commands whose libraries answer these signals themselves."""


class StoppedBySignal(BaseException):
    """The process was asked to end. `except Exception` does not catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def stopped_by_signals(commands: Sequence[str]) -> Iterator[None]:
    """Raise StoppedBySignal on a signal. A signal that the caller ignores, as `nohup` does, stays ignored.

    Args:
        commands: the command that is called; several if it is not known yet.
    """
    if threading.current_thread() is not threading.main_thread() or (len(commands) == 1 and commands[0] in OWN_WAYS):
        yield
        return
    taken = [number for number in SIGNALS if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, frame: FrameType | None) -> None:
    del frame
    signal.signal(number, signal.SIG_DFL)  # a second one ends the process at once
    raise StoppedBySignal(number)


FIRST_FINISHES = (signal.SIGINT, *SIGNALS)
"""Signals that let a long job finish what it has in hand; a second one ends it at once."""


class FinishOnSignal:
    """Tells a job whether it was asked to end. While it is entered, the first signal only sets this.

    Attributes:
        number: of the signal; None if there was none.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.number is not None

    @property
    def status(self) -> int:
        """The exit status of a process that a signal ended."""
        return 128 + (self.number or 0)

    def __enter__(self) -> FinishOnSignal:
        if threading.current_thread() is threading.main_thread():
            for number in FIRST_FINISHES:
                if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` asks for
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.number = number
        self._restore()

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
