"""Ordered work on threads, with bounded memory."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_ordered(
    work: Callable[[Item], Result], items: Iterable[Item], *, threads: int, in_flight: int, name: str = "map"
) -> Generator[Result, None, None]:
    """Yield `work(item)` for each item, in the order of the items, computed on threads.

    Nothing is taken from `items` before the first result is asked for. Once the caller closes the iterator, or an
    error ends it, items that wait are dropped and running ones are waited for: no thread is left behind.

    Args:
        work: called from several threads at once.
        items: read one by one, in the caller's thread.
        threads: how many items are worked on at the same time.
        in_flight: how many items are taken, at most, whose result has not been yielded; bounds memory.
        name: how the names of the threads begin.

    Raises:
        Exception: what `work` raises for an item, in the position of its result; what `items` raises, at once.

    >>> list(map_ordered(str.upper, "abc", threads=2, in_flight=2))
    ['A', 'B', 'C']
    """
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix=name) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= in_flight:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items; the last one has those that are left.

    >>> list(batched("abcde", 2))
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    items = iter(items)
    while batch := list(itertools.islice(items, size)):
        yield batch
