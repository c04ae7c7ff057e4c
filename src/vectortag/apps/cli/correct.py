"""vectortag correct, corrections, refresh, suggest"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.named_tags import tags_named
from vectortag.apps.cli.output import notes, stdout
from vectortag.apps.formats import to_json
from vectortag.core.errors import CorrectionError, LibraryError
from vectortag.core.file_names import escape_path
from vectortag.core.types import FailedTagging
from vectortag.data.outputs import LABELS, InputFiles, check_output
from vectortag.inference.active_learning import Suggestion
from vectortag.inference.refresh import forget
from vectortag.inference.refresh import refresh as refresh_model
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language
from vectortag.personal.corrections import Correction, read_corrections, undo_corrections
from vectortag.personal.corrections_csv import write_corrected

SUGGESTED = 20
"""As SUGGESTED of `vectortag.assembly.suggest`, which takes time to import."""


def correct(
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos to correct.")] = None,
    yes: Annotated[list[str] | None, typer.Option("--yes", help="A tag that the photos show; repeatable.")] = None,
    no: Annotated[list[str] | None, typer.Option("--no", help="A tag that the photos do not show; repeatable.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the last correction.")] = False,
    model: options.Model = None,
    language: options.Language = None,
) -> int:
    """Record that photos show a tag, or do not show it. `vectortag refresh` makes a model learn from it.

    Corrections are stored in your data folder and apply to every model that has the tag. The photos do not change. If
    they are in your library, search and sidecars use the corrections at once.

    **Examples**

    `vectortag correct sofa.jpg --yes dog --no cat`

    `vectortag correct sofa.jpg --yes Hund --language de`

    `vectortag correct --undo`
    """
    spoken = Language.load(language)
    if undo:
        undone = undo_corrections()
        _note_in_library(undone, undone=True)
        _print_corrections(undone, "undone", spoken)
        return 0
    if not photos:
        raise CorrectionError("no photos given. Example: vectortag correct sofa.jpg --yes dog --no cat")
    tagger = Tagger.load(model)
    has, has_not = (tags_named(words or (), tagger, spoken) for words in (yes, no))
    for photo in photos:
        recorded = tagger.correct(photo, yes=has, no=has_not)
        _note_in_library(recorded)
        _print_corrections(recorded, "recorded", spoken)
    notes.progress("to make the model learn from it: vectortag refresh")
    return 0


def _note_in_library(corrections: Sequence[Correction], *, undone: bool = False) -> None:
    """Corrections of photos in the user's library count there at once: in search and in sidecars."""
    from vectortag.core.folders import library_file
    from vectortag.library.library import Library

    if library_file().exists():
        try:
            with Library.open(create=False) as library:
                library.note_corrections(corrections, undone=undone)
        except LibraryError as error:
            notes.print(f"not stored in the library: {error}", style="yellow")


def _print_corrections(corrections: Sequence[Correction], done: str, spoken: Language) -> None:
    for one in corrections:
        stdout().print(f"{done}: {escape_path(one.photo)}: {_label(one, spoken)}")
    if not corrections:
        notes.print("nothing to undo", style="yellow")


def _label(one: Correction, spoken: Language) -> str:
    name = spoken.name(one.tag)
    return name if one.has else f"no {name}"


def corrections(
    export: Annotated[
        Path | None, typer.Option("--export", help="Write the corrections as a metadata.csv for the next training.")
    ] = None,
    onto: Annotated[
        Path | None, typer.Option("--onto", help="With --export: write all rows of this metadata.csv, corrected.")
    ] = None,
    model: options.Model = None,
    language: options.Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    overwrite: options.Overwrite = False,
) -> int:
    """List your corrections, or export them for the next full training.

    An exported row has the tags that the model finds in the photo, with your corrections. With `--onto`, all rows of
    that file are written; the rows of corrected photos are changed.

    **Examples**

    `vectortag corrections`

    `vectortag corrections --export corrected.csv --onto photos/metadata.csv`
    """
    spoken, found = Language.load(language), read_corrections()
    if export is not None:
        check_output(export, LABELS, inputs=InputFiles(options=[onto, language]), overwrite=overwrite)
        tagger = Tagger.load(model)
        photos = list(dict.fromkeys(one.photo for one in found))
        tags: dict[Path, list[str]] = {}
        for photo, tagging in zip(photos, tagger.tag_many(photos), strict=True):
            if isinstance(tagging, FailedTagging):
                notes.print(f"left out: {tagging.error}", style="yellow")
            else:
                tags[photo] = [scored.tag for scored in tagging.tags]
        kept = [one for one in found if one.photo in tags]
        rows = write_corrected(export, kept, tagger.folder.manifest.taxonomy, tags=tags, onto=onto, overwrite=overwrite)
        stdout().print(f"{export}: {rows} photos corrected")
        return 1 if len(tags) < len(photos) else 0
    if as_json:
        rows_of = [
            {"photo": escape_path(one.photo), "tag": one.tag, "has": one.has}
            | ({"name": spoken.name(one.tag)} if spoken.tags else {})
            for one in found
        ]
        stdout().print(to_json(rows_of, sys.stdout, indent=2))
    else:
        for one in found:
            stdout().print(f"{escape_path(one.photo)}: {_label(one, spoken)}")
    return 0


def refresh(
    model: options.Model = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo: use the model without corrections again.")] = False,
    language: options.Language = None,
) -> int:
    """Make a model learn from your corrections, in seconds. Only the scores of corrected tags change.

    The result is stored in your data folder; the model folder does not change. In all outputs, the name of the model
    then ends with `+corrections`. The corrections stay; `correct --undo` removes the last one.

    **Examples**

    `vectortag refresh`

    `vectortag refresh --undo`
    """
    spoken, tagger = Language.load(language), Tagger.load(model)
    if undo:
        forget(tagger)
        stdout().print(f"{tagger.folder.id}: without corrections again")
        return 0
    refreshed = refresh_model(tagger)
    for one in refreshed:
        stdout().print(f"{spoken.name(one.tag)}: {one.right} of {one.corrections} corrected photos are right now")
    if not refreshed:
        notes.print("no correction is about a tag of this model", style="yellow")
    return 0


def suggest(
    tag: Annotated[str, typer.Argument(help="A tag of the model.", show_default=False)],
    data: Annotated[Path, typer.Argument(help="A folder of photos or shards, or a metadata.csv.", show_default=False)],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="At most this many photos per list.")] = SUGGESTED,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2, help="Cross-validate with this many folds: no head judges a label that it has learnt from."
        ),
    ] = None,
    model: options.Model = None,
    language: options.Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> int:
    """List photos that help a tag most: photos to label, and labels that may be wrong.

    Labels come from a metadata.csv, from keywords in sidecars and photos, or from shards, whose photos are named by
    their paths in the data set. If no photo has the tag as a label, all photos count as unlabelled.

    A model that was trained on these labels would repeat their errors. For such a model, new heads are fitted: each
    learns from four fifths of the photos and judges the others. `--folds` does this for any model. `vectortag check
    --labels` checks all tags.

    **Examples**

    `vectortag suggest whiteboard photos/`

    `vectortag suggest dog photos/metadata.csv --json`
    """
    from vectortag.assembly.suggest import suggest as find_suggestions

    spoken, tagger = Language.load(language), Tagger.load(model)
    (tag,) = tags_named([tag], tagger, spoken)
    found = find_suggestions(tagger, tag, data, count=count, folds=folds)
    for error in found.failed:
        notes.print(f"left out: {error}", style="yellow")
    if found.labelled:
        notes.progress(f"{found.doubted:,} of {found.labelled:,} labels look wrong")
    else:
        notes.progress(f'no photo is labelled "{spoken.name(found.tag)}", so all photos count as unlabelled')
    if as_json:
        lists = {"label": list(map(_plain, found.label)), "check": list(map(_plain, found.check))}
        stdout().print(to_json(lists, sys.stdout, indent=2))
    else:
        _print_suggestions(spoken.name(found.tag), found.label, found.check)
    return 1 if found.failed else 0


def _plain(one: Suggestion) -> dict[str, Any]:
    return {"photo": escape_path(one.photo), "score": round(one.score, 4), "has": one.has}


def _print_suggestions(tag: str, useful: Sequence[Suggestion], doubtful: Sequence[Suggestion]) -> None:
    table = Table("what", "score", "photo", box=None, header_style="bold")
    for one in useful:
        table.add_row(f"{tag}?", f"{one.score:.2f}", escape_path(one.photo))
    for one in doubtful:
        table.add_row(
            f"labelled {tag}" if one.has else f"not labelled {tag}", f"{one.score:.2f}", escape_path(one.photo)
        )
    if not useful and not doubtful:
        return
    stdout().print(table)
    notes.progress(f'answer with: vectortag correct PHOTO --yes "{tag}", or --no "{tag}"')
