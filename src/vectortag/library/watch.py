"""Waits until something changes in a library's folders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from vectortag.core.errors import MissingExtraError
from vectortag.library.folders import Root

SECONDS_BETWEEN_LOOKS = 300
"""The folders are looked through at least so often: network shares and drives that come back send no word."""
SECONDS_OFFLINE = 30
"""The same, while a folder is offline."""
SETTLED = 2_000
"""Milliseconds for which changes are gathered: a camera's card is copied photo by photo."""


class _Stop:
    """`stop` as watchfiles wants it."""

    def __init__(self, stop: Callable[[], bool]) -> None:
        self.is_set = stop


def changes(roots: Callable[[], Sequence[Root]], *, stop: Callable[[], bool]) -> Iterator[None]:
    """Yield whenever the folders should be looked through, until `stop`.

    Args:
        roots: the roots as they are now; asked for before each wait, since a drive may come and go.

    Raises:
        MissingExtraError: watchfiles is not installed.
    """
    try:
        from watchfiles import watch
    except ImportError as error:
        raise MissingExtraError("--watch", "watchfiles", "watch") from error
    while not stop():
        there = _online(roots())
        seconds = SECONDS_BETWEEN_LOOKS if len(there) == len(roots()) else SECONDS_OFFLINE
        for _ in watch(  # goes on to gather changes while the caller updates
            *there,
            debounce=SETTLED,
            rust_timeout=round(seconds * 1000),
            yield_on_timeout=True,
            stop_event=_Stop(stop),
            raise_interrupt=False,
            ignore_permission_denied=True,
        ):
            yield
            if stop() or _online(roots()) != there:
                break


def _online(roots: Sequence[Root]) -> list[Path]:
    return [root.path for root in roots if root.why is None and root.path.is_dir()]
