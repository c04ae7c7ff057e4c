"""vectortag cache"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec import to_builtins
from rich.table import Table

from vectortag.apps.cli.output import notes, stdout
from vectortag.core.cache import CacheKind, cache_kinds, clear_cache
from vectortag.core.errors import ConfigError, did_you_mean
from vectortag.core.file_names import escape_path
from vectortag.core.folders import cache_home


def cache(
    size: Annotated[bool, typer.Option("--size", help="Show what is in the cache; the default.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Delete what is in the cache.")] = False,
    kinds: Annotated[
        list[str] | None, typer.Option("--kind", help="With --clear: only this kind; repeatable.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> int:
    """Show what is in the cache, by kind, or delete it.

    Everything in the cache can be computed again; the next search or start then takes longer. Photos, models, added
    tags and corrections are not in the cache, so they are not deleted.

    **Examples**

    `vectortag cache --size`

    `vectortag cache --clear --kind embeddings`
    """
    if size and clear:
        raise ConfigError("--size and --clear cannot be combined")
    if kinds and not clear:
        raise ConfigError("--kind needs --clear")
    if not clear:
        _print(cache_kinds(), as_json=as_json)
        return 0
    known = [kind.name for kind in cache_kinds()]
    for kind in kinds or ():
        if kind not in known:
            there = ", ".join(known) or "nothing"
            raise ConfigError(f'the cache holds no kind "{kind}".{did_you_mean(kind, known)} It holds: {there}')
    deleted, failed = clear_cache(kinds or ())
    _print(deleted, as_json=as_json)
    for error in failed:
        notes.print(f"{escape_path(str(error.filename))}: cannot be deleted: {error.strerror}", style="yellow")
    return 1 if failed else 0


def _print(kinds: Sequence[CacheKind], *, as_json: bool) -> None:
    if as_json:
        found = [to_builtins(kind) for kind in kinds]
        stdout().print(json.dumps({"folder": escape_path(cache_home()), "kinds": found}, indent=2))
        return
    table = Table("kind", "files", "MB", "what", box=None, header_style="bold")
    for kind in kinds:
        table.add_row(kind.name, str(kind.files), f"{kind.size / 1e6:.1f}", kind.about)
    total = sum(kind.size for kind in kinds)
    table.add_row("together", str(sum(kind.files for kind in kinds)), f"{total / 1e6:.1f}", escape_path(cache_home()))
    stdout().print(table)
