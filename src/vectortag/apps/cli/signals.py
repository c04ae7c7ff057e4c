"""SIGTERM and SIGHUP end a command as Ctrl-C does: incomplete output is removed first."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))

OWN_WAYS = {"serve", "train", "ui"}
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
