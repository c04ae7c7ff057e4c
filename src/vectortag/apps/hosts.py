"""The Host and Origin headers that service and page accept. Both are checked before anything else looks at them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
"""The names of this machine that need no network."""

HOST = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:[0-9]{0,5})?")
"""A Host header: a name or an address, and perhaps a port (RFC 9112, 3.2)."""
HIGHEST_PORT = 65_535


def one_host(hosts: Iterable[str]) -> str | None:
    """The value of the Host headers of a request; None if there is not exactly one, or it is malformed.

    >>> one_host(["localhost:8000"]), one_host(["a", "b"]), one_host(["a/b"]), one_host(["a:99999"])
    ('localhost:8000', None, None, None)
    """
    found = list(hosts)
    match = HOST.fullmatch(found[0]) if len(found) == 1 else None
    return found[0] if match and int((match[2] or ":")[1:] or 0) <= HIGHEST_PORT else None


def host_name(host: str) -> str:
    """The name in a Host header, in small letters and without the port.

    >>> host_name("LocalHost:8000"), host_name("[::1]:8000")
    ('localhost', '::1')
    """
    return split_address(f"//{host}").hostname or ""


def foreign(origins: Iterable[str], host: str, allowed: Collection[str] = ()) -> bool:
    """Whether one of the Origin headers is neither that of the host nor allowed.

    >>> foreign(["http://localhost:8000"], "localhost:8000"), foreign(["http://evil.example"], "localhost:8000")
    (False, True)
    """
    return any(split_address(origin).netloc != host and {origin, "*"}.isdisjoint(allowed) for origin in origins)


def split_address(address: str) -> SplitResult:
    """The parts of a URL; empty parts if it is malformed."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
