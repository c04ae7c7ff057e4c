"""Dynamic batching: requests that arrive together go through the network together, in one thread."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Answer = TypeVar("Answer")

WAIT = 0.003
"""Seconds that a batch waits for more items, from its first one on."""


@dataclass(slots=True)
class _Entry(Generic[Item, Result]):
    item: Item
    future: Future[Result]


class Batcher(Generic[Item, Result]):
    """Runs `work` on batches of submitted items, in its own thread.

    Args:
        work: a batch of items -> their results, in order.
        largest: the most items in a batch.
        expected: number of items that will be submitted soon. If it is 0, a batch does not wait for more.
        observe: called with the size of each batch.
        idle: called in the thread after `idle_seconds` without an item, and again after as many more.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        largest: int,
        expected: Callable[[], int],
        observe: Callable[[int], None],
        idle: Callable[[], None] = lambda: None,
        idle_seconds: float | None = None,
    ) -> None:
        self._work, self._largest, self._expected, self._observe = work, largest, expected, observe
        self._queue: queue.SimpleQueue[_Entry[Item, Result] | Callable[[], None]] = queue.SimpleQueue()
        self._next_action: Callable[[], None] | None = None
        self._idle, self._idle_seconds = idle, idle_seconds
        self._open = True
        self._thread = threading.Thread(target=self._run, name="inference")
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def submit(self, item: Item) -> Future[Result]:
        """Queue an item. Its future fails with the error that `work` raised; a future cancelled in time is skipped."""
        entry = _Entry[Item, Result](item, Future())
        self._queue.put(entry)
        return entry.future

    def between(self, action: Callable[[], Answer]) -> Future[Answer]:
        """Run an action in the thread between two batches, so that no batch sees half of its changes."""
        future: Future[Answer] = Future()
        self._queue.put(lambda: _settle(future, action))
        return future

    def close(self) -> None:
        """Finish all submitted items, then end the thread."""
        self._queue.put(self._stop)
        self._thread.join()

    def _stop(self) -> None:
        self._open = False

    def _run(self) -> None:
        while self._open:
            first, self._next_action = self._next_action or self._wait(), None
            if isinstance(first, _Entry):
                self._process(self._collect(first))
            else:
                first()

    def _wait(self) -> _Entry[Item, Result] | Callable[[], None]:
        while True:
            try:
                return self._queue.get(timeout=self._idle_seconds)
            except queue.Empty:
                self._idle()

    def _collect(self, first: _Entry[Item, Result]) -> list[_Entry[Item, Result]]:
        """The batch that starts with `first`; an action from `between` ends it and runs afterwards."""
        batch, end = [first], time.monotonic() + WAIT
        while len(batch) < self._largest:
            try:
                entry = self._queue.get(timeout=max(0.0, end - time.monotonic()) if self._expected() else 0)
            except queue.Empty:
                break
            if not isinstance(entry, _Entry):
                self._next_action = entry
                break
            batch.append(entry)
        return batch

    def _process(self, batch: Sequence[_Entry[Item, Result]]) -> None:
        wanted = [entry for entry in batch if entry.future.set_running_or_notify_cancel()]
        if not wanted:
            return
        self._observe(len(wanted))
        try:
            results = self._work([entry.item for entry in wanted])
        except Exception as error:
            for entry in wanted:
                entry.future.set_exception(error)
            return
        for entry, result in zip(wanted, results, strict=True):
            entry.future.set_result(result)


def _settle(future: Future[Answer], action: Callable[[], Answer]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(action())
    except Exception as error:
        future.set_exception(error)
