"""vectortag library write-xmp, forget, accept, reject, rename, lists"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import stdout
from vectortag.apps.cli.sidecar_report import SidecarReport, chosen, chosen_names
from vectortag.core.file_names import escape_path, is_folder
from vectortag.core.folders import library_file
from vectortag.data.find import folders_of, photos_of
from vectortag.library.embed import can_embed
from vectortag.library.library import Library
from vectortag.library.library_sidecars import choice_of, keep_choice
from vectortag.library.lists import TagNames
from vectortag.library.sidecars import SidecarNames
from vectortag.library.write_xmp import SidecarWriter

Within = Annotated[
    list[Path] | None, typer.Argument(help="Only photos in these folders. Default: all.", show_default=False)
]
OnePhoto = Annotated[Path, typer.Argument(help="A photo of the library.", show_default=False)]
Tags = Annotated[list[str], typer.Argument(help="Tags of the model.", show_default=False)]


def write_xmp(
    folders: Within = None,
    file: options.LibraryFile = None,
    dry_run: options.DryRun = False,
    parent: options.Parent = None,
    min_score: options.MinScore = None,
    only: options.Only = None,
    hidden: options.Not = None,
    rename: options.Rename = None,
    language: options.Language = None,
    stem: options.Stem = None,
    embed: options.Embed = False,
) -> int:
    """Write the tags of the library's photos into XMP sidecars, which digiKam, Lightroom, darktable and Immich read.

    Your own keywords stay; only VectorTag's are changed or removed. A tag that you deleted in another program is not
    written again. Photos do not change (without `--embed`), and a sidecar that would not change is not written. The
    library remembers `--parent`, `--min-score`, `--stem`, the lists and the language.

    **Examples**

    `vectortag library write-xmp --dry-run`

    `vectortag library write-xmp ~/Pictures/2024 --parent auto --min-score 0.6 --not person`

    `vectortag library write-xmp --language de`
    """
    with Library.open(file, create=False) as library:
        given = options.SidecarOptions(parent, min_score, only, hidden, rename, stem, language)
        choice = chosen(choice_of(library), given)
        choice = replace(choice, names=library.checked(choice.names))
        if not dry_run:
            keep_choice(library, choice)
        report = SidecarReport(stdout().print)
        for outcome in library.write_xmp(folders or (), choice=choice, dry_run=dry_run, embed=embed):
            report.note(outcome)
    return report.finish(dry_run=dry_run)


def forget(
    folders: Annotated[list[Path], typer.Argument(help="Folders of photos, or photos.", show_default=False)],
    file: options.LibraryFile = None,
    dry_run: options.DryRun = False,
    embed: Annotated[bool, typer.Option("--embed", help="Also remove it from JPEG files, with exiftool.")] = False,
) -> int:
    """Remove everything that VectorTag wrote from the sidecars of photos, and the sidecars that it made.

    This works without a library, too: each sidecar records what VectorTag wrote in it.

    **Example**

    `vectortag library forget ~/Pictures --dry-run`
    """
    report, done = SidecarReport(stdout().print), set()
    if file is not None or library_file().exists():
        with Library.open(file, create=False) as library:
            for outcome in library.forget_xmp(folders, dry_run=dry_run, embed=embed):
                report.note(outcome)
                done.add(outcome.sidecar)
    writer = SidecarWriter(dry_run=dry_run)
    for sidecar in _sidecars_in(folders):
        if sidecar.absolute() not in done:
            report.note(writer.forget_sidecar(sidecar))
    if embed:
        writer = SidecarWriter(dry_run=dry_run, embed=True)
        for photo in photos_of(folders):
            if can_embed(photo) and photo.absolute() not in done:
                for outcome in writer.forget(photo):
                    report.note(outcome)
    return report.finish(dry_run=dry_run)


def _sidecars_in(paths: list[Path]) -> Iterator[Path]:
    """The sidecars of photos and in folders, also those whose photos are gone."""
    names = SidecarNames()
    for path in paths:
        if is_folder(path):
            for folder in folders_of(path):
                yield from (folder.path / entry.name for entry in folder.sidecars)
        else:
            yield from names.of(path)


def accept(photo: OnePhoto, tags: Tags, file: options.LibraryFile = None, language: options.Language = None) -> int:
    """Confirm that a photo shows tags. Search and sidecars use your decision, also if a model says otherwise.

    `vectortag refresh` makes a model learn from it.

    **Example**

    `vectortag library accept beach.jpg dog sea`
    """
    with Library.open(file, create=False) as library:
        names = _names_in(library, language)
        for tag in tags:
            _say(photo, names.shown_name(library.accept(photo, names.tag_of(tag))))
    return 0


def reject(photo: OnePhoto, tags: Tags, file: options.LibraryFile = None, language: options.Language = None) -> int:
    """Record that a photo does not show tags. Search and sidecars use your decision, also if a model says otherwise.

    **Example**

    `vectortag library reject beach.jpg boat`
    """
    with Library.open(file, create=False) as library:
        names = _names_in(library, language)
        for tag in tags:
            _say(photo, f"no {names.shown_name(library.reject(photo, names.tag_of(tag)))}")
    return 0


def rename(
    photo: OnePhoto,
    tag: Annotated[str, typer.Argument(help="A tag of the model.", show_default=False)],
    name: Annotated[str, typer.Argument(help="The name that this photo gets instead.", show_default=False)],
    file: options.LibraryFile = None,
    language: options.Language = None,
) -> int:
    """Give a tag of one photo another name, such as Rex for dog. For all photos: `vectortag library lists --rename`.

    **Example**

    `vectortag library rename beach.jpg dog Rex`
    """
    with Library.open(file, create=False) as library:
        names = _names_in(library, language)
        _say(photo, f"{names.shown_name(library.rename(photo, names.tag_of(tag), name))}, shown as {name}")
    return 0


def lists(
    file: options.LibraryFile = None,
    only: options.Only = None,
    hidden: options.Not = None,
    rename: options.Rename = None,
    language: options.Language = None,
) -> int:
    """Show or replace the library's lists of tags: which to show, which to hide, and other names.

    The lists apply to search, sidecars and exports. So does the language, which names all other tags. `--not ""`
    empties a list.

    **Examples**

    `vectortag library lists --not private.txt --rename "automobile: Auto, dog: Hund"`

    `vectortag library lists --not "" --language de`
    """
    with Library.open(file, create=False) as library:
        names = library.names
        if any(given is not None for given in (only, hidden, rename, language)):
            names = library.change_names(chosen_names(names, only, hidden, rename, language))
    spoken = names.language.name
    for what, words in (("only", names.only), ("not", names.hidden)):
        stdout().print(f"{what}: {', '.join(map(spoken, words)) or '-'}")
    stdout().print(f"renames: {', '.join(f'{spoken(tag)}: {name}' for tag, name in names.renames.items()) or '-'}")
    if names.language.tags:
        stdout().print(f"language: {names.language.title}")
    return 0


def _names_in(library: Library, language: str | None) -> TagNames:
    """The names of tags in a library, in the language that was asked for, else in its own."""
    return chosen_names(library.names, None, None, None, language)


def _say(photo: Path, what: str) -> None:
    stdout().print(f"{escape_path(photo)}: {what}")
