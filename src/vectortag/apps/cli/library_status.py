"""vectortag library status"""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.core.file_names import escape_path
from vectortag.core.plain_text import printable
from vectortag.library.library import Library
from vectortag.library.status import LibraryStatus


def status(
    file: options.LibraryFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    errors: Annotated[bool, typer.Option("--errors", help="Print the photos that cannot be read, and why.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Also check the library's file for damage.")] = False,
) -> int:
    """Show the folders of the library, how many photos they have, and which are offline.

    **Example**

    `vectortag library status`
    """
    with Library.open(file, create=False) as opened:
        if check:
            opened.check()
            notes.progress(f"{escape_path(opened.file)}: no damage")
        if errors:
            for path, why in opened.errors():
                stdout().print(f"{printable(escape_path(path))}: {printable(why)}")
            return 0
        found = opened.status()
        if as_json:
            stdout().print(json.dumps(_describe(found), indent=2))
        else:
            _print_status(found)
    return 0


def _describe(found: LibraryStatus) -> dict[str, object]:
    folders = [
        {
            "path": escape_path(one.root.path),
            "state": "offline" if one.root.why else "online",
            "why": one.root.why,
            "seen": one.root.seen,
            "photos": one.photos,
            "unread": one.unread,
            "unreadable": one.failed,
            "gone": one.gone,
        }
        for one in found.roots
    ]
    name, precision, size = found.model or (None, None, None)
    model = {"model": name, "precision": precision, "size": size}
    return {
        "file": escape_path(found.file),
        "bytes": found.bytes,
        **model,
        "analysed": found.analysed,
        "folders": folders,
    }


def _print_status(found: LibraryStatus) -> None:
    name, precision, _ = found.model or ("none yet", "", 0)
    stdout().print(f"{printable(escape_path(found.file))}: {found.bytes / 1e6:.1f} MB, model {name} {precision}")
    table = Table("folder", "photos", "unread", "unreadable", "gone", "seen", "state", box=None, header_style="bold")
    for one in found.roots:
        seen = "never" if one.root.seen is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(one.root.seen))
        counts = (f"{count:,}" for count in (one.photos, one.unread, one.failed, one.gone))
        state = f"offline: {one.root.why}" if one.root.why else "online"
        table.add_row(printable(escape_path(one.root.path)), *counts, seen, printable(state))
    stdout().print(table)
