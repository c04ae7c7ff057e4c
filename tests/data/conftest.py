"""Tables of photos, and a server of S3 for the tests of object stores."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import s3

from vectortag.data import object_store

Put = Callable[[str, bytes], str]


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


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """write_csv(text, "1.jpg", ...): a metadata.csv and empty files for the photos; reading decodes none."""

    def write(content: str | bytes, *photos: str) -> Path:
        for photo in photos or ("1.jpg", "2.jpg", "3.jpg"):
            (tmp_path / photo).touch()
        file = tmp_path / "metadata.csv"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return write


@pytest.fixture
def bucket(store: tuple[int, str, s3.Faults]) -> tuple[Put, s3.Faults]:
    """put("photos/a.jpg", content) -> its URL, in a bucket of its own; and the faults."""
    port, name, faults = store

    from pyarrow.fs import S3FileSystem

    filesystem = S3FileSystem(
        scheme="http",
        endpoint_override=f"{s3.HOST}:{port}",
        allow_bucket_creation=True,
        background_writes=False,
        request_timeout=s3.PATIENCE,
        connect_timeout=s3.PATIENCE,
    )
    filesystem.create_dir(name)

    def put(path: str, content: bytes) -> str:
        with filesystem.open_output_stream(f"{name}/{path}") as stream:
            stream.write(content)
        return f"s3://{name}/{path}"

    return put, faults
