"""The heap of the C library: what is free there goes back to the system. Elsewhere than with glibc, nothing happens."""

from __future__ import annotations

import contextlib
import ctypes
import gc

LARGE_BLOCK = 1 << 20
"""Bytes. Batches of pixels and feature maps have 2 to 4 MB."""

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""Of glibc's malloc.h."""


def keep_heap_small() -> None:
    """Give large blocks back at once when they are free, and keep one heap for all threads, from now on.

    Else each thread keeps what it had: an update with lite2 takes 45 MB more. It is as fast as before.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def trim_heap() -> None:
    """Give back what is free now: for a process that is about to wait for long."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
