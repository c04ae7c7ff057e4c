"""vectortag ui"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli.output import notes
from vectortag.apps.hosts import LOOPBACK
from vectortag.apps.ui.settings import Settings
from vectortag.core.errors import MissingExtraError, VectorTagError
from vectortag.core.file_names import escape_path, is_missing

ANY_ADDRESS = ("0.0.0.0", "::")
PAGE = Path(__file__).parents[1] / "ui" / "app.py"


def ui(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8501,
    models: Annotated[
        list[Path] | None, typer.Option(help="A folder that contains model folders, such as runs; repeatable.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="A data set to show: a metadata.csv or its folder; repeatable."),
    ] = None,
    library: Annotated[
        Path | None, typer.Option(help="The file of a photo library to show. Default: your own, if there is one.")
    ] = None,
    edit: Annotated[
        bool,
        typer.Option("--edit", help="Let visitors change tags of the library's photos, write sidecars and teach tags."),
    ] = False,
) -> int:
    """Start the web page: upload photos, see tags and heat maps, correct them, add tags, compare models.

    By default only this machine can reach the page. There is no password: anyone who reaches it can use it and change
    your added tags.

    **Examples**

    `vectortag ui`

    `vectortag ui --models runs --data photos/metadata.csv --port 9000`

    `vectortag ui --edit`
    """
    if importlib.util.find_spec("streamlit") is None:
        raise MissingExtraError("The web page", "Streamlit", "ui")
    for path in (*(models or ()), *(data or ()), *([library] if library else ())):
        if is_missing(path):
            raise VectorTagError(f"{escape_path(path)}: no such file or folder")
    if host not in LOOPBACK:
        notes.print(f"anyone who reaches {host}:{port} can use the page; there is no password", style="yellow")
    from streamlit.web.cli import main

    settings = Settings(tuple(models or ()), tuple(data or ()), library, edit)
    flags = ["--server.address", host, "--server.port", str(port), "--browser.gatherUsageStats", "false"]
    if host not in ANY_ADDRESS:
        flags += ["--browser.serverAddress", host]  # in the address that Streamlit prints
    main(["run", str(PAGE), *flags, "--", *settings.to_arguments()], standalone_mode=False)
    return 0
