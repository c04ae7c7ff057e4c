"""vectortag library"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from vectortag.apps.cli import library_status, library_xmp, options
from vectortag.apps.cli.output import notes, progress_of
from vectortag.apps.cli.signals import FinishOnSignal
from vectortag.core.file_names import escape_path
from vectortag.core.folders import library_file
from vectortag.core.heap import keep_heap_small, trim_heap
from vectortag.library.library import Library
from vectortag.library.update import Updated
from vectortag.model.calibration import Profile

library = typer.Typer(
    help="Keep a photo library: each photo is tagged once; tags, dates and keywords are stored in one file.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

ChosenProfile = Annotated[
    Profile | None,
    typer.Option(
        "--profile",
        help="precise: few wrong tags; thorough: few missed tags; balanced: between the two. Default: that of the last "
        "update, at first balanced.",
    ),
]
ChosenModel = Annotated[
    str | None, typer.Option("--model", "-m", help="A model's name or folder. Default: that of the last update.")
]
ChosenEncoder = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        help="Also embed the photos with your own image-text encoder (a folder in Immich's layout); it then reads the "
        "sentences of a search. Default: that of the last update.",
    ),
]
NoEncoder = Annotated[bool, typer.Option("--no-encoder", help="Remove the encoder of the last update.")]
Prune = Annotated[bool, typer.Option("--prune", help="Forget photos that are gone, and the scores of other models.")]
Retry = Annotated[bool, typer.Option("--retry", help="Also try again to read photos that could not be read.")]
Watch = Annotated[bool, typer.Option("--watch", help="Keep running until Ctrl-C; update whenever a file changes.")]


@library.command("add")
def add(
    folders: Annotated[list[Path], typer.Argument(help="Folders of photos.", show_default=False)],
    file: options.LibraryFile = None,
    model: ChosenModel = None,
    profile: ChosenProfile = None,
    encoder: ChosenEncoder = None,
    max_pixels: options.MaxPixels = None,
    threads: options.Threads = None,
) -> int:
    """Add folders to the library, and tag their photos.

    Ctrl-C finishes the photos in progress, then stops. `vectortag library update` continues.

    **Example**

    `vectortag library add ~/Pictures /media/nas/photos`
    """
    with Library.open(file) as opened:
        for folder in folders:
            root = opened.add(folder)
            notes.progress(f"{escape_path(root.path)}: part of the library {escape_path(opened.file)}")
        with FinishOnSignal() as stop:
            chosen: dict[str, Any] = {"model": model, "profile": profile, "encoder": encoder}
            run = partial(opened.update, **chosen, max_pixels=max_pixels, threads=threads)
            return _run(opened, run, stop)


@library.command("update")
def update(
    file: options.LibraryFile = None,
    model: ChosenModel = None,
    profile: ChosenProfile = None,
    encoder: ChosenEncoder = None,
    no_encoder: NoEncoder = False,
    prune: Prune = False,
    retry: Retry = False,
    watch: Watch = False,
    max_pixels: options.MaxPixels = None,
    threads: options.Threads = None,
) -> int:
    """Tag the new and changed photos of the library's folders.

    Photos that were moved or copied are not tagged again. Photos that are gone stay in the library until `--prune`.

    **Examples**

    `vectortag library update`

    `vectortag library update --model lite0 --prune`

    `vectortag library update --encoder models/ViT-B-32__openai`
    """
    with Library.open(file, create=False) as opened, FinishOnSignal() as stop:
        chosen: dict[str, Any] = {"model": model, "profile": profile, "encoder": False if no_encoder else encoder}
        run = partial(opened.update, **chosen, max_pixels=max_pixels, threads=threads)
        code = _run(opened, partial(run, prune=prune, retry=retry), stop)
        if watch and not stop():
            from vectortag.library.watch import changes

            trim_heap()
            notes.progress("watching; Ctrl-C ends it")
            for _ in changes(opened.roots, stop=stop):
                code = _run(opened, run, stop)
                trim_heap()
        return code


@library.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="Parquet files with embeddings.", show_default=False)],
    file: options.LibraryFile = None,
    model: ChosenModel = None,
    profile: ChosenProfile = None,
    max_pixels: options.MaxPixels = None,
    threads: options.Threads = None,
) -> int:
    """Import embeddings that `vectortag tag --format parquet --embeddings` computed elsewhere; then update the library.

    Photos are matched by their content, so their paths may differ. Photos without a row are tagged here.

    **Example**

    `vectortag library import tags.parquet`
    """
    with Library.open(file, create=False) as opened, FinishOnSignal() as stop:
        done = opened.import_embeddings(files, model=model, profile=profile, stop=stop)
        told = f"{done.rows:,} rows: {done.taken:,} imported, {done.known:,} known before"
        notes.progress(told + (f", {done.empty:,} without embedding" if done.empty else ""))
        run = partial(opened.update, model=model, profile=profile, max_pixels=max_pixels, threads=threads)
        return _run(opened, run, stop)


library.command("status")(library_status.status)


@library.command("remove")
def remove(
    folders: Annotated[list[Path], typer.Argument(help="Folders of the library.", show_default=False)],
    file: options.LibraryFile = None,
) -> int:
    """Remove folders and their photos from the library. Your files do not change, and your decisions are kept.

    **Example**

    `vectortag library remove ~/Pictures`
    """
    with Library.open(file, create=False) as opened:
        for folder in folders:
            count = opened.remove(folder)
            notes.progress(f"{escape_path(folder)}: removed from the library, with {_counted(count)}")
    return 0


@library.command("relocate")
def relocate(
    old: Annotated[Path, typer.Argument(help="The old path of the folder.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Its new path.", show_default=False)],
    file: options.LibraryFile = None,
) -> int:
    """Tell the library that a folder has a new path. Some photos are compared first.

    **Example**

    `vectortag library relocate /media/old/photos /media/new/photos`
    """
    with Library.open(file, create=False) as opened:
        root = opened.relocate(old, new)
    notes.progress(f"{escape_path(root.path)}: the library now finds these photos here")
    return 0


def _run(opened: Library, run: Callable[..., Updated], stop: FinishOnSignal) -> int:
    """Run an update, and say what it did. Returns the exit status."""
    keep_heap_small()
    with progress_of("tagging") as progress:
        done = run(stop=stop, progress=progress)
    _say_what_was_done(opened, done)
    if done.stopped:
        left = f"{_counted(done.left)} left" if done.left else "some folders were not searched"
        notes.print(f"stopped; {left}. To continue: vectortag library update{_named(opened)}", style="yellow")
        return stop.status
    return 1 if done.failed or done.unsettled or done.seen.closed else 0


def _named(opened: Library) -> str:
    """The option that names a library which is not the default one."""
    return "" if opened.file == library_file() else f" --library {escape_path(opened.file)}"


def _say_what_was_done(opened: Library, done: Updated) -> None:
    seen = done.seen
    counts = {
        "new": max(0, seen.new - done.moved),
        "changed": seen.changed,
        "moved": done.moved,
        "gone": done.gone,
        "tagged": done.analysed,
        "tagged from stored embeddings": done.adopted,
        "embedded by the encoder": done.encoded,
        "unreadable": done.failed,
        "forgotten": done.pruned,
    }
    told = "".join(f", {count:,} {what}" for what, count in counts.items() if count)
    notes.progress(f"{_counted(seen.photos)}{told or ', no changes' * (seen.photos > 0)}")
    for root in opened.roots():
        if root.why:
            notes.print(f"{escape_path(root.path)}: offline, its photos are kept: {root.why}", style="yellow")
    for folder in seen.closed:
        notes.print(f"{folder}: cannot be read now, its photos are kept", style="yellow")
    if done.unsettled:
        notes.print(f"{_counted(done.unsettled)} changed during the update. Run it again", style="yellow")
    if done.failed:
        notes.print(f"unreadable photos: vectortag library status --errors{_named(opened)}", style="yellow")
    if there := seen.left_out.in_words(others=not seen.photos):
        notes.progress(f"left out: {there}")


def _counted(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"


for name in ("write-xmp", "forget", "accept", "reject", "rename", "lists"):
    library.command(name)(getattr(library_xmp, name.replace("-", "_")))
