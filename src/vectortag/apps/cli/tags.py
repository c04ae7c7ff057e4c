"""vectortag tags, add-tag, remove-tag"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.apps.formats import to_json
from vectortag.core.file_names import escape_path
from vectortag.core.schema import to_plain
from vectortag.core.text import normalise
from vectortag.data.find import find_images, photos_of
from vectortag.model.folder import ModelFolder
from vectortag.model.language import Language
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import AddedTag, read_additions, remove_addition
from vectortag.personal.few_shot import FEW_EXAMPLES, is_weak
from vectortag.personal.from_words import add_from_words, knows_words, propose_parents
from vectortag.personal.names import check_name

SHOWN_EXAMPLES = 5
"""Of the photos that an encoder chose."""

Name = Annotated[str, typer.Argument(help="The tag.", show_default=False)]


def tags(
    model: Annotated[str | None, typer.Argument(help="A model's name or folder.")] = None,
    added: Annotated[bool, typer.Option("--added", help="Only tags that you added.")] = False,
    language: options.Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> int:
    """List the tags of a model: its own, then the tags that you added.

    **Example**

    `vectortag tags --added`

    `vectortag tags --language de`
    """
    spoken = Language.load(language)
    folder = find_model_folder(model)
    manifest, additions = folder.manifest, read_additions(folder).tags
    own = () if added else tuple(zip(manifest.tags, manifest.label_sources, strict=True))
    if as_json:
        rows: list[dict[str, object]] = [{"tag": tag, "added": False, "taught_by": teacher} for tag, teacher in own]
        rows += map(_describe, additions)
        if spoken.tags:
            rows = [{**row, "name": spoken.name(str(row["tag"]))} for row in rows]
        stdout().print(to_json(rows, sys.stdout, indent=2))
        return 0
    table = Table("tag", "taught by", "examples", "parents", "separation", box=None, header_style="bold")
    for tag, teacher in own:
        table.add_row(spoken.name(tag), teacher, "", "", "")
    for addition in additions:
        table.add_row(
            addition.name,
            "you",
            str(addition.examples),
            ", ".join(map(spoken.name, addition.parents)),
            f"{addition.separation:.2f}",
            style="green",
        )
    stdout().print(table)
    return 0


def _describe(tag: AddedTag) -> dict[str, object]:
    fields = to_plain(tag)
    del fields["name"], fields["format_version"]
    return {"tag": tag.name, "added": True, **fields}


Photos = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Photos, or folders of photos, that show the tag. Optional with --from-words.", show_default=False
    ),
]
FromWords = Annotated[bool, typer.Option("--from-words", help="Learn the tag from its name, in English.")]
Description = Annotated[
    str | None, typer.Option("--description", help="With --from-words: a sentence that explains the name.")
]
EncoderFolder = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        help="With --from-words and --among: find example photos with your own image-text encoder (a folder in "
        "Immich's layout).",
    ),
]
Among = Annotated[
    list[Path] | None,
    typer.Option("--among", help="With --encoder: photos, or folders of photos, to search for examples; repeatable."),
]
Without = Annotated[
    list[Path] | None,
    typer.Option("--not", help="Photos, or folders of photos, that look similar but do not show the tag; repeatable."),
]
Parents = Annotated[
    list[str] | None, typer.Option("--parent", help="A tag of the model that the new tag implies; repeatable.")
]


def add_tag(
    name: Name,
    photos: Photos = None,
    from_words: FromWords = False,
    description: Description = None,
    encoder: EncoderFolder = None,
    among: Among = None,
    without: Without = None,
    parents: Parents = None,
    model: options.Model = None,
    language: options.Language = None,
) -> int:
    """Add a tag to a model from a few photos, from its name, or from both, without training. No other score changes.

    Three different photos are needed, twenty are better. With `--from-words` the name is enough if the model knows
    similar things; you can add photos later. With `--encoder`, your own encoder finds example photos in `--among`, and
    the tag is learnt from these; tagging does not need the encoder. The tag is stored in your data folder.

    **Examples**

    `vectortag add-tag "our boat" photos/boat/`

    `vectortag add-tag whiteboard office/*.jpg --not screens/ --parent furniture`

    `vectortag add-tag lantern --from-words`

    `vectortag add-tag quagga --from-words --description "a zebra with a brown back"`

    `vectortag add-tag lantern --from-words --encoder models/ViT-B-32__openai --among ~/Pictures`
    """
    _check_choice(photos, encoder, among, from_words=from_words, description=description)
    spoken, folder = Language.load(language), find_model_folder(model)
    above = [spoken.tag_of(parent) for parent in parents or ()]
    shown, others = _all_of(photos or []), _all_of(without or [])
    if encoder is not None:
        shown, description, from_words = (
            _found_by(encoder, folder, normalise(name), description, among or []),
            None,
            False,
        )
    if from_words and not shown:
        _print_words_evidence(
            folder, add_from_words(folder, normalise(name), description or None, parents=above), spoken
        )
        return 0
    from vectortag.inference.tagger import Tagger  # imports the runtime, which words alone do not need

    added = Tagger.load(folder).add_tag(name, shown, others, parents=above, words=description or from_words)
    _print_photos_evidence(folder, added, spoken, given=len(shown))
    return 0


def _check_choice(
    photos: Sequence[Path] | None,
    encoder: Path | None,
    among: Sequence[Path] | None,
    *,
    from_words: bool,
    description: str | None,
) -> None:
    """Refuse options that do not go together."""
    if not photos and not from_words:
        raise typer.BadParameter("give photos that show the tag, or --from-words")
    if description is not None and not from_words:
        raise typer.BadParameter("--description needs --from-words")
    if (encoder is not None) != bool(among) or (encoder is not None and (photos or not from_words)):
        raise typer.BadParameter("--encoder needs --among and --from-words, and no other photos")


def _print_photos_evidence(folder: ModelFolder, added: AddedTag, spoken: Language, *, given: int) -> None:
    """Print how reliable a tag from photos is, of which `given` were named."""
    if copies := given - added.examples:
        notes.print(f"{copies} of the {given} photos are copies of others and count once", style="yellow")
    implied = f", implies {', '.join(map(spoken.name, added.parents))}" if added.parents else ""
    stdout().print(f"{added.name}: added to {folder.id} from {added.examples} photos{implied}")
    if added.series is not None and added.series < added.examples:
        notes.progress(f"photos of one series count once: {added.series} different ones")
    if added.promise is not None:
        notes.progress(f"{added.promise}, by photos and name")
    else:
        notes.progress(_separation(added))
        notes.progress("for such a tag it is not known how good it is on photos from elsewhere")
    if is_weak(added):
        notes.print("this tag is weak: use more photos, or photos that are more similar", style="yellow")
    elif added.examples < FEW_EXAMPLES:
        notes.progress("more photos make it more reliable: remove the tag and add it again with twenty")


def _separation(added: AddedTag) -> str:
    percent = f"{100 * added.separation:.0f} %"
    return f"in a test, an example that was left out scored higher than other photos {percent} of the time"


def _found_by(
    encoder: Path, folder: ModelFolder, name: str, description: str | None, among: Sequence[Path]
) -> list[Path]:
    """The examples that an encoder finds; what is known of their worth is said."""
    from vectortag.assembly.encoder_examples import find_examples
    from vectortag.inference.tagger import Tagger
    from vectortag.model.encoder import Encoder

    own = Encoder.read(encoder)
    check_name(folder, name)
    examples = find_examples(Tagger.load(folder), own, name, description, list(photos_of(among)))
    for error in examples.failed:
        notes.print(f"left out: {error}", style="yellow")
    notes.progress(f"{own.id} chose {len(examples.photos)} of {examples.among:,} photos as examples, the best first:")
    for photo in examples.photos[:SHOWN_EXAMPLES]:
        notes.progress(f"  {escape_path(photo)}")
    notes.progress(
        f"tested on {examples.tried} tags of the model: the model agrees with {100 * examples.right:.0f} % of the "
        "photos that the encoder chose for them"
    )
    return list(examples.photos)


def _print_words_evidence(folder: ModelFolder, added: AddedTag, spoken: Language) -> None:
    """Print how reliable a tag from words is."""
    words = knows_words(folder)
    implied = f", implies {', '.join(map(spoken.name, added.parents))}" if added.parents else ""
    stdout().print(f"{added.name}: added to {folder.id} from words{implied}")
    notes.progress(f"nearest known words: {', '.join(added.nearest)}")
    if added.promise is not None:
        notes.progress(str(added.promise))
    elif (evidence := words.evidence) is not None:
        group = max(evidence.group(added.nearness or 0.0), 0)
        notes.progress(
            f"check on {evidence.words[group]:.0f} words left out of training with a similarity like this: photos that "
            f"show them scored higher than others {100 * added.separation:.0f} % of the time; at the threshold, "
            f"{100 * evidence.precision[group]:.0f} % of the photos found show them, if 2 % of all photos do"
        )
    proposed = propose_parents(folder.manifest.taxonomy, folder.manifest.tags, added.nearest)
    if more := [tag for tag in proposed if tag not in added.parents]:
        notes.progress(
            f"similar tags imply {', '.join(map(spoken.name, more))}: if this one does too, add it again with --parent"
        )
    notes.progress(f'photos make it more reliable: vectortag add-tag "{added.name}" PHOTOS')


def remove_tag(name: Name, model: options.Model = None) -> int:
    """Remove a tag that you added to a model.

    **Example**

    `vectortag remove-tag "our boat"`
    """
    folder = find_model_folder(model)
    remove_addition(folder, normalise(name))
    stdout().print(f"{name}: removed from {folder.id}")
    return 0


def _all_of(paths: Sequence[Path]) -> list[Path]:
    return list(find_images(*paths))
