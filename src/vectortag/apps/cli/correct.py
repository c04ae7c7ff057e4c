"""vectortag correct, corrections, refresh, suggest"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.named_tags import tags_named
from vectortag.apps.cli.output import notes, stdout
from vectortag.apps.formats import to_json
from vectortag.core.errors import CorrectionError, DataError, LibraryError
from vectortag.core.file_names import escape_path, is_folder, is_missing
from vectortag.core.types import FailedTagging, FloatArray
from vectortag.data.copies import fingerprints_of
from vectortag.data.embedding_cache import embed_photos
from vectortag.data.find import photos_of
from vectortag.data.outputs import LABELS, InputFiles, check_output
from vectortag.data.records import DataSet, Record
from vectortag.data.usable import read_usable
from vectortag.data.vocabulary import record_tags
from vectortag.evaluation.evaluate import has_learnt
from vectortag.inference.active_learning import Suggestion, likely_mistakes, most_useful
from vectortag.inference.refresh import forget
from vectortag.inference.refresh import refresh as refresh_model
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import NETWORK
from vectortag.model.language import Language
from vectortag.personal.corrections import Correction, read_corrections, undo_corrections
from vectortag.personal.corrections_csv import write_corrected

SUGGESTED = 20


def correct(
    photos: Annotated[list[Path] | None, typer.Argument(help="Photos with wrong tags.")] = None,
    yes: Annotated[list[str] | None, typer.Option("--yes", help="A tag that the photos show; repeatable.")] = None,
    no: Annotated[list[str] | None, typer.Option("--no", help="A tag that the photos do not show; repeatable.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Undo the last corrections.")] = False,
    model: options.Model = None,
    language: options.Language = None,
) -> int:
    """Record that photos show a tag, or do not show it. `vectortag refresh` makes a model learn from it.

    Corrections are stored in your data folder, and count for every model that has the tag. The photos are not changed.
    If they are in your library, search and sidecars follow at once.

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
            notes.print(f"not noted in the library: {error}", style="yellow")


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
        Path | None, typer.Option("--onto", help="With --export: a metadata.csv to correct; its other rows are kept.")
    ] = None,
    model: options.Model = None,
    language: options.Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
    overwrite: options.Overwrite = False,
) -> int:
    """List your corrections, or export them for the next full training.

    An exported photo has the tags that the model finds, with your corrections. With `--onto`, all rows of that file are
    written, and the rows of corrected photos are changed.

    **Examples**

    `vectortag corrections`

    `vectortag corrections --export corrected.csv --onto photos/metadata.csv`
    """
    spoken, found = Language.load(language), read_corrections()
    if export is not None:
        check_output(export, LABELS, inputs=InputFiles([onto] if onto else []), overwrite=overwrite)
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
    undo: Annotated[bool, typer.Option("--undo", help="Make the model forget what it learned.")] = False,
    language: options.Language = None,
) -> int:
    """Make a model learn from your corrections, in seconds. Only the scores of corrected tags change.

    The result is stored in your data folder; the model folder is not changed. In all outputs, the name of the model
    then ends with `+corrections`. The corrections stay: `correct --undo` removes the last ones.

    **Examples**

    `vectortag refresh`

    `vectortag refresh --undo`
    """
    spoken, tagger = Language.load(language), Tagger.load(model)
    if undo:
        forget(tagger)
        stdout().print(f"{tagger.folder.id}: as before any correction")
        return 0
    refreshed = refresh_model(tagger)
    for one in refreshed:
        stdout().print(f"{spoken.name(one.tag)}: {one.right} of {one.corrections} corrected photos are right now")
    if not refreshed:
        notes.print("no correction is about a tag of this model", style="yellow")
    return 0


def suggest(
    tag: Annotated[str, typer.Argument(help="A tag of the model.", show_default=False)],
    data: Annotated[Path, typer.Argument(help="A folder of photos, or a metadata.csv.", show_default=False)],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="At most this many photos per list.")] = SUGGESTED,
    model: options.Model = None,
    language: options.Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> int:
    """List photos that help a tag most: photos to label, and labels that may be wrong.

    Labels come from a metadata.csv, or from keywords in sidecars and photos. If no photo has the tag as a label, all
    photos count as unlabelled.

    A model that was trained on these labels would repeat their errors. Then heads are fitted on four fifths of the
    photos each, and judge the others. `vectortag check --labels` does so for all tags.

    **Examples**

    `vectortag suggest whiteboard photos/`

    `vectortag suggest dog photos/metadata.csv --json`
    """
    spoken, tagger = Language.load(language), Tagger.load(model)
    (tag,) = tags_named([tag], tagger, spoken)
    data_set = _data_set(data)
    records = data_set.records if data_set else ()
    labels = _labels(tagger, tag, records)
    photos = [record.path for record in records]
    if is_folder(data):
        known = {photo.absolute() for photo in photos}
        photos += [photo for photo in photos_of([data]) if photo.absolute() not in known]
    labels.update((one.photo, one.has) for one in read_corrections() if one.tag == tag)
    embeddings, failed = embed_photos(tagger.embedder, tagger.folder.manifest.files[NETWORK], photos)
    for error in failed:
        notes.print(f"left out: {error}", style="yellow")
    unlabelled = {photo: embedding for photo, embedding in embeddings.items() if photo.absolute() not in labels}
    labelled = {photo.absolute(): one for photo, one in embeddings.items() if photo.absolute() in labels}
    doubtful = _doubtful(tagger, tag, data_set, labelled, labels)
    found = {"label": most_useful(tagger, tag, unlabelled, count=count), "check": doubtful[:count]}
    if labelled:
        notes.progress(f"{len(doubtful):,} of {len(labelled):,} labels doubted")
    elif records:
        notes.progress(f'no photo is labelled "{spoken.name(tag)}", so all photos count as unlabelled')
    if as_json:
        lists = {what: [_plain(one) for one in some] for what, some in found.items()}
        stdout().print(to_json(lists, sys.stdout, indent=2))
    else:
        _print_suggestions(spoken.name(tag), found["label"], found["check"])
    return 1 if failed else 0


def _data_set(data: Path) -> DataSet | None:
    """What `check` reads; None where a folder has neither a metadata.csv nor keywords."""
    try:
        return read_usable(data, skip_bad_rows=True)
    except DataError:
        if not is_folder(data) or not is_missing(data / "metadata.csv"):
            raise
        return None


def _doubtful(
    tagger: Tagger, tag: str, data: DataSet | None, labelled: Mapping[Path, FloatArray], labels: Mapping[Path, bool]
) -> list[Suggestion]:
    """The labels that look wrong: to the model, or where it was trained on them, to heads that were not."""
    if data is None or not has_learnt(tagger.folder.manifest, data):
        return likely_mistakes(tagger, tag, labelled, labels, count=len(labelled))
    from vectortag.assembly.label_errors import doubted_photos

    prints = {photo.absolute(): one for photo, one in fingerprints_of(data)[0].items()}
    return doubted_photos(labelled, labels, prints)


def _labels(tagger: Tagger, tag: str, records: Sequence[Record]) -> dict[Path, bool]:
    """The label of each photo; empty if no photo has the tag, since then nobody has labelled it."""
    taxonomy = tagger.folder.manifest.taxonomy
    labels = {record.path.absolute(): tag in record_tags(record, taxonomy) for record in records}
    return labels if any(labels.values()) else {}


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
