"""numpy's own threads: of no use while all cores are at work on photos, and busily waiting all the same."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_inside = 0
_limits: Any = None


@contextmanager
def one_thread() -> Iterator[None]:
    """While anybody is in here, matrix products run on their caller's core alone, in the whole process.

    OpenBLAS, which numpy brings along, has a thread for each core. They spin for some milliseconds after each product,
    and so take from the network's threads more than they give: maps of all tags cost five times as much.
    """
    global _inside, _limits
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        yield
        return
    with _lock:
        if _inside == 0:
            _limits = _controller().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limits.restore_original_limits()


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
