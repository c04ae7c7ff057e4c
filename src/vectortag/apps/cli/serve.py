"""vectortag serve"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.apps.hosts import LOOPBACK
from vectortag.apps.server.limits import MIB, Limits
from vectortag.core.errors import ConfigError, MissingExtraError
from vectortag.core.heap import keep_heap_small
from vectortag.model.folder import ModelFolder, read_model_folder
from vectortag.model.registry import find_model_folder, folders_in

if TYPE_CHECKING:
    from vectortag.apps.server.guard import Access
    from vectortag.apps.server.model_worker import Loading

DEFAULT = Limits()

Host = Annotated[
    str, typer.Option(help="Address to listen on. All addresses except 127.0.0.1, ::1 and localhost need API keys.")
]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free port.")]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", "-m", help="A model to serve; repeatable. Requests use the first one by default."),
]
ModelsFolder = Annotated[
    Path | None, typer.Option("--models", help="Also serve all model folders in this folder; it may be empty.")
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        help="Accept only requests with an API key of this file. The file has the hashes of the keys.",
    ),
]
NewKey = Annotated[
    str | None,
    typer.Option("--new-key", help="Make a key with this name, add its hash to the file, print the key, and exit."),
]
Auth = Annotated[
    bool, typer.Option("--auth/--no-auth", help="--no-auth: accept requests without API keys, on any address.")
]
Origins = Annotated[
    list[str] | None,
    typer.Option("--allow-origin", help="Origin of a web page that may call the service (CORS); repeatable."),
]
MaxFile = Annotated[int, typer.Option("--max-file", min=1, help="Largest photo, in MiB.")]
MaxRequest = Annotated[int, typer.Option("--max-request", min=1, help="Largest request, in MiB.")]
MaxFiles = Annotated[int, typer.Option("--max-files", min=1, help="Most photos per request.")]
MaxMegapixels = Annotated[float, typer.Option("--max-megapixels", min=0.01, help="Largest photo, in megapixels.")]
Queue = Annotated[
    int, typer.Option("--queue", min=1, help="Most photos in progress. Requests beyond that get status 503.")
]
Memory = Annotated[
    int,
    typer.Option(
        "--memory", min=1, help="Most memory for photos in progress, in MiB. Requests beyond that get status 503."
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.1, help="Seconds to receive a request, and as many to answer it.")
]
LogRequests = Annotated[
    bool, typer.Option("--log-requests", help="Log each request on stderr, with nothing about its photos.")
]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    model: Models = None,
    models: ModelsFolder = None,
    api_key_file: KeyFile = None,
    new_key: NewKey = None,
    auth: Auth = True,
    allow_origin: Origins = None,
    max_file: MaxFile = DEFAULT.file_bytes // MIB,
    max_request: MaxRequest = DEFAULT.request_bytes // MIB,
    max_files: MaxFiles = DEFAULT.files,
    max_megapixels: MaxMegapixels = DEFAULT.pixels // 1_000_000,
    queue: Queue = DEFAULT.queue,
    memory: Memory = DEFAULT.memory // MIB,
    timeout: Timeout = DEFAULT.seconds,
    log_requests: LogRequests = False,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    additions: options.Additions = True,
    threads: options.Threads = None,
) -> int:
    """Start the HTTP service: tags, heat maps, models, new tags, metrics.

    By default only this machine can reach the service. With another `--host` it needs API keys.

    **Examples**

    `vectortag serve`

    `vectortag serve --api-key-file keys --new-key website`

    `vectortag serve --host 0.0.0.0 --api-key-file keys`
    """
    if new_key is not None:
        return _make_key(api_key_file, new_key)
    _need_extra()
    from vectortag.apps.server.model_worker import Loading

    access = _access(host, api_key_file, auth=auth, origins=allow_origin or ())
    limits = Limits(
        file_bytes=max_file * MIB,
        request_bytes=max_request * MIB,
        files=max_files,
        pixels=round(max_megapixels * 1e6),
        queue=queue,
        memory=memory * MIB,
        seconds=timeout,
    )
    loading = Loading(runtime, precision, threads, additions)
    _listen((host, port), _folders(model or (), models), loading, limits, access, log_requests=log_requests)
    return 0


def _listen(
    address: tuple[str, int],
    folders: Iterator[ModelFolder],
    loading: Loading,
    limits: Limits,
    access: Access,
    *,
    log_requests: bool,
) -> None:
    """Serve models on an address (host, port), until a signal ends it."""
    from vectortag.apps.server.app import create_app
    from vectortag.apps.server.run import listen, run
    from vectortag.apps.server.service import Service

    keep_heap_small()
    with listen(*address) as listener:
        service = Service(folders, loading, limits)
        for served in service.models.values():
            notes.progress(f"serving {served.folder.id} on {served.runtime} in {served.precision}")
        notes.progress(f"listening on {_address(address[0], listener)}")
        run(create_app(service, access, log_requests=log_requests), listener, limits)


def _need_extra() -> None:
    try:
        import fastapi  # noqa: F401
        import httptools  # noqa: F401
        import prometheus_client  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("The service", error.name or "FastAPI", "serve") from error


def _access(host: str, key_file: Path | None, *, auth: bool, origins: Sequence[str]) -> Access:
    from vectortag.apps.server.auth import read_keys
    from vectortag.apps.server.guard import Access

    if not auth:
        if key_file is not None:
            raise ConfigError("--no-auth and --api-key-file cannot be combined")
        return Access(origins=origins)
    if key_file is not None:
        return Access(keys=read_keys(key_file), origins=origins)
    if host not in LOOPBACK:
        raise ConfigError(
            f"other machines can reach {host}, so API keys are needed. Make one with --api-key-file FILE "
            "--new-key NAME, then start with --api-key-file FILE; or use --no-auth"
        )
    return Access(hosts=LOOPBACK, origins=origins)


def _folders(named: Sequence[str], parent: Path | None) -> Iterator[ModelFolder]:
    """The named models, or the default one, then all models in `parent`. Names are looked up in `parent` first."""
    own = {folder.name: folder for folder in (folders_in(parent) if parent is not None else ())}
    for model in named or (None,):
        yield find_model_folder(own.get(model, model) if model is not None else None)
    yield from map(read_model_folder, own.values())


def _address(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _make_key(file: Path | None, name: str) -> int:
    from vectortag.apps.server.auth import new_key

    if file is None:
        raise ConfigError("--new-key needs --api-key-file, the file for the hash of the key")
    stdout().print(new_key(file, name))
    notes.progress(f"save this key, it is not shown again; {file} has its hash")
    return 0
