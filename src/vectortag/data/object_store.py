"""Photos in object stores: s3://, gs:// and az://, through pyarrow. No connection is opened unless such a URL is named.

Credentials and endpoints come from the environment, as the tools of each store take them:

    s3://   AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION and so on; AWS_ENDPOINT_URL for a server of another maker;
            AWS_NO_SIGN_REQUEST=1 for a public bucket
    gs://   GOOGLE_APPLICATION_CREDENTIALS, or those of `gcloud auth application-default login`;
            STORAGE_EMULATOR_HOST for another server, which is asked without credentials
    az://   AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN;
            AZURE_STORAGE_SERVICE_ENDPOINT for another server
"""

from __future__ import annotations

import functools
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vectortag.core.errors import ConfigError, MissingExtraError, PhotoError
from vectortag.core.types import StoredPhoto
from vectortag.data.find import LeftOut
from vectortag.data.ignore import NO_MEDIA, Exclusions, excludes_file, is_rubbish
from vectortag.runtime.decoding.optional_kinds import KIND_OF, is_readable
from vectortag.runtime.decoding.photo_kinds import OTHER_KINDS, SUFFIXES
from vectortag.runtime.pipeline import map_ordered

if TYPE_CHECKING:
    from pyarrow.fs import FileInfo, FileSystem

Result = TypeVar("Result")

SCHEMES = ("s3://", "gs://", "az://")

READERS, READ_AHEAD = 16, 32
"""Objects that are fetched at a time, and those that are fetched or wait to be decoded. The latter bounds memory."""
LARGEST = 1 << 29
"""Bytes of a photo. A larger object is refused before it is fetched."""

ATTEMPTS = 5
FIRST_WAIT = 0.2
"""Seconds before the second attempt; each further wait is twice as long, and up to half is drawn at random."""
CONNECT_SECONDS, SILENT_SECONDS = 10, 30
"""How long a store may take to accept a connection, and to send the next bytes."""

FINAL = (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError)
DENIED = ("ACCESS_DENIED", "AccessDenied", "INVALID_ACCESS_KEY", "SIGNATURE_DOES_NOT_MATCH", "NO_SUCH_BUCKET")
"""Errors that a second attempt does not mend, by type or by what the store says."""


def is_url(source: str | Path) -> bool:
    """Whether a source is in an object store.

    >>> is_url("s3://bucket/photos"), is_url("photos")
    (True, False)
    """
    return isinstance(source, str) and source.startswith(SCHEMES)


@functools.cache
def open_store(scheme: str) -> FileSystem:
    """The file system behind a scheme of `SCHEMES`; it opens no connection yet.

    Raises:
        ConfigError: the environment does not say which account is meant.
        MissingExtraError: pyarrow is not installed, or was built without this store.
    """
    try:
        from pyarrow import fs
    except ImportError as error:
        raise MissingExtraError(f"reading {scheme}", "pyarrow", "parquet") from error
    if scheme == "s3://":
        return _s3(fs)
    return _gs(fs) if scheme == "gs://" else _az(fs)


def _gs(fs: Any) -> FileSystem:
    scheme, host = _server(os.environ.get("STORAGE_EMULATOR_HOST", ""))
    elsewhere = {"anonymous": True, "scheme": scheme, "endpoint_override": host} if host else {}
    return fs.GcsFileSystem(retry_time_limit=timedelta(seconds=CONNECT_SECONDS), **elsewhere)


def _az(fs: Any) -> FileSystem:
    if not (account := os.environ.get("AZURE_STORAGE_ACCOUNT_NAME")):
        raise ConfigError("az://: no account. Set AZURE_STORAGE_ACCOUNT_NAME")
    scheme, host = _server(os.environ.get("AZURE_STORAGE_SERVICE_ENDPOINT", ""))
    places = ("blob_storage", "dfs_storage")
    elsewhere = {
        f"{place}_{key}": value for place in places for key, value in (("scheme", scheme), ("authority", host))
    }
    key, token = (os.environ.get(f"AZURE_STORAGE_{name}") for name in ("ACCOUNT_KEY", "SAS_TOKEN"))
    return fs.AzureFileSystem(account, account_key=key, sas_token=token, **(elsewhere if host else {}))


def _server(endpoint: str) -> tuple[str, str]:
    """The scheme of an endpoint, and its host with the port; without a scheme, as emulators are named, it is http."""
    scheme, _, host = endpoint.rstrip("/").rpartition("://")
    return scheme or "http", host.partition("/")[0]


def _s3(fs: Any) -> FileSystem:
    scheme, host = _server(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or "")
    elsewhere = {"scheme": scheme, "endpoint_override": host} if host else {}
    return fs.S3FileSystem(
        anonymous=os.environ.get("AWS_NO_SIGN_REQUEST", "").lower() in {"1", "true", "yes"},
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        connect_timeout=CONNECT_SECONDS,
        request_timeout=SILENT_SECONDS,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),  # `persistently` waits longer, for all stores
        **elsewhere,
    )


def store_of(url: str) -> tuple[FileSystem, str]:
    """The file system of a URL, and the path in it."""
    scheme, _, path = url.partition("://")
    return open_store(f"{scheme}://"), path


def persistently(work: Callable[[], Result]) -> Result:
    """The result of `work`, which is called again after an error that may pass, such as a 500 or a lost connection.

    Raises:
        OSError: what `work` raised last.
    """
    for attempt in range(1, ATTEMPTS):
        try:
            return work()
        except FINAL:
            raise
        except OSError as error:
            if any(word in str(error) for word in DENIED):
                raise
        time.sleep(FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1))
    return work()


def read_object(url: str) -> StoredPhoto:
    """Fetch a photo."""
    filesystem, path = store_of(url)
    try:
        return StoredPhoto(url, persistently(lambda: _read(filesystem, path)))
    except PhotoError as error:
        return StoredPhoto(url, error)
    except OSError as error:
        failure = PhotoError(f"cannot be read: {plain(error)}")
        failure.__cause__ = error
        return StoredPhoto(url, failure)


def _read(filesystem: FileSystem, path: str) -> bytes:
    with filesystem.open_input_file(path) as file:
        size = file.size()
        if size > LARGEST:
            raise PhotoError(f"{size:,} bytes are more than the limit of {LARGEST:,}")
        content: bytes = file.read()
    if len(content) != size:
        raise OSError(f"the object ended after {len(content):,} of {size:,} bytes")
    return content


def plain(error: OSError) -> str:
    """What a store says, without the advice and the request's number that its client puts around it."""
    if isinstance(error, FileNotFoundError):
        return "no such object"
    return str(error).partition(" Detail: ")[0].splitlines()[0] if str(error) else type(error).__name__


def read_objects(urls: Iterable[str]) -> Iterator[StoredPhoto]:
    """Fetch photos, in their order, at most `READ_AHEAD` before they are asked for."""
    yield from map_ordered(read_object, urls, threads=READERS, in_flight=READ_AHEAD, name="fetch")


def objects_of(url: str, *, exclude: Sequence[str] = (), left_out: LeftOut | None = None) -> Iterator[str]:
    """The URLs of the photos at a URL, folder by folder, by name within each, as `vectortag.data.find.photos_of`.

    A URL of an object is yielded whatever its name. Under a prefix, hidden names, folders that programs make, folders
    with `.nomedia`, and what `exclude` names are left out; so are videos. A folder that cannot be listed is yielded.
    """
    filesystem, path = store_of(url)
    scheme = url[: len(url) - len(path)]
    path = path.rstrip("/")
    try:
        info = persistently(lambda: filesystem.get_file_info(path))
    except OSError:
        yield url
        return
    if info.type.name != "Directory":
        if not excludes_file(exclude, Path(path)):
            yield url
        elif left_out is not None:
            left_out.add("excluded")
        return
    for found in _walk(filesystem, path, Exclusions.of(exclude, Path(path)), left_out or LeftOut()):
        yield scheme + found


def _walk(filesystem: FileSystem, root: str, rules: Exclusions, left_out: LeftOut) -> Iterator[str]:
    entries_of = (
        _entries_of_all(filesystem, root) if filesystem.type_name == "gcs" else functools.partial(_entries, filesystem)
    )
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            entries = entries_of(folder)
        except OSError:
            yield folder
            continue
        if any(entry.base_name == NO_MEDIA for entry in entries):
            left_out.add("nomedia")
            continue
        entries = [entry for entry in sorted(entries, key=lambda entry: entry.base_name) if _is_kept(entry, rules)]
        for entry in entries:
            if entry.is_file and (kind := _kind(entry.base_name)):
                left_out.add(kind)
            elif entry.is_file:
                yield entry.path
        waiting += [entry.path for entry in reversed(entries) if not entry.is_file]


def _entries(filesystem: FileSystem, folder: str, *, below: bool = False) -> list[FileInfo]:
    from pyarrow.fs import FileSelector

    return persistently(lambda: filesystem.get_file_info(FileSelector(folder, recursive=below)))


def _entries_of_all(filesystem: FileSystem, root: str) -> Callable[[str], list[FileInfo]]:
    """`_entries` for Google's store: pyarrow lists a folder there only if an object bears its name."""
    from pyarrow.fs import FileInfo, FileType

    @functools.cache
    def folders() -> dict[str, dict[tuple[str, bool], FileInfo]]:
        found: dict[str, dict[tuple[str, bool], FileInfo]] = defaultdict(dict)
        for entry in _entries(filesystem, root, below=True):
            path = entry.path.rstrip("/")
            child = entry if entry.is_file else FileInfo(path, FileType.Directory)
            while path != root:  # from the object up; a folder that is known has its parents already
                folder, _, name = path.rpartition("/")
                if (name, child.is_file) in found[folder]:
                    break
                found[folder][name, child.is_file] = child
                path, child = folder, FileInfo(folder, FileType.Directory)
        return found

    return lambda folder: list(folders()[folder].values())


def _is_kept(entry: FileInfo, rules: Exclusions) -> bool:
    if entry.base_name.startswith(".") or is_rubbish(entry.base_name):
        return False
    return not (rules.are_any and rules.hold(Path(entry.path), folder=not entry.is_file))


def _kind(name: str) -> str | None:
    """What an object is that is not read, as a key of `vectortag.data.find.KINDS`; None for a photo."""
    suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
    kind = KIND_OF.get(suffix)
    if kind == "video":
        return "other video"
    if kind is not None and not is_readable(kind):
        return kind
    return None if suffix in SUFFIXES else OTHER_KINDS.get(suffix, "other")
