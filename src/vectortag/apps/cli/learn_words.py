"""vectortag learn-words"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import notes, stdout
from vectortag.model.folder import ModelFolder

Model = Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)]
Data = Annotated[list[Path], typer.Argument(help="Tagged photos: metadata.csv files or folders.")]
CaptionFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--captions",
        help="A CSV file with the columns image_path and caption, one row per caption. Several can be given.",
        show_default=False,
    ),
]
Tried = Annotated[
    list[Path] | None,
    typer.Option("--try", help="More tagged photos, which teach nothing and only test; repeatable."),
]
KeepWords = Annotated[
    bool, typer.Option("--keep-words", help="Keep the words; only measure again how reliable new tags are.")
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="A new model folder. Default: replace the model's own.")
]


def learn_words(
    model: Model,
    data: Data,
    captions: CaptionFiles = None,
    tried: Tried = None,
    keep_words: KeepWords = False,
    precision: options.Precision = "exact",
    output: Output = None,
) -> int:
    """Teach a model words, from captions and tagged photos: for `add-tag --from-words` and `find`.

    The network, the tags and all scores stay the same. But the model gets a new id, and tags that you added belong to
    the old id: add them again. Validation photos of the model are left out. Needs
    `pip install 'vectortag[words]'`.

    It also measures, on all of these photos, how reliable tags from few photos, tags from words and searches are.

    **Examples**

    `vectortag learn-words runs/mine flickr8k/metadata.csv coco/metadata.csv --captions flickr8k/captions.csv`

    `vectortag learn-words runs/mine --keep-words flickr8k/metadata.csv coco/metadata.csv --try flowers/metadata.csv`
    """
    if not captions and not keep_words:
        raise typer.BadParameter("give --captions to learn from, or --keep-words")
    from vectortag.assembly.learn_words import learn

    folder = learn(
        model, captions or (), data, tried=tried or (), keep_words=keep_words, output=output, precision=precision
    )
    _print_trust(folder)
    stdout().print(str(folder.path))
    return 0


def _print_trust(folder: ModelFolder) -> None:
    """Print how far tags from words and from few photos can be trusted."""
    words = folder.words
    evidence = None if words is None else words.evidence
    if evidence is None:
        notes.print(
            "too few words for validation, so the accuracy is unknown: add-tag --from-words is off for this model"
        )
    else:
        for low, separation, count in zip(evidence.from_nearness, evidence.separation, evidence.words, strict=True):
            notes.progress(
                f"{count:.0f} words left out of training, similarity to the nearest known word from {low:.2f}: photos "
                f"that show them score higher than others {100 * separation:.0f} % of the time"
            )
    bank = folder.bank
    for what, trust in (
        ("tags from photos and their name", bank and bank.named),
        ("tags from words", words and words.trust),
    ):
        said = f"measured on {trust.tried} tags" if trust else "too few tags of several sources to measure trust"
        notes.progress(f"{what}: {said}")
