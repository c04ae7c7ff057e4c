"""Limit numpy's BLAS library to one thread while all cores work on photos."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_lock = threading.Lock()
_users = 0
_limits: Any = None


@contextmanager
def one_thread() -> Iterator[None]:
    """Matrix products run on one core, in the whole process, until the last caller leaves.

    OpenBLAS, which comes with numpy, has a thread per core. They spin for some milliseconds after each product and take
    more time from the network's threads than they save: heat maps of all tags would cost five times as much.
    """
    global _users, _limits
    if os.environ.get("OPENBLAS_NUM_THREADS") == "1":
        yield
        return
    with _lock:
        if _users == 0:
            _limits = _controller().limit(limits=1, user_api="blas")
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limits.restore_original_limits()


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
