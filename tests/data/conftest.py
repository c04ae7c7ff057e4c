"""A server of S3 for the tests of object stores."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import pytest
import s3

from vectortag.data import object_store


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, int, s3.Faults]]:
    """The ports of moto's server and of a proxy before it, and what that does to objects."""
    faults = s3.Faults()
    with s3.moto_server() as port, s3.faulty_proxy(port, faults) as proxy:
        yield port, proxy, faults


@pytest.fixture
def store(need: Any, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, str, Any]]:
    """The port of the server, the name of a bucket for this test, and the faults; `s3://` leads to the proxy."""
    need(importlib.util.find_spec("moto"), "moto")
    need(importlib.util.find_spec("pyarrow"), "pyarrow")
    port, proxy, faults = request.getfixturevalue("server")
    for name, value in (s3.ENVIRONMENT | {"AWS_ENDPOINT_URL": f"http://{s3.HOST}:{proxy}"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(object_store, "FIRST_WAIT", 0.01)
    object_store.open_store.cache_clear()
    faults.clear()
    yield port, f"bucket{abs(hash(request.node.name)) % 10**9}", faults
    object_store.open_store.cache_clear()
