"""vectortag serve"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.errors import ConfigError, MissingExtraError
from vectortag.model.folder import ModelFolder, find_model_folder, folders_in, read_model_folder

if TYPE_CHECKING:
    from vectortag.apps.server.guard import Access

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(
    host: Annotated[str, typer.Option(help="The address to listen on; any but this machine's own needs keys.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: one that is free.")] = 8000,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", help="A model to serve, the first by default; may be repeated."),
    ] = None,
    models: Annotated[
        Path | None, typer.Option("--models", help="Serve every model folder in this folder, too; it may be empty.")
    ] = None,
    api_key_file: Annotated[
        Path | None, typer.Option("--api-key-file", help="Let in who has one of these keys; the file has their hashes.")
    ] = None,
    new_key: Annotated[
        str | None, typer.Option("--new-key", help="Make a key of this name, add it to the file, print it, and end.")
    ] = None,
    auth: Annotated[bool, typer.Option("--auth/--no-auth", help="--no-auth: let everybody in, on any address.")] = True,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", help="A web page's origin that may call it (CORS); may be repeated."),
    ] = None,
    max_file: Annotated[int, typer.Option("--max-file", min=1, help="MiB of one photo.")] = 32,
    max_request: Annotated[int, typer.Option("--max-request", min=1, help="MiB of a request.")] = 128,
    max_files: Annotated[int, typer.Option("--max-files", min=1, help="Photos in a request.")] = 64,
    max_megapixels: Annotated[float, typer.Option("--max-megapixels", min=0.01, help="Of one photo.")] = 100,
    queue: Annotated[int, typer.Option("--queue", min=1, help="Photos in hand; above that, 503.")] = 256,
    memory: Annotated[int, typer.Option("--memory", min=1, help="MiB of all photos in hand; above that, 503.")] = 512,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, help="Seconds to read a request, and again to answer it.")
    ] = 30,
    log_requests: Annotated[
        bool, typer.Option("--log-requests", help="A line on stderr for each request, without anything of its photos.")
    ] = False,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    additions: options.Additions = True,
    threads: options.Threads = None,
) -> int:
    """Tag photos over HTTP: tags, heat maps, models, new tags, metrics.

    It listens on this machine alone unless `--host` says otherwise, and then it needs API keys.

    **Examples**

    `vectortag serve`

    `vectortag serve --api-key-file keys --new-key website`

    `vectortag serve --host 0.0.0.0 --api-key-file keys`
    """
    if new_key is not None:
        return _make_key(api_key_file, new_key)
    _need_extra()
    from vectortag.apps.server.app import create_app
    from vectortag.apps.server.limits import MIB, Limits
    from vectortag.apps.server.model_worker import Loading
    from vectortag.apps.server.run import listen, run
    from vectortag.apps.server.service import Service

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
    with listen(host, port) as listener:
        service = Service(_folders(model or (), models), loading, limits)
        for served in service.models.values():
            notes.progress(f"serving {served.folder.id} on {served.runtime} in {served.precision}")
        notes.progress(f"listening on {_address(host, listener)}")
        run(create_app(service, access, log_requests=log_requests), listener, limits)
    return 0


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
            raise ConfigError("--no-auth and --api-key-file contradict each other. Give one of them")
        return Access(origins=origins)
    if key_file is not None:
        return Access(keys=read_keys(key_file), origins=origins)
    if host not in LOOPBACK:
        raise ConfigError(
            f"listening on {host} needs API keys: others can reach it. Make one with --api-key-file FILE "
            "--new-key NAME and start with --api-key-file FILE, or say --no-auth"
        )
    return Access(hosts=LOOPBACK, origins=origins)


def _folders(named: Sequence[str], parent: Path | None) -> Iterator[ModelFolder]:
    """The named models (or the shipped default), looked up among the parent's folders first, then all of those."""
    own = {folder.name: folder for folder in (folders_in(parent) if parent is not None else ())}
    for model in named or (None,):
        yield find_model_folder(own.get(model, model) if model is not None else None)
    yield from map(read_model_folder, own.values())


def _address(host: str, listener: socket.socket) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def _make_key(file: Path | None, name: str) -> int:
    from vectortag.apps.server.auth import new_key

    if file is None:
        raise ConfigError("--new-key needs --api-key-file: the file that the key's hash is added to")
    stdout().print(new_key(file, name))
    notes.progress(f"this is the only time that the key is shown; {file} has its hash")
    return 0
